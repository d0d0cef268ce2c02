//! Pay-to-become-member rules of both protocols. A merchant id serves one rule at a time.

use kabao_models::official_account::PayGiftRuleType;
use serde::Serialize;

use super::page::{Page, page};
use super::template::CodeMode;
use super::{Context, Core};
use crate::ledger::{Change, Effect, whole};
use crate::official_account::Refused;
use crate::records::Recorded;

/// Which interface made a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Protocol {
    /// `/card/paygiftmembercard/`: no rule id.
    Old,
    /// `/card/paygiftcard/`.
    New,
}

/// A rule to make.
#[derive(Clone)]
pub(crate) struct NewPayRule {
    pub(crate) protocol: Protocol,
    pub(crate) r#type: PayGiftRuleType,
    /// Absent for rules that hand out coupons.
    pub(crate) card_id: Option<String>,
    pub(crate) mchids: Vec<String>,
    pub(crate) begin_time: i64,
    pub(crate) end_time: i64,
    /// Fen.
    pub(crate) least_cost: i64,
    /// Fen.
    pub(crate) max_cost: i64,
    pub(crate) jump_url: Option<String>,
    pub(crate) app_brand_id: Option<String>,
    pub(crate) app_brand_pass: Option<String>,
    /// Whether no other account may take the merchant ids over.
    pub(crate) is_locked: bool,
}

/// A rule.
#[derive(Clone, Serialize)]
pub(crate) struct PayRule {
    pub(crate) rule_id: i64,
    pub(crate) protocol: Protocol,
    pub(crate) appid: String,
    pub(crate) r#type: PayGiftRuleType,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) card_id: Option<String>,
    pub(crate) mchids: Vec<String>,
    pub(crate) begin_time: i64,
    pub(crate) end_time: i64,
    pub(crate) least_cost: i64,
    pub(crate) max_cost: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) jump_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) app_brand_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) app_brand_pass: Option<String>,
    pub(crate) is_locked: bool,
    pub(crate) create_time: i64,
    pub(crate) update_time: i64,
}

/// A merchant id that a call did not change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) mchid: String,
    pub(crate) errcode: i64,
    pub(crate) errmsg: String,
    pub(crate) occupy_rule_id: Option<i64>,
    pub(crate) occupy_appid: Option<String>,
}

/// Which merchant ids a call changed, and why not the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RuleOutcome {
    /// Absent if no merchant id was set.
    pub(crate) rule_id: Option<i64>,
    pub(crate) done: Vec<String>,
    pub(crate) failed: Vec<Failure>,
}

impl Core {
    /// Makes a rule for every merchant id that is bound to the account and free.
    pub(crate) fn add_pay_rule(
        &mut self,
        context: &Context<'_>,
        new: NewPayRule,
    ) -> Result<RuleOutcome, Refused> {
        self.check_rule(context, &new)?;
        let bound = &context.rules.bound_merchant_ids;
        let is_bound = |mchid: &String| bound.is_empty() || bound.contains(mchid);
        if !new.mchids.iter().any(is_bound) {
            return Err(Refused::MerchantNotBound);
        }
        let mut outcome = RuleOutcome::default();
        for mchid in &new.mchids {
            if !is_bound(mchid) {
                let refused = Refused::MerchantNotBound;
                outcome
                    .failed
                    .push(failure(mchid, refused.errcode(), &refused.errmsg()));
            } else if let Some(occupant) = self.occupant(context, mchid) {
                outcome.failed.push(Failure {
                    occupy_rule_id: (occupant.protocol == Protocol::New)
                        .then_some(occupant.rule_id),
                    occupy_appid: Some(occupant.appid.clone()),
                    ..failure(
                        mchid,
                        context.rules.merchant_failure_errcode,
                        "mchid is occupied by another rule",
                    )
                });
            } else if !outcome.done.contains(mchid) {
                outcome.done.push(mchid.clone());
            }
        }
        if outcome.done.is_empty() {
            return Ok(outcome);
        }
        // An unlocked rule of another account gives its merchant ids up.
        for mchid in &outcome.done {
            self.release(context, mchid);
        }
        let rule_id = 1_231_200 + self.next_sequence();
        let rule = PayRule {
            rule_id,
            protocol: new.protocol,
            appid: context.appid.to_owned(),
            r#type: new.r#type,
            card_id: new.card_id,
            mchids: outcome.done.clone(),
            begin_time: new.begin_time,
            end_time: new.end_time,
            least_cost: new.least_cost,
            max_cost: new.max_cost,
            jump_url: new.jump_url,
            app_brand_id: new.app_brand_id,
            app_brand_pass: new.app_brand_pass,
            is_locked: new.is_locked,
            create_time: context.now,
            update_time: context.now,
        };
        self.pay_rules.put(&mut self.effects, None, rule_id, rule);
        outcome.rule_id = Some(rule_id);
        Ok(outcome)
    }

