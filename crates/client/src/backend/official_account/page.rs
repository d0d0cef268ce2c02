//! Signatures for pages: `wx.addCard` and `wx.chooseCard`.

use async_trait::async_trait;
use kabao_api::{
    AddCard, CallContext, CardSigner, ChooseCard, Error, FieldViolation, Reason, SignedAddCard,
    SignedChooseCard,
};
use kabao_auth::card_signature;
use kabao_models::Personal;
use kabao_models::official_account::TicketType;
use serde::Serialize;

use super::OfficialAccount;

/// Characters of a card id and of an openid.
const MAX_ID: usize = 32;
/// Characters of a code.
const MAX_CODE: usize = 20;

/// `cardExt` in the order of the documents' samples.
#[derive(Serialize)]
struct CardExt<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    code: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    openid: &'a str,
    timestamp: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    nonce_str: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fixed_begintimestamp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outer_str: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outer_id: Option<i64>,
    signature: String,
}

/// What is chosen anew for each signature.
struct Stamp {
    timestamp: String,
    nonce: String,
}

#[async_trait]
impl CardSigner for OfficialAccount {
    async fn sign_add_card(
        &self,
        context: &CallContext,
        card: AddCard,
    ) -> Result<SignedAddCard, Error> {
        let mut violations = Vec::new();
        required("add_card.card_id", &card.card_id, MAX_ID, &mut violations);
        bounded(
            "add_card.code",
            exposed(&card.code),
            MAX_CODE,
            &mut violations,
        );
        bounded(
            "add_card.openid",
            exposed(&card.openid),
            MAX_ID,
            &mut violations,
        );
        finish(violations)?;
        let ticket = self.held_ticket(context, TicketType::WxCard).await?;
        let card_ext = card_ext(ticket.value.expose(), &self.stamp()?, &card)?;
        Ok(SignedAddCard {
            card_id: card.card_id,
            card_ext,
        })
    }

    async fn sign_choose_card(
        &self,
        context: &CallContext,
        choice: ChooseCard,
    ) -> Result<SignedChooseCard, Error> {
        let mut violations = Vec::new();
        let card_id = choice.card_id.as_deref().unwrap_or_default();
        bounded("choose_card.card_id", card_id, MAX_ID, &mut violations);
        finish(violations)?;
        let ticket = self.held_ticket(context, TicketType::WxCard).await?;
        Ok(choose_card(
            ticket.value.expose(),
            &self.appid,
            self.stamp()?,
            choice,
        ))
    }
}

impl OfficialAccount {
    fn stamp(&self) -> Result<Stamp, Error> {
        let nonce = self.ground.clock.nonce().ok_or_else(|| {
            Error::new(
                Reason::Internal,
                "the system gives no randomness for a nonce",
            )
        })?;
        Ok(Stamp {
            timestamp: self.ground.clock.unix_seconds().to_string(),
            nonce,
        })
    }
}

fn card_ext(ticket: &str, stamp: &Stamp, card: &AddCard) -> Result<String, Error> {
    let Stamp { timestamp, nonce } = stamp;
    let (code, openid) = (exposed(&card.code), exposed(&card.openid));
    let values = [ticket, timestamp, &card.card_id, code, openid, nonce];
    let ext = CardExt {
        code,
        openid,
        timestamp,
        nonce_str: nonce,
        fixed_begintimestamp: card.fixed_begintimestamp,
        outer_str: card.outer_str.as_deref(),
        outer_id: card.outer_id,
        signature: card_signature(&values),
    };
    serde_json::to_string(&ext).map_err(|error| {
        Error::new(Reason::Internal, "cardExt cannot be written").with_source(error)
    })
}

fn choose_card(ticket: &str, appid: &str, stamp: Stamp, choice: ChooseCard) -> SignedChooseCard {
    let shop_id = choice.shop_id.unwrap_or_default();
    let card_id = choice.card_id.unwrap_or_default();
    let card_type = choice
        .card_type
        .map(|card_type| card_type.as_str().to_owned())
        .unwrap_or_default();
    let Stamp { timestamp, nonce } = stamp;
    let values = [
        ticket, appid, &shop_id, &timestamp, &nonce, &card_id, &card_type,
    ];
    let card_sign = card_signature(&values);
    SignedChooseCard {
        shop_id,
        card_type,
        card_id,
        timestamp,
        nonce_str: nonce,
        card_sign,
    }
}

fn exposed(value: &Option<Personal>) -> &str {
    value.as_ref().map_or("", Personal::expose)
}

fn required(field: &'static str, value: &str, limit: usize, violations: &mut Vec<FieldViolation>) {
    if value.is_empty() {
        violations.push(FieldViolation::new(field, "is required"));
    }
    bounded(field, value, limit, violations);
}

fn bounded(field: &'static str, value: &str, limit: usize, violations: &mut Vec<FieldViolation>) {
    let actual = value.chars().count();
    if actual > limit {
        violations.push(FieldViolation::new(
            field,
            format!("has {actual} characters, at most {limit} are allowed"),
        ));
    }
}

fn finish(violations: Vec<FieldViolation>) -> Result<(), Error> {
    if violations.is_empty() {
        Ok(())
    } else {
        Err(Error::field_invalid(violations))
    }
}

#[cfg(test)]
mod tests;
