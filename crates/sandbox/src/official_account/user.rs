//! The operation on users.

use kabao_models::official_account::user::{ListUserCards, ListUserCardsResponse, UserCard};

use super::card::OK;
use super::{Context, Core, Refused};
use crate::serve::{Call, Serve};

impl Serve for ListUserCards {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<ListUserCardsResponse, Refused> {
        let openid = self.openid.as_ref().ok_or(Refused::Openid)?;
        let cards = core.cards_of(&Context::of(call), openid.expose(), self.card_id.as_deref())?;
        let card_list = cards.into_iter().map(|(card_id, code)| UserCard {
            code: Some(code.into()),
            card_id: Some(card_id),
            ..UserCard::default()
        });
        Ok(ListUserCardsResponse {
            errcode: Some(0),
            errmsg: Some(OK.to_owned()),
            card_list: Some(card_list.collect()),
            // Friend coupons do not exist here.
            has_share_card: Some(false),
            ..ListUserCardsResponse::default()
        })
    }
}
