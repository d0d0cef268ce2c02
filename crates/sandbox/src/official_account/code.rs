//! The operations on codes.

use kabao_models::Personal;
use kabao_models::official_account::code::{
    CheckCodes, CheckCodesResponse, CodeCard, ConsumeCode, ConsumeCodeResponse, ConsumedCard,
    DecryptCode, DecryptCodeResponse, DepositCodes, DepositCodesResponse, GetCode, GetCodeResponse,
    GetDepositCount, GetDepositCountResponse, SetCodeUnavailable, UpdateCode,
};
use kabao_models::official_account::{BasicResponse, CodeStatus};

use super::card::{OK, done, required};
use super::core::{Asked, Check, CodeState, Expired};
use super::{Context, Core, Refused};
use crate::serve::{Call, Serve};
use crate::settings::MemberData;

/// Returns a code that the limits require.
pub(super) fn exposed(code: &Option<Personal>) -> Result<&str, Refused> {
    code.as_ref()
        .map(Personal::expose)
        .ok_or(Refused::Missing("code".into()))
}

impl Serve for GetCode {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<GetCodeResponse, Refused> {
        let context = Context::of(call);
        let check = if self.check_consume == Some(false) {
            Check::Nothing
        } else {
            Check::Consume
        };
        let expired = if self.is_expire_dynamic_code == Some(true) {
            Expired::Find
        } else {
            Expired::Refuse
        };
        let asked = Asked {
            code: exposed(&self.code)?,
            card_id: self.card_id.as_deref(),
            expired,
        };
        let (state, dynamic) = core.shown_code(&context, &asked, check)?;
        let member = match context.rules.code_get_member_data {
            MemberData::Never => false,
            MemberData::Dynamic => dynamic,
            MemberData::Always => true,
        };
        let mut answer = answer(state, dynamic);
        if !member {
            answer.forget_member();
        } else if context.rules.code_get_member_data != MemberData::Always {
            answer.forget_whole_member();
        }
        Ok(answer.0)
    }
}

/// What `code/get` answers, with everything that is known of the member in it.
struct Shown(GetCodeResponse);

impl Shown {
    /// Takes out what only a dynamic code shows.
    fn forget_member(&mut self) {
        if let Some(card) = &mut self.0.card {
            card.membership_number = None;
            card.bonus = None;
            card.balance = None;
        }
        self.forget_whole_member();
    }

    /// Takes out what only the model of one SDK has.
    fn forget_whole_member(&mut self) {
        self.0.nickname = None;
        self.0.membership_number = None;
        self.0.bonus = None;
        self.0.balance = None;
        self.0.user_info = None;
    }
}

fn answer(state: CodeState, dynamic: bool) -> Shown {
    let can_consume = state.can_consume();
    let status = if state.card.consumed {
        CodeStatus::Consumed
    } else {
        CodeStatus::from(state.status.as_str())
    };
    let (card_id, code) = state.key;
    let card = state.card;
    let number = card.membership_number.map(Personal::from);
    Shown(GetCodeResponse {
        errcode: Some(0),
        errmsg: Some(OK.to_owned()),
        card: Some(CodeCard {
            card_id: Some(card_id),
            // Beside a dynamic code, these stand for a permanent card.
            begin_time: state.begin_time.or(dynamic.then_some(0)),
            end_time: state.end_time.or(dynamic.then_some(i64::from(i32::MAX))),
            code: Some(code.into()),
            membership_number: number.clone(),
            bonus: Some(card.bonus),
            balance: Some(card.balance),
            ..CodeCard::default()
        }),
        openid: Some(card.openid.into()),
        can_consume: Some(can_consume),
        outer_str: card.outer_str,
        user_card_status: Some(status),
        background_pic_url: card.background_pic_url,
        nickname: card.nickname.map(Personal::from),
        membership_number: number,
        bonus: Some(card.bonus),
        balance: Some(card.balance),
        user_info: Some(card.user_info),
        ..GetCodeResponse::default()
    })
}

impl Serve for ConsumeCode {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<ConsumeCodeResponse, Refused> {
        let code = exposed(&self.code)?;
        let (card_id, openid) =
            core.redeem_code(&Context::of(call), code, self.card_id.as_deref())?;
        Ok(ConsumeCodeResponse {
            errcode: Some(0),
            errmsg: Some(OK.to_owned()),
            card: Some(ConsumedCard {
                card_id: Some(card_id),
                ..ConsumedCard::default()
            }),
            openid: Some(openid.into()),
            ..ConsumeCodeResponse::default()
        })
    }
}

impl Serve for DecryptCode {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<DecryptCodeResponse, Refused> {
        let encrypted = self.encrypt_code.as_ref().ok_or(Refused::EncryptCode)?;
        let code = core.decrypt_code(&Context::of(call), encrypted.expose())?;
        Ok(DecryptCodeResponse {
            errcode: Some(0),
            errmsg: Some(OK.to_owned()),
            code: Some(code.into()),
            ..DecryptCodeResponse::default()
        })
    }
}

impl Serve for SetCodeUnavailable {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<BasicResponse, Refused> {
        let code = exposed(&self.code)?;
        core.set_unavailable(
            &Context::of(call),
            code,
            self.card_id.as_deref(),
            self.reason.as_deref(),
        )?;
        Ok(done())
    }
}

impl Serve for UpdateCode {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<BasicResponse, Refused> {
        let (code, new_code) = (exposed(&self.code)?, exposed(&self.new_code)?);
        core.update_code(&Context::of(call), code, self.card_id.as_deref(), new_code)?;
        Ok(done())
    }
}

/// Returns a list of personal texts as it is.
pub(super) fn texts(codes: Option<Vec<Personal>>) -> Vec<String> {
    codes
        .into_iter()
        .flatten()
        .map(Personal::into_exposed)
        .collect()
}

impl Serve for DepositCodes {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<DepositCodesResponse, Refused> {
        let codes = texts(self.code);
        let deposited = core.deposit_codes(&Context::of(call), required(&self.card_id)?, &codes)?;
        Ok(DepositCodesResponse {
            errcode: Some(0),
            errmsg: Some(OK.to_owned()),
            succ_code: Some(deposited.imported),
            duplicate_code: Some(deposited.duplicate),
            fail_code: Some(deposited.failed),
            ..DepositCodesResponse::default()
        })
    }
}

impl Serve for GetDepositCount {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<GetDepositCountResponse, Refused> {
        let count = core.deposit_count(&Context::of(call), required(&self.card_id)?)?;
        Ok(GetDepositCountResponse {
            errcode: Some(0),
            errmsg: Some(OK.to_owned()),
            count: i64::try_from(count).ok(),
            ..GetDepositCountResponse::default()
        })
    }
}

impl Serve for CheckCodes {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<CheckCodesResponse, Refused> {
        let codes = texts(self.code);
        let (exist, missing) =
            core.check_codes(&Context::of(call), required(&self.card_id)?, &codes)?;
        Ok(CheckCodesResponse {
            errcode: Some(0),
            errmsg: Some(OK.to_owned()),
            exist_code: Some(exist),
            not_exist_code: Some(missing),
            ..CheckCodesResponse::default()
        })
    }
}
