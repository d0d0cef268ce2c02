//! The operations on pay rules of the old protocol.

use kabao_models::official_account::PayGiftRuleType;
use kabao_models::official_account::pay_gift_member_card::{
    AddPayGiftMemberCard, DeletePayGiftMemberCard, FailedMerchant, GetPayGiftMemberCard,
    GetPayGiftMemberCardResponse, PayGiftMemberCardResult,
};

use super::card::{OK, required};
use super::core::{NewPayRule, Protocol, RuleOutcome};
use super::{Context, Core, Refused};
use crate::serve::{Call, Serve};

impl Serve for AddPayGiftMemberCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<PayGiftMemberCardResult, Refused> {
        let rule = NewPayRule {
            protocol: Protocol::Old,
            r#type: PayGiftRuleType::RuleTypePayMemberCard,
            card_id: Some(required(&self.card_id)?.to_owned()),
            mchids: self.mchid_list.unwrap_or_default(),
            begin_time: self.begin_time.unwrap_or(0),
            end_time: self.end_time.unwrap_or(0),
            least_cost: self.min_cost.unwrap_or(0),
            max_cost: self.max_cost.unwrap_or(0),
            jump_url: self.jump_url,
            app_brand_id: None,
            app_brand_pass: None,
            is_locked: self.is_locked.unwrap_or(true),
        };
        core.add_pay_rule(&Context::of(call), rule).map(answer)
    }
}

impl Serve for DeletePayGiftMemberCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<PayGiftMemberCardResult, Refused> {
        let mchids = self.mchid_list.unwrap_or_default();
        core.delete_merchants(&Context::of(call), required(&self.card_id)?, &mchids)
            .map(answer)
    }
}

fn answer(outcome: RuleOutcome) -> PayGiftMemberCardResult {
    let failed = outcome.failed.into_iter().map(|failure| FailedMerchant {
        mchid: Some(failure.mchid),
        errcode: Some(failure.errcode),
        errmsg: Some(failure.errmsg),
        occupy_appid: failure.occupy_appid,
        ..FailedMerchant::default()
    });
    PayGiftMemberCardResult {
        errcode: Some(0),
        errmsg: Some(OK.to_owned()),
        succ_mchid_list: Some(outcome.done),
        fail_mchid_list: Some(failed.collect()),
        ..PayGiftMemberCardResult::default()
    }
}

impl Serve for GetPayGiftMemberCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<GetPayGiftMemberCardResponse, Refused> {
        let mchid = self
            .mchid
            .as_deref()
            .ok_or(Refused::Missing("mchid".into()))?;
        let rule = core.pay_rule_of(&Context::of(call), mchid);
        Ok(GetPayGiftMemberCardResponse {
            errcode: Some(0),
            errmsg: Some(OK.to_owned()),
            card_id: rule.and_then(|rule| rule.card_id.clone()),
            occupy_appid: rule.map(|rule| rule.appid.clone()),
            is_locked: rule.map(|rule| rule.is_locked),
            ..GetPayGiftMemberCardResponse::default()
        })
    }
}
