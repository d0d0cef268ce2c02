//! The operations on cards.

use kabao_models::official_account::BasicResponse;
use kabao_models::official_account::card::{
    BatchGetCards, BatchGetCardsResponse, CreateCard, CreateCardResponse, DeleteCard, GetCard,
    GetCardResponse, ModifyCardStock, UpdateCard, UpdateCardMessage, UpdateCardResponse,
};

use super::{Context, Core, Refused};
use crate::serve::{Call, Serve};

/// `errmsg` of a success.
pub(super) const OK: &str = "ok";

/// The answer of operations that return nothing.
pub(super) fn done() -> BasicResponse {
    BasicResponse {
        errcode: Some(0),
        errmsg: Some(OK.to_owned()),
        ..BasicResponse::default()
    }
}

/// Returns a `card_id` that the limits require.
pub(super) fn required(card_id: &Option<String>) -> Result<&str, Refused> {
    card_id.as_deref().ok_or(Refused::CardIdMissing)
}

impl Serve for CreateCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<CreateCardResponse, Refused> {
        let card = self.card.as_ref().ok_or(Refused::Missing("card".into()))?;
        let card_id = core.create_card(&Context::of(call), card)?;
        Ok(CreateCardResponse {
            errcode: Some(0),
            errmsg: Some(OK.to_owned()),
            card_id: Some(card_id),
            ..CreateCardResponse::default()
        })
    }
}

impl Serve for GetCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<GetCardResponse, Refused> {
        let card = core.card(&Context::of(call), required(&self.card_id)?)?;
        Ok(GetCardResponse {
            errcode: Some(0),
            errmsg: Some(OK.to_owned()),
            card: Some(card),
            ..GetCardResponse::default()
        })
    }
}

impl Serve for BatchGetCards {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<BatchGetCardsResponse, Refused> {
        let (offset, count) = (self.offset.unwrap_or(0), self.count.unwrap_or(0));
        let (card_ids, total) = core.list_cards(
            &Context::of(call),
            self.status_list.as_deref(),
            offset,
            count,
        )?;
        Ok(BatchGetCardsResponse {
            errcode: Some(0),
            errmsg: Some(OK.to_owned()),
            card_id_list: Some(card_ids),
            total_num: Some(total),
            ..BatchGetCardsResponse::default()
        })
    }
}

impl Serve for UpdateCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<UpdateCardResponse, Refused> {
        let change = self.member_card.unwrap_or_default();
        let send_check = core.update_card(&Context::of(call), required(&self.card_id)?, &change)?;
        Ok(updated(send_check))
    }
}

impl Serve for UpdateCardMessage {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<UpdateCardResponse, Refused> {
        let slot = self
            .member_card
            .and_then(|change| change.modify_msg_operation)
            .ok_or(Refused::Missing("member_card.modify_msg_operation".into()))?;
        core.set_message(&Context::of(call), required(&self.card_id)?, slot)?;
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
        core.delete_card(&Context::of(call), required(&self.card_id)?)?;
        Ok(done())
    }
}

impl Serve for ModifyCardStock {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<BasicResponse, Refused> {
        let increase = self.increase_stock_value.unwrap_or(0);
        let reduce = self.reduce_stock_value.unwrap_or(0);
        core.modify_stock(
            &Context::of(call),
            required(&self.card_id)?,
            increase,
            reduce,
        )?;
        Ok(done())
    }
}
