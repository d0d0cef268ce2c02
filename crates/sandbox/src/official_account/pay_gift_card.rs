//! The operations on pay rules of the new protocol.

use kabao_models::official_account::pay_gift_card::{
    AddPayGiftCard, AddPayGiftCardResponse, BatchGetPayGiftCards, BatchGetPayGiftCardsResponse,
    DeletePayGiftCard, GetPayGiftCard, GetPayGiftCardResponse, MemberRule, OccupiedMerchant, Rule,
    RuleBaseInfo,
};
use kabao_models::official_account::{BasicResponse, PayGiftRuleStatus, PayGiftRuleType};

use super::card::{OK, done};
use super::core::{NewPayRule, PayRule, Protocol};
use super::{Context, Core, Refused};
use crate::serve::{Call, Serve};

impl Serve for AddPayGiftCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<AddPayGiftCardResponse, Refused> {
        let rule = self.rule_info.ok_or(Refused::Missing("rule_info".into()))?;
        let base = rule.base_info.unwrap_or_default();
        let r#type = rule
            .r#type
            .unwrap_or(PayGiftRuleType::RuleTypePayMemberCard);
        let member = match rule.member_rule {
            Some(member) => member,
            None if r#type == PayGiftRuleType::RuleTypePayMemberCard => {
                return Err(Refused::Missing("rule_info.member_rule".into()));
            }
            None => MemberRule::default(),
        };
        let rule = NewPayRule {
            protocol: Protocol::New,
            r#type,
            card_id: member.card_id,
            mchids: base.mchid_list.unwrap_or_default(),
            begin_time: base.begin_time.unwrap_or(0),
            end_time: base.end_time.unwrap_or(0),
            least_cost: member.least_cost.unwrap_or(0),
            max_cost: member.max_cost.unwrap_or(0),
            jump_url: member.jump_url,
            app_brand_id: member.app_brand_id,
            app_brand_pass: member.app_brand_pass,
            is_locked: true,
        };
        let outcome = core.add_pay_rule(&Context::of(call), rule)?;
        let failed = outcome.failed.into_iter().map(|failure| OccupiedMerchant {
            mchid: Some(failure.mchid),
            errcode: Some(failure.errcode),
            errmsg: Some(failure.errmsg),
            occupy_rule_id: failure.occupy_rule_id,
            occupy_appid: failure.occupy_appid,
            ..OccupiedMerchant::default()
        });
        Ok(AddPayGiftCardResponse {
            errcode: Some(0),
            errmsg: Some(OK.to_owned()),
            rule_id: outcome.rule_id,
            succ_mchid_list: Some(outcome.done),
            fail_mchid_list: Some(failed.collect()),
            ..AddPayGiftCardResponse::default()
        })
    }
}

fn id(rule_id: Option<i64>) -> Result<i64, Refused> {
    rule_id.ok_or(Refused::Missing("rule_id".into()))
}

impl Serve for DeletePayGiftCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<BasicResponse, Refused> {
        core.delete_pay_rule(&Context::of(call), id(self.rule_id)?)?;
        Ok(done())
    }
}

impl Serve for GetPayGiftCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<GetPayGiftCardResponse, Refused> {
        let context = Context::of(call);
        let rule = core.pay_rule(&context, id(self.rule_id)?)?;
        Ok(GetPayGiftCardResponse {
            errcode: Some(0),
            errmsg: Some(OK.to_owned()),
            rule_info: Some(shown(&context, rule)?),
            ..GetPayGiftCardResponse::default()
        })
    }
}

impl Serve for BatchGetPayGiftCards {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<BatchGetPayGiftCardsResponse, Refused> {
        let context = Context::of(call);
        let r#type = self.r#type.ok_or(Refused::Missing("type".into()))?;
        let (offset, count) = (self.offset.unwrap_or(0), self.count.unwrap_or(0));
        let page = core.list_pay_rules(&context, &r#type, self.effective, offset, count)?;
        let rules = page
            .rules
            .iter()
            .map(|rule| shown(&context, rule))
            .collect::<Result<_, _>>()?;
        Ok(BatchGetPayGiftCardsResponse {
            errcode: Some(0),
            errmsg: Some(OK.to_owned()),
            total_count: i64::try_from(page.total).ok(),
            rule_list: Some(rules),
            ..BatchGetPayGiftCardsResponse::default()
        })
    }
}

fn shown(context: &Context<'_>, rule: &PayRule) -> Result<Rule, Refused> {
    let mut shown = Rule {
        r#type: Some(rule.r#type.clone()),
        base_info: Some(RuleBaseInfo {
            mchid_list: Some(rule.mchids.clone()),
            begin_time: Some(rule.begin_time),
            end_time: Some(rule.end_time),
            status: Some(PayGiftRuleStatus::RuleStatusOk),
            create_time: Some(rule.create_time),
            update_time: Some(rule.update_time),
            ..RuleBaseInfo::default()
        }),
        member_rule: rule.card_id.as_ref().map(|card_id| MemberRule {
            card_id: Some(card_id.clone()),
            least_cost: Some(rule.least_cost),
            max_cost: Some(rule.max_cost),
            jump_url: rule.jump_url.clone(),
            app_brand_id: rule.app_brand_id.clone(),
            app_brand_pass: rule.app_brand_pass.clone(),
            ..MemberRule::default()
        }),
        ..Rule::default()
    };
    if context.rules.answer_rule_id {
        shown
            .extra
            .insert_json("rule_id", rule.rule_id.to_string())
            .map_err(|_| Refused::Internal)?;
    }
    Ok(shown)
}
