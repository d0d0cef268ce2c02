//! Pay-to-become-member rules of the old protocol: one card per merchant id.

use jiff::Timestamp;
use kabao_models::official_account::pay_gift_member_card::{AddPayGiftMemberCard, FailedMerchant};
use serde::Serialize;

use super::{Core, Refused};
use crate::ledger::{Change, Effect};
use crate::settings;

/// What a merchant id hands out.
#[derive(Clone, Serialize)]
pub(crate) struct PayRule {
    pub(crate) card_id: String,
    pub(crate) appid: String,
    pub(crate) is_locked: bool,
    pub(crate) begin_time: i64,
    pub(crate) end_time: i64,
    pub(crate) min_cost: i64,
    pub(crate) max_cost: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) jump_url: Option<String>,
}

/// Which merchant ids took part, and why the others did not.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) done: Vec<String>,
    pub(crate) failed: Vec<FailedMerchant>,
}

/// The code of a merchant id that another rule occupies. The per-merchant codes are not
/// documented; this one stands in a sample.
const OCCUPIED: (i64, &str) = (23112, "mchid is occupied by another rule");
/// The code of a merchant id that is not bound to the account.
const NOT_BOUND: (i64, &str) = (72002, "mchid is not bind appid");
/// The code of a merchant id without a rule for the card.
const NO_RULE: (i64, &str) = (23113, "mchid has no rule for this card");

impl Core {
    /// Adds a rule for every merchant id that is free and bound to the account.
    pub(super) fn add_pay_rules(
        &mut self,
        appid: &str,
        request: &AddPayGiftMemberCard,
        now: Timestamp,
        rules: &settings::OfficialAccount,
    ) -> Result<Outcome, Refused> {
        let card_id = request.card_id.as_deref().ok_or(Refused::CardIdMissing)?;
        let template = self.template(appid, card_id)?;
        template.check_distributable().or_else(|refused| match refused {
            // Stock matters when somebody claims.
            Refused::OutOfStock => Ok(()),
            other => Err(other),
        })?;
        let base = template.base();
        let custom = base.and_then(|base| base.use_custom_code) == Some(true);
        if custom && base.and_then(|base| base.get_custom_code_mode.as_deref()).is_none() {
            return Err(Refused::CustomCode);
        }
        let rule = PayRule {
            card_id: card_id.to_owned(),
            appid: appid.to_owned(),
            is_locked: request.is_locked.unwrap_or(true),
            begin_time: request.begin_time.unwrap_or(0),
            end_time: request.end_time.unwrap_or(0),
            min_cost: request.min_cost.unwrap_or(0),
            max_cost: request.max_cost.unwrap_or(0),
            jump_url: request.jump_url.clone(),
        };
        if rule.begin_time >= rule.end_time {
            return Err(Refused::TimeRange);
        }
        if rule.end_time <= now.as_second() {
            return Err(Refused::TimeInvalid);
        }
        if rule.min_cost < 0 || rule.min_cost > rule.max_cost {
            return Err(Refused::BodyInvalid);
        }
        let mut outcome = Outcome::default();
        for mchid in request.mchid_list.iter().flatten() {
            if !rules.bound_merchant_ids.is_empty() && !rules.bound_merchant_ids.contains(mchid) {
                outcome.failed.push(failed(mchid, NOT_BOUND, None));
            } else if let Some(other) = self.pay_rules.get(mchid) {
                outcome.failed.push(failed(mchid, OCCUPIED, Some(&other.appid)));
            } else {
                self.pay_rules.insert(mchid.clone(), rule.clone());
                outcome.done.push(mchid.clone());
            }
        }
        self.record(card_id, &outcome.done, Some(&rule));
        Ok(outcome)
    }

    /// Returns the rule of a merchant id.
    pub(super) fn get_pay_rule(&self, mchid: &str) -> Option<&PayRule> {
        self.pay_rules.get(mchid)
    }

