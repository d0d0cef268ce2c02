//! The operations on pay-to-become-member rules of the old protocol.

use kabao_models::official_account::pay_gift_member_card::{
    AddPayGiftMemberCard, DeletePayGiftMemberCard, GetPayGiftMemberCard, GetPayGiftMemberCardResponse,
    PayGiftMemberCardResult,
};

use super::cards::{OK, appid};
use super::pay_rules::Outcome;
use super::{Core, Refused};
use crate::serve::{Call, Serve};

impl Serve for AddPayGiftMemberCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<PayGiftMemberCardResult, Refused> {
        core.add_pay_rules(appid(call), &self, call.now, &call.settings.official_account).map(result)
    }
}

impl Serve for DeletePayGiftMemberCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<PayGiftMemberCardResult, Refused> {
        let card_id = self.card_id.as_deref().unwrap_or_default();
        let mchids = self.mchid_list.as_deref().unwrap_or_default();
        core.delete_pay_rules(appid(call), card_id, mchids).map(result)
    }
}

impl Serve for GetPayGiftMemberCard {
    type Core = Core;

    fn serve(self, core: &mut Core, _: &Call) -> Result<GetPayGiftMemberCardResponse, Refused> {
        // What a merchant id without a rule gets is not documented; the members are simply absent.
        let rule = core.get_pay_rule(self.mchid.as_deref().unwrap_or_default());
        Ok(GetPayGiftMemberCardResponse {
            errcode: Some(0),
            errmsg: Some(OK.to_owned()),
            card_id: rule.map(|rule| rule.card_id.clone()),
            occupy_appid: rule.map(|rule| rule.appid.clone()),
            is_locked: rule.map(|rule| rule.is_locked),
            ..GetPayGiftMemberCardResponse::default()
        })
    }
}

/// A partial success is a success: the lists tell which merchant ids took part.
fn result(outcome: Outcome) -> PayGiftMemberCardResult {
    PayGiftMemberCardResult {
        errcode: Some(0),
        errmsg: Some(OK.to_owned()),
        succ_mchid_list: Some(outcome.done),
        fail_mchid_list: Some(outcome.failed),
        ..PayGiftMemberCardResult::default()
    }
}
