//! The operations on members.

use kabao_models::Personal;
use kabao_models::official_account::member::{GetUserInfo, GetUserInfoResponse, UpdateUser, UpdateUserResponse};

use super::cards::{OK, appid};
use super::{Core, Refused};
use crate::serve::{Call, Serve};

impl Serve for GetUserInfo {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<GetUserInfoResponse, Refused> {
        let card_id = self.card_id.as_deref().unwrap_or_default();
        let code = self.code.as_ref().map_or("", Personal::expose);
        let info = core.get_member(appid(call), card_id, code, call.now)?;
        Ok(GetUserInfoResponse { errcode: Some(0), errmsg: Some(OK.to_owned()), ..info })
    }
}

impl Serve for UpdateUser {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<UpdateUserResponse, Refused> {
        let (totals, info) = core.update_member(appid(call), &self, call.now, &call.settings.official_account)?;
        Ok(UpdateUserResponse {
            errcode: Some(0),
            errmsg: Some(OK.to_owned()),
            result_bonus: Some(totals.bonus),
            result_balance: Some(totals.balance),
            openid: info.openid,
            ..UpdateUserResponse::default()
        })
    }
}
