//! The rules that hand out cards after a payment, in the forms of the old and the new protocol.

use kabao_models::official_account::pay_gift_card::{
    AddPayGiftCard, AddPayGiftCardResponse, BatchGetPayGiftCards, BatchGetPayGiftCardsResponse,
    GetPayGiftCard, GetPayGiftCardResponse, MemberRule, OccupiedMerchant, Rule, RuleBaseInfo,
};
use kabao_models::official_account::pay_gift_member_card::{
    AddPayGiftMemberCard, FailedMerchant, GetPayGiftMemberCard, GetPayGiftMemberCardResponse,
    PayGiftMemberCardResult,
};
use kabao_models::official_account::{PayGiftRuleStatus, PayGiftRuleType};

use super::required;
use crate::official_account::{Context, Core, Refused};
use crate::official_account::{NewPayRule, PayRule, Protocol, RuleOutcome};

pub(super) fn id(rule_id: Option<i64>) -> Result<i64, Refused> {
    rule_id.ok_or(Refused::Missing("rule_id".into()))
}

pub(super) fn add(
    core: &mut Core,
    context: &Context<'_>,
    request: AddPayGiftCard,
) -> Result<AddPayGiftCardResponse, Refused> {
    let rule = request
        .rule_info
        .ok_or(Refused::Missing("rule_info".into()))?;
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
    let outcome = core.add_pay_rule(context, rule)?;
    let failed = outcome.failed.into_iter().map(|failure| OccupiedMerchant {
        mchid: Some(failure.mchid),
        errcode: Some(failure.errcode),
        errmsg: Some(failure.errmsg),
        occupy_rule_id: failure.occupy_rule_id,
        occupy_appid: failure.occupy_appid,
        ..OccupiedMerchant::default()
    });
    Ok(AddPayGiftCardResponse {
        rule_id: outcome.rule_id,
        succ_mchid_list: Some(outcome.done),
        fail_mchid_list: Some(failed.collect()),
        ..AddPayGiftCardResponse::default()
    })
}

pub(super) fn show(
    core: &Core,
    context: &Context<'_>,
    request: &GetPayGiftCard,
) -> Result<GetPayGiftCardResponse, Refused> {
    let rule = core.pay_rule(context, id(request.rule_id)?)?;
    Ok(GetPayGiftCardResponse {
        rule_info: Some(shown(context, rule)?),
        ..GetPayGiftCardResponse::default()
    })
}

pub(super) fn list(
    core: &Core,
    context: &Context<'_>,
    request: &BatchGetPayGiftCards,
) -> Result<BatchGetPayGiftCardsResponse, Refused> {
    let r#type = request
        .r#type
        .as_ref()
        .ok_or(Refused::Missing("type".into()))?;
    let (offset, count) = (request.offset.unwrap_or(0), request.count.unwrap_or(0));
    let page = core.list_pay_rules(context, r#type, request.effective, offset, count)?;
    let rules = page.items.iter().map(|rule| shown(context, rule));
    Ok(BatchGetPayGiftCardsResponse {
        total_count: Some(page.total),
        rule_list: Some(rules.collect::<Result<_, _>>()?),
        ..BatchGetPayGiftCardsResponse::default()
    })
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

pub(super) fn add_old(
    core: &mut Core,
    context: &Context<'_>,
    request: AddPayGiftMemberCard,
) -> Result<PayGiftMemberCardResult, Refused> {
    let rule = NewPayRule {
        protocol: Protocol::Old,
        r#type: PayGiftRuleType::RuleTypePayMemberCard,
        card_id: Some(required(&request.card_id)?.to_owned()),
        mchids: request.mchid_list.unwrap_or_default(),
        begin_time: request.begin_time.unwrap_or(0),
        end_time: request.end_time.unwrap_or(0),
        least_cost: request.min_cost.unwrap_or(0),
        max_cost: request.max_cost.unwrap_or(0),
        jump_url: request.jump_url,
        app_brand_id: None,
        app_brand_pass: None,
        is_locked: request.is_locked.unwrap_or(true),
    };
    core.add_pay_rule(context, rule).map(old_result)
}

pub(super) fn old_result(outcome: RuleOutcome) -> PayGiftMemberCardResult {
    let failed = outcome.failed.into_iter().map(|failure| FailedMerchant {
        mchid: Some(failure.mchid),
        errcode: Some(failure.errcode),
        errmsg: Some(failure.errmsg),
        occupy_appid: failure.occupy_appid,
        ..FailedMerchant::default()
    });
    PayGiftMemberCardResult {
        succ_mchid_list: Some(outcome.done),
        fail_mchid_list: Some(failed.collect()),
        ..PayGiftMemberCardResult::default()
    }
}

pub(super) fn show_old(
    core: &Core,
    context: &Context<'_>,
    request: &GetPayGiftMemberCard,
) -> Result<GetPayGiftMemberCardResponse, Refused> {
    let mchid = request
        .mchid
        .as_deref()
        .ok_or(Refused::Missing("mchid".into()))?;
    let rule = core.pay_rule_of(context, mchid);
    Ok(GetPayGiftMemberCardResponse {
        card_id: rule.and_then(|rule| rule.card_id.clone()),
        occupy_appid: rule.map(|rule| rule.appid.clone()),
        is_locked: rule.map(|rule| rule.is_locked),
        ..GetPayGiftMemberCardResponse::default()
    })
}
