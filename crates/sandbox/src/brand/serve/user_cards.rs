//! The operations on user cards.

use kabao_models::brand::direct_user_cards::{
    ConfirmDirectUserCard, GetDirectUserCard, ImportDirectUserCardByOpenid,
    InvalidateDirectUserCard, ListDirectUserCards, UpdateDirectUserCard,
};
use kabao_models::brand::user_cards::{
    ConfirmUserCard, GetUserCard, ImportUserCardByOpenid, ImportUserCardByPhone,
    ImportUserCardByPhoneResponse, InvalidateUserCard, ListUserCards, UpdateUserCard,
};
use kabao_models::brand::{ListUserCardsResponse, UserCard, UserCardConfirmState};

use super::super::membership::Data;
use super::{Context, Core, Refused, key, text};
use crate::serve::{Call, Serve};

/// Takes the named members of a request.
macro_rules! data {
    ($request:ident { $($member:ident),* $(,)? }) => {
        Data { $($member: $request.$member.clone(),)* ..Data::default() }
    };
}

/// The outcome that the catalogue requires.
fn outcome(state: &Option<UserCardConfirmState>) -> &UserCardConfirmState {
    state
        .as_ref()
        .unwrap_or(&UserCardConfirmState::CreateCardFail)
}

impl Serve for GetUserCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<UserCard, Refused> {
        let context = Context::with_membership(call, self.brand_id.as_deref())?;
        core.get_member(
            &context,
            &key(&self.card_id, &self.openid, self.user_card_code.expose()),
        )
    }
}

impl Serve for GetDirectUserCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<UserCard, Refused> {
        let context = Context::with_membership(call, None)?;
        core.get_member(
            &context,
            &key(&self.card_id, &self.openid, self.user_card_code.expose()),
        )
    }
}

impl Serve for ListUserCards {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<ListUserCardsResponse, Refused> {
        let context = Context::with_membership(call, self.brand_id.as_deref())?;
        let range = (
            self.offset.unwrap_or_default(),
            self.limit.unwrap_or_default(),
        );
        core.list_members(
            &context,
            text(&self.openid),
            self.user_card_state.as_ref(),
            range,
        )
    }
}

impl Serve for ListDirectUserCards {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<ListUserCardsResponse, Refused> {
        let context = Context::with_membership(call, None)?;
        let range = (
            self.offset.unwrap_or_default(),
            self.limit.unwrap_or_default(),
        );
        core.list_members(
            &context,
            text(&self.openid),
            self.user_card_state.as_ref(),
            range,
        )
    }
}

impl Serve for UpdateUserCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<UserCard, Refused> {
        let context = Context::with_membership(call, self.brand_id.as_deref())?;
        let mut data = data!(self {
            card_color,
            card_picture_url,
            phone_number,
            level,
            valid_date_information,
            user_information,
            attach,
        });
        if context.rules.accept_legacy_fields {
            data.pickup_time.clone_from(&self.pickup_time);
        }
        let key = key(&self.card_id, &self.openid, self.user_card_code.expose());
        core.update_member(&context, &key, data)
    }
}

impl Serve for UpdateDirectUserCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<UserCard, Refused> {
        let context = Context::with_membership(call, None)?;
        let data = data!(self {
            card_color,
            card_picture_url,
            phone_number,
            level,
            valid_date_information,
            user_information,
            attach,
        });
        let key = key(&self.card_id, &self.openid, self.user_card_code.expose());
        core.update_member(&context, &key, data)
    }
}

impl Serve for InvalidateUserCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<UserCard, Refused> {
        let context = Context::with_membership(call, self.brand_id.as_deref())?;
        let key = key(&self.card_id, &self.openid, self.user_card_code.expose());
        core.invalidate_member(&context, &key, self.invalid_reason.clone())
    }
}

impl Serve for InvalidateDirectUserCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<UserCard, Refused> {
        let context = Context::with_membership(call, None)?;
        let key = key(&self.card_id, &self.openid, self.user_card_code.expose());
        core.invalidate_member(&context, &key, self.invalid_reason.clone())
    }
}

impl Serve for ImportUserCardByOpenid {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<UserCard, Refused> {
        let context = Context::with_membership(call, self.brand_id.as_deref())?;
        let mut data = data!(self {
            card_color,
            card_picture_url,
            phone_number,
            level,
            valid_date_information,
            user_information,
            pickup_time,
        });
        if context.rules.accept_legacy_fields && data.valid_date_information.is_none() {
            data.valid_date_information
                .clone_from(&self.date_information);
        }
        core.import(
            &context,
            &key(&self.card_id, &self.openid, text(&self.user_card_code)),
            data,
        )
    }
}

impl Serve for ImportDirectUserCardByOpenid {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<UserCard, Refused> {
        let context = Context::with_membership(call, None)?;
        let data = data!(self {
            card_color,
            card_picture_url,
            phone_number,
            level,
            valid_date_information,
            user_information,
            pickup_time,
        });
        core.import(
            &context,
            &key(&self.card_id, &self.openid, text(&self.user_card_code)),
            data,
        )
    }
}

impl Serve for ImportUserCardByPhone {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<Self::Answer, Refused> {
        let context = Context::with_membership(call, self.brand_id.as_deref())?;
        let mut data = data!(self {
            card_color,
            card_picture_url,
            phone_number,
            level,
            user_information,
            pickup_time,
        });
        data.valid_date_information
            .clone_from(&self.date_information);
        let code = text(&self.user_card_code);
        let card = core.import_by_phone(&context, text(&self.card_id), code, data)?;
        // The older answer has neither of the two times.
        Ok(ImportUserCardByPhoneResponse {
            user_card_code: card.user_card_code,
            card_id: card.card_id,
            openid: card.openid,
            card_color: card.card_color,
            card_picture_url: card.card_picture_url,
            brand_id: card.brand_id,
            card_type: card.card_type,
            phone_number: card.phone_number,
            level: card.level,
            valid_date_information: card.valid_date_information,
            pickup_time: card.pickup_time,
            user_information: card.user_information,
            attach: card.attach,
            user_card_state: card.user_card_state,
            invalid_reason: card.invalid_reason,
            invalid_time: card.invalid_time,
            ..ImportUserCardByPhoneResponse::default()
        })
    }
}

impl Serve for ConfirmUserCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<UserCard, Refused> {
        let context = Context::with_membership(call, self.brand_id.as_deref())?;
        let data = data!(self {
            card_color,
            card_picture_url,
            phone_number,
            level,
            valid_date_information,
            user_information,
            attach,
        });
        let key = key(&self.card_id, &self.openid, self.user_card_code.expose());
        core.confirm(&context, &key, outcome(&self.user_card_confirm_state), data)
    }
}

impl Serve for ConfirmDirectUserCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<UserCard, Refused> {
        let context = Context::with_membership(call, None)?;
        let data = data!(self {
            card_color,
            card_picture_url,
            phone_number,
            level,
            valid_date_information,
            user_information,
            attach,
        });
        let key = key(&self.card_id, &self.openid, self.user_card_code.expose());
        core.confirm(&context, &key, outcome(&self.user_card_confirm_state), data)
    }
}
