//! The operations on codes.

use kabao_models::Personal;
use kabao_models::official_account::code::{
    CheckCodes, CheckCodesResponse, CodeCard, DecryptCode, DecryptCodeResponse, DepositCodes,
    DepositCodesResponse, GetCode, GetCodeResponse, GetDepositCount, GetDepositCountResponse,
    SetCodeUnavailable, UpdateCode,
};
use kabao_models::official_account::{BasicResponse, CodeStatus};

use super::card::{OK, done, required};
use super::core::Check;
use super::{Context, Core, Refused};
use crate::serve::{Call, Serve};

/// Returns a code that the limits require.
pub(super) fn exposed(code: &Option<Personal>) -> Result<&str, Refused> {
    code.as_ref()
        .map(Personal::expose)
        .ok_or(Refused::Missing("code".into()))
}

impl Serve for GetCode {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<GetCodeResponse, Refused> {
        let check = if self.check_consume == Some(false) {
            Check::Nothing
        } else {
            Check::Consume
        };
        let state = core.code(
            &Context::of(call),
            exposed(&self.code)?,
            self.card_id.as_deref(),
            check,
        )?;
        let can_consume = state.can_consume();
        let status = if state.card.consumed {
            CodeStatus::Consumed
        } else {
            CodeStatus::from(state.status.as_str())
        };
        let (card_id, code) = state.key;
        Ok(GetCodeResponse {
            errcode: Some(0),
            errmsg: Some(OK.to_owned()),
            card: Some(CodeCard {
                card_id: Some(card_id),
                begin_time: state.begin_time,
                end_time: state.end_time,
                code: Some(code.into()),
                ..CodeCard::default()
            }),
            openid: Some(state.card.openid.into()),
            can_consume: Some(can_consume),
            outer_str: state.card.outer_str,
            user_card_status: Some(status),
            background_pic_url: state.card.background_pic_url,
            ..GetCodeResponse::default()
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

fn texts(codes: Option<Vec<Personal>>) -> Vec<String> {
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
