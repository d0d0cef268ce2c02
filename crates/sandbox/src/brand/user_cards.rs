//! The operations on user cards.

use kabao_models::brand::UserCard;
use kabao_models::brand::user_cards::{GetUserCard, UpdateUserCard};

use super::cards::own_brand;
use super::member::name;
use super::{Core, Refused};
use crate::serve::{Call, Serve};

impl Serve for GetUserCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<UserCard, Refused> {
        own_brand(call, &self.brand_id)?;
        let name = name(&self.brand_id, &self.card_id, &self.openid, &self.user_card_code);
        core.get_member(&name, call.now)
    }
}

impl Serve for UpdateUserCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<UserCard, Refused> {
        own_brand(call, &self.brand_id)?;
        let name = name(&self.brand_id, &self.card_id, &self.openid, &self.user_card_code);
        core.update_member(&name, &self, call.now, &call.settings.brand)
    }
}
