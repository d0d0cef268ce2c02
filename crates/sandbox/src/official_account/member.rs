//! The operations on members and their activation.

use kabao_models::official_account::BasicResponse;
use kabao_models::official_account::member::{
    ActivateMember, GetActivateTempInfo, GetActivateTempInfoResponse, GetActivateUrl,
    GetActivateUrlResponse, GetUserInfo, GetUserInfoResponse, SetActivateUserForm, UpdateUser,
    UpdateUserResponse,
};

use super::card::{OK, done, required};
use super::code::exposed;
use super::{Context, Core, Refused};
use crate::serve::{Call, Serve};

impl Serve for GetUserInfo {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<GetUserInfoResponse, Refused> {
        let info = core.user_info(
            &Context::of(call),
            required(&self.card_id)?,
            exposed(&self.code)?,
        )?;
        Ok(GetUserInfoResponse {
            errcode: Some(0),
            errmsg: Some(OK.to_owned()),
            ..info
        })
    }
}

impl Serve for ActivateMember {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<BasicResponse, Refused> {
        core.activate(&Context::of(call), &self)?;
        Ok(done())
    }
}

impl Serve for SetActivateUserForm {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<BasicResponse, Refused> {
        core.set_form(&Context::of(call), required(&self.card_id)?, &self)?;
        Ok(done())
    }
}

impl Serve for GetActivateTempInfo {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<GetActivateTempInfoResponse, Refused> {
        let ticket = self
            .activate_ticket
            .as_ref()
            .ok_or(Refused::Missing("activate_ticket".into()))?;
        let info = core.temporary_info(&Context::of(call), ticket.expose())?;
        Ok(GetActivateTempInfoResponse {
            errcode: Some(0),
            errmsg: Some(OK.to_owned()),
            info: Some(info),
            ..GetActivateTempInfoResponse::default()
        })
    }
}

impl Serve for GetActivateUrl {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<GetActivateUrlResponse, Refused> {
        let url = core.activate_url(
            &Context::of(call),
            required(&self.card_id)?,
            self.outer_str.as_deref(),
        )?;
        Ok(GetActivateUrlResponse {
            errcode: Some(0),
            errmsg: Some(OK.to_owned()),
            url: Some(url),
            ..GetActivateUrlResponse::default()
        })
    }
}

impl Serve for UpdateUser {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<UpdateUserResponse, Refused> {
        let totals = core.update_user(&Context::of(call), &self)?;
        Ok(UpdateUserResponse {
            errcode: Some(0),
            errmsg: Some(OK.to_owned()),
            result_bonus: Some(totals.bonus),
            result_balance: Some(totals.balance),
            openid: Some(totals.openid.into()),
            ..UpdateUserResponse::default()
        })
    }
}
