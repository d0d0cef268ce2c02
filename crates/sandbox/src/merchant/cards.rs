//! The operations on templates.

use kabao_models::NoContent;
use kabao_models::merchant::cards::{Card, DeleteCard, GetCard, UpdateCard};

use super::{Core, Refused};
use crate::serve::{Call, Serve};

/// Returns the number of the caller; authentication has seen to it that there is one.
pub(super) fn merchant(call: &Call) -> &str {
    call.account.mchid.as_deref().unwrap_or_default()
}

impl Serve for GetCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<Card, Refused> {
        core.get_template(merchant(call), &self.card_id)
    }
}

impl Serve for UpdateCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<NoContent, Refused> {
        core.update_template(merchant(call), &self, call.now, &call.settings.merchant)?;
        Ok(NoContent::default())
    }
}

impl Serve for DeleteCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<NoContent, Refused> {
        core.delete_template(
            merchant(call),
            &self.card_id,
            call.now,
            &call.settings.merchant,
        )?;
        Ok(NoContent::default())
    }
}