    fn check_rule(&self, context: &Context<'_>, new: &NewPayRule) -> Result<(), Refused> {
        if let Some(card_id) = &new.card_id {
            let template = self.template(context, card_id)?;
            if !template.is_approved() {
                return Err(Refused::CardStatus);
            }
            if template.code_mode() == CodeMode::Custom {
                return Err(Refused::CustomCodes);
            }
        }
        if new.mchids.is_empty() || new.mchids.iter().any(String::is_empty) {
            return Err(Refused::Missing("mchid_list".into()));
        }
        if new.begin_time < 0 {
            return Err(Refused::Time);
        }
        if new.begin_time >= new.end_time {
            return Err(Refused::TimeRange);
        }
        if new.end_time <= context.now {
            return Err(Refused::Time);
        }
        if new.least_cost < 0 || new.least_cost > new.max_cost {
            return Err(Refused::Body("least_cost".into()));
        }
        Ok(())
    }

    /// Returns the rule of a merchant id, whoever made it.
    pub(crate) fn pay_rule_of(&self, context: &Context<'_>, mchid: &str) -> Option<&PayRule> {
        self.pay_rules
            .values()
            .filter(|rule| rule.occupies(context))
            .find(|rule| rule.has(mchid))
    }

    /// Removes merchant ids from the old-protocol rules of a card.
    pub(crate) fn delete_merchants(
        &mut self,
        context: &Context<'_>,
        card_id: &str,
        mchids: &[String],
    ) -> Result<RuleOutcome, Refused> {
        self.template(context, card_id)?;
        if mchids.is_empty() {
            return Err(Refused::Missing("mchid_list".into()));
        }
        let mut outcome = RuleOutcome::default();
        for mchid in mchids {
            let found = self.pay_rules.values().find(|rule| {
                rule.protocol == Protocol::Old
                    && rule.appid == context.appid
                    && rule.card_id.as_deref() == Some(card_id)
                    && rule.has(mchid)
            });
            match found.map(|rule| rule.rule_id) {
                Some(rule_id) => {
                    self.remove_merchant(context, rule_id, mchid);
                    outcome.done.push(mchid.clone());
                }
                None => {
                    let occupant = self
                        .pay_rule_of(context, mchid)
                        .map(|rule| rule.appid.clone());
                    let errcode = context.rules.merchant_failure_errcode;
                    outcome.failed.push(Failure {
                        occupy_appid: occupant,
                        ..failure(mchid, errcode, "mchid has no rule for this card")
                    });
                }
            }
        }
        Ok(outcome)
    }

    /// Returns a new-protocol rule of the caller.
    pub(crate) fn pay_rule(
        &self,
        context: &Context<'_>,
        rule_id: i64,
    ) -> Result<&PayRule, Refused> {
        self.pay_rules
            .get(&rule_id)
            .filter(|rule| rule.appid == context.appid && rule.protocol == Protocol::New)
            .ok_or(Refused::Chosen {
                errcode: context.rules.unknown_rule_errcode,
                errmsg: "invalid rule_id",
            })
    }

