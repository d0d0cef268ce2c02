//! The operations on cards.

use kabao_models::official_account::BasicResponse;
use kabao_models::official_account::card::{
    DeleteCard, GetCard, GetCardResponse, UpdateCard, UpdateCardMessage, UpdateCardResponse,
};

use super::{Core, Refused};
use crate::serve::{Call, Serve};

/// `errmsg` of a success.
pub(super) const OK: &str = "ok";

/// Returns the AppID of the caller; its token has seen to it that there is one.
pub(super) fn appid(call: &Call) -> &str {
    call.account.appid.as_deref().unwrap_or_default()
}

impl Serve for GetCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<GetCardResponse, Refused> {
        let card = core.get_card(appid(call), self.card_id.as_deref().unwrap_or_default())?;
        Ok(GetCardResponse {
            errcode: Some(0),
            errmsg: Some(OK.to_owned()),
            card: Some(card),
            ..GetCardResponse::default()
        })
    }
}

impl Serve for UpdateCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<UpdateCardResponse, Refused> {
        let send_check = core.update_card(appid(call), &self, call.now, &call.settings.official_account)?;
        Ok(updated(send_check))
    }
}

impl Serve for UpdateCardMessage {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<UpdateCardResponse, Refused> {
        core.update_message(appid(call), &self, call.now)?;
        Ok(updated(false))
    }
}

fn updated(send_check: bool) -> UpdateCardResponse {
    UpdateCardResponse {
        errcode: Some(0),
        errmsg: Some(OK.to_owned()),
        send_check: Some(send_check),
        ..UpdateCardResponse::default()
    }
}

impl Serve for DeleteCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<BasicResponse, Refused> {
        let card_id = self.card_id.as_deref().unwrap_or_default();
        core.delete_card(appid(call), card_id, call.now, &call.settings.official_account)?;
        Ok(BasicResponse { errcode: Some(0), errmsg: Some(OK.to_owned()), ..BasicResponse::default() })
    }
}
