//! The operations on user cards.

use kabao_models::NoContent;
use kabao_models::merchant::user_cards::{GetUserCard, UpdateUserCard, UserCard};

use super::cards::merchant;
use super::{Core, Refused};
use crate::serve::{Call, Serve};

impl Serve for GetUserCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<UserCard, Refused> {
        core.get_member(
            merchant(call),
            &self.card_id,
            self.code.expose(),
            call.now,
            &call.settings.merchant,
        )
    }
}

impl Serve for UpdateUserCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<NoContent, Refused> {
        core.update_member(merchant(call), &self, call.now, &call.settings.merchant)?;
        Ok(NoContent::default())
    }
}