    /// Deletes a new-protocol rule with all its merchant ids.
    pub(crate) fn delete_pay_rule(
        &mut self,
        context: &Context<'_>,
        rule_id: i64,
    ) -> Result<(), Refused> {
        self.pay_rule(context, rule_id)?;
        self.pay_rules.remove(&mut self.effects, &rule_id);
        Ok(())
    }

    /// Deletes the rules that offer a card.
    pub(super) fn end_rules_of(&mut self, card_id: &str) {
        let ended: Vec<_> = self
            .pay_rules
            .values()
            .filter(|rule| rule.card_id.as_deref() == Some(card_id))
            .map(|rule| rule.rule_id)
            .collect();
        for rule_id in ended {
            self.pay_rules.remove(&mut self.effects, &rule_id);
        }
    }

    /// Returns a page of the caller's new-protocol rules, the oldest first.
    pub(super) fn list_pay_rules(
        &self,
        context: &Context<'_>,
        r#type: &PayGiftRuleType,
        only_effective: Option<bool>,
        offset: i64,
        count: i64,
    ) -> Result<Page<PayRule>, Refused> {
        let matching = self.pay_rules.values().filter(|rule| {
            rule.protocol == Protocol::New
                && rule.appid == context.appid
                && rule.r#type == *r#type
                && (only_effective != Some(true) || rule.is_effective(context.now))
        });
        page(matching.cloned().collect(), offset, count)
    }

    /// Lists all rules for the control API.
    pub(crate) fn pay_rules(&self) -> impl Iterator<Item = &PayRule> {
        self.pay_rules.values()
    }

    /// Returns the rule that keeps the caller from using a merchant id.
    fn occupant(&self, context: &Context<'_>, mchid: &str) -> Option<&PayRule> {
        self.pay_rule_of(context, mchid).filter(|rule| {
            let turned = context.rules.locked_rules_give_way;
            let locked = rule.is_locked != (turned && rule.protocol == Protocol::Old);
            locked || rule.appid == context.appid
        })
    }

    /// Takes a merchant id out of every rule that has it.
    fn release(&mut self, context: &Context<'_>, mchid: &str) {
        let holding: Vec<_> = self
            .pay_rules
            .values()
            .filter(|rule| rule.has(mchid))
            .map(|rule| rule.rule_id)
            .collect();
        for rule_id in holding {
            self.remove_merchant(context, rule_id, mchid);
        }
    }

    fn remove_merchant(&mut self, context: &Context<'_>, rule_id: i64, mchid: &str) {
        let Some(mut after) = self.pay_rules.get(&rule_id).cloned() else {
            return;
        };
        after.mchids.retain(|held| held != mchid);
        after.update_time = context.now;
        if after.mchids.is_empty() {
            self.pay_rules.remove(&mut self.effects, &rule_id);
        } else {
            self.pay_rules.put(&mut self.effects, None, rule_id, after);
        }
    }
}

impl Recorded for PayRule {
    /// The `rule_id`.
    type Key = i64;

    fn place(&self, _: &i64) -> Effect {
        Effect {
            template: self.card_id.clone(),
            ..Effect::default()
        }
    }

    fn changes(rule_id: &i64, before: Option<&Self>, after: Option<&Self>) -> Vec<Change> {
        whole(&format!("pay_rule.{rule_id}"), &before, &after)
    }
}

impl PayRule {
    pub(super) fn has(&self, mchid: &str) -> bool {
        self.mchids.iter().any(|held| held == mchid)
    }

    pub(super) fn is_effective(&self, now: i64) -> bool {
        (self.begin_time..self.end_time).contains(&now)
    }

    fn occupies(&self, context: &Context<'_>) -> bool {
        context.rules.ended_rules_occupy || context.now < self.end_time
    }
}

fn failure(mchid: &str, errcode: i64, errmsg: &str) -> Failure {
    Failure {
        mchid: mchid.to_owned(),
        errcode,
        errmsg: errmsg.to_owned(),
        occupy_rule_id: None,
        occupy_appid: None,
    }
}

#[cfg(test)]
mod tests;
