//! The operations on templates.

use kabao_models::brand::Card;
use kabao_models::brand::cards::{DeleteCard, GetCard, InvalidateCard, UpdateCard};

use super::{Core, Refused};
use crate::serve::{Call, Serve};

/// Returns the brand of a request if the caller acts for it.
pub(super) fn own_brand<'a>(call: &Call, brand_id: &'a Option<String>) -> Result<&'a str, Refused> {
    match brand_id.as_deref() {
        Some(brand_id) if call.account.brand_id.as_deref() == Some(brand_id) => Ok(brand_id),
        _ => Err(Refused::FeatureOff),
    }
}

/// Adds the older name of `modify_time` if the settings want it.
fn shown(call: &Call, mut card: Card) -> Card {
    if call.settings.brand.answer_legacy_fields {
        card.update_time.clone_from(&card.modify_time);
    }
    card
}

impl Serve for GetCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<Card, Refused> {
        core.get_template(own_brand(call, &self.brand_id)?, &self.card_id).map(|card| shown(call, card))
    }
}

impl Serve for UpdateCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<Card, Refused> {
        own_brand(call, &self.brand_id)?;
        core.update_template(&self, call.now, &call.settings.brand).map(|card| shown(call, card))
    }
}

impl Serve for InvalidateCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<Card, Refused> {
        let brand_id = own_brand(call, &self.brand_id)?;
        core.invalidate_template(brand_id, &self.card_id, call.now, &call.settings.brand)
            .map(|card| shown(call, card))
    }
}

impl Serve for DeleteCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<Card, Refused> {
        if !call.settings.brand.delete_answers {
            return Err(Refused::Retired);
        }
        let brand_id = own_brand(call, &self.brand_id)?;
        core.invalidate_template(brand_id, &self.card_id, call.now, &call.settings.brand)
            .map(|card| shown(call, card))
    }
}
