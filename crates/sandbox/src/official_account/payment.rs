//! A user pays one of the merchants of a rule.

use serde::Serialize;

use super::{Claim, Claimed, Context, Core, PayRule};
use crate::official_account::Refused;

/// A user pays a merchant.
pub(crate) struct Payment {
    pub(crate) mchid: String,
    pub(crate) openid: String,
    /// Fen.
    pub(crate) fee: i64,
    /// Whether the user taps the message and joins.
    pub(crate) joins: bool,
}

/// What the message after a payment offers.
#[derive(Serialize)]
pub(crate) struct Offer {
    pub(crate) rule_id: i64,
    pub(crate) card_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) jump_url: Option<String>,
    /// The card, if the user joined on the platform's own page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) claimed: Option<Claimed>,
}

impl Core {
    /// A user pays, and perhaps joins.
    pub(crate) fn pay(
        &mut self,
        context: &Context<'_>,
        payment: &Payment,
    ) -> Result<Option<Offer>, Refused> {
        let inclusive = context.rules.rule_amounts_inclusive;
        let fits = |rule: &&PayRule| {
            let fee = payment.fee;
            let amount = if inclusive {
                (rule.least_cost..=rule.max_cost).contains(&fee)
            } else {
                rule.least_cost < fee && fee < rule.max_cost
            };
            rule.is_effective(context.now) && rule.has(&payment.mchid) && amount
        };
        let Some(rule) = self.pay_rules.values().find(fits) else {
            return Ok(None);
        };
        let Some(card_id) = rule.card_id.clone() else {
            return Ok(None);
        };
        let mut offer = Offer {
            rule_id: rule.rule_id,
            card_id: card_id.clone(),
            jump_url: rule.jump_url.clone(),
            claimed: None,
        };
        if payment.joins && offer.jump_url.is_none() {
            let claim = Claim {
                card_id,
                openid: payment.openid.clone(),
                ..Claim::default()
            };
            offer.claimed = Some(self.claim(context, &claim)?);
        }
        Ok(Some(offer))
    }
}