    /// Removes merchant ids from the rules of a card.
    pub(super) fn delete_pay_rules(&mut self, appid: &str, card_id: &str, mchids: &[String]) -> Result<Outcome, Refused> {
        self.template(appid, card_id)?;
        let mut outcome = Outcome::default();
        for mchid in mchids {
            match self.pay_rules.get(mchid) {
                Some(rule) if rule.card_id == card_id && rule.appid == appid => {
                    self.pay_rules.remove(mchid);
                    outcome.done.push(mchid.clone());
                }
                Some(other) => outcome.failed.push(failed(mchid, NO_RULE, Some(&other.appid))),
                None => outcome.failed.push(failed(mchid, NO_RULE, None)),
            }
        }
        self.record(card_id, &outcome.done, None);
        Ok(outcome)
    }

    fn record(&mut self, card_id: &str, mchids: &[String], rule: Option<&PayRule>) {
        if mchids.is_empty() {
            return;
        }
        let json = rule.and_then(|rule| serde_json::to_value(rule).ok());
        let change = |mchid: &String| Change {
            field: format!("pay_rule.{mchid}"),
            before: json.is_none().then(|| card_id.into()),
            after: json.clone(),
        };
        self.effects.push(Effect {
            template: Some(card_id.to_owned()),
            changes: mchids.iter().map(change).collect(),
            ..Effect::default()
        });
    }
}

fn failed(mchid: &str, (code, text): (i64, &str), occupant: Option<&str>) -> FailedMerchant {
    FailedMerchant {
        mchid: Some(mchid.to_owned()),
        errcode: Some(code),
        errmsg: Some(text.to_owned()),
        occupy_appid: occupant.map(str::to_owned),
        ..FailedMerchant::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::core::tests::{APPID, CARD, core, now};
    use super::*;

    fn request(mchids: &[&str]) -> AddPayGiftMemberCard {
        AddPayGiftMemberCard {
            card_id: Some(CARD.into()),
            mchid_list: Some(mchids.iter().map(|mchid| (*mchid).to_owned()).collect()),
            begin_time: Some(now().as_second()),
            end_time: Some(now().as_second() + 1_000),
            min_cost: Some(100),
            max_cost: Some(1_000),
            ..AddPayGiftMemberCard::default()
        }
    }

    fn rules() -> settings::OfficialAccount {
        settings::OfficialAccount::default()
    }

    #[test]
    fn an_occupied_merchant_id_fails_beside_the_others() {
        let mut core = core();
        let first = core.add_pay_rules(APPID, &request(&["1900000201"]), now(), &rules()).unwrap();
        assert_eq!(first.done, ["1900000201"]);
        let second = core.add_pay_rules(APPID, &request(&["1900000201", "1900000202"]), now(), &rules()).unwrap();
        assert_eq!(second.done, ["1900000202"]);
        assert_eq!(second.failed[0].occupy_appid.as_deref(), Some(APPID));
        let gone = core.delete_pay_rules(APPID, CARD, &["1900000201".into(), "1900000299".into()]).unwrap();
        assert_eq!((gone.done.len(), gone.failed.len()), (1, 1));
        assert!(core.get_pay_rule("1900000201").is_none() && core.get_pay_rule("1900000202").is_some());
    }

    #[test]
    fn times_amounts_and_binding_are_checked() {
        let later = now().as_second() + 10_000;
        let check = |request: AddPayGiftMemberCard| core().add_pay_rules(APPID, &request, now(), &rules()).map(|_| ());
        let base = request(&["1900000201"]);
        for (request, expected) in [
            (AddPayGiftMemberCard { begin_time: Some(later), ..base.clone() }, Refused::TimeRange),
            (
                AddPayGiftMemberCard { begin_time: Some(1), end_time: Some(now().as_second()), ..base.clone() },
                Refused::TimeInvalid,
            ),
            (AddPayGiftMemberCard { min_cost: Some(2_000), ..base.clone() }, Refused::BodyInvalid),
            (AddPayGiftMemberCard { card_id: Some("none".into()), ..base.clone() }, Refused::CardIdInvalid),
        ] {
            assert_eq!(check(request), Err(expected));
        }
        let bound = settings::OfficialAccount { bound_merchant_ids: vec!["1900000200".into()], ..rules() };
        let outcome = core().add_pay_rules(APPID, &base, now(), &bound).unwrap();
        assert_eq!(outcome.failed[0].errcode, Some(72002));
    }
}
