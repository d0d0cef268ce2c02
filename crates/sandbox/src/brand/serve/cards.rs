//! The operations on templates.

use kabao_models::Object;
use kabao_models::brand::cards::{
    CreateCard, DeleteCard, GetCard, InvalidateCard, ListCards, UpdateCard,
};
use kabao_models::brand::direct_cards::{
    CreateDirectCard, GetDirectCard, InvalidateDirectCard, ListDirectCards, UpdateDirectCard,
};
use kabao_models::brand::{Card, ListCardsResponse};

use super::super::Rule;
use super::{Context, Core, Refused};
use crate::overlay::overlay;
use crate::serve::{Call, Serve};

/// Returns the members of a template that a request has.
fn members<T: Object>(request: &T) -> Result<Card, Refused> {
    overlay(&Card::default(), request, &[]).ok_or_else(|| Rule::Internal.into())
}

impl Serve for CreateCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<Card, Refused> {
        let context = Context::with_membership(call, self.brand_id.as_deref())?;
        core.create_template(&context, members(&self)?)
    }
}

impl Serve for CreateDirectCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<Card, Refused> {
        core.create_template(&Context::with_membership(call, None)?, members(&self)?)
    }
}

impl Serve for ListCards {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<ListCardsResponse, Refused> {
        let context = Context::with_membership(call, self.brand_id.as_deref())?;
        let (offset, limit) = (
            self.offset.unwrap_or_default(),
            self.limit.unwrap_or_default(),
        );
        core.list_templates(&context, self.state.as_ref(), offset, limit)
    }
}

impl Serve for ListDirectCards {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<ListCardsResponse, Refused> {
        let context = Context::with_membership(call, None)?;
        let (offset, limit) = (
            self.offset.unwrap_or_default(),
            self.limit.unwrap_or_default(),
        );
        core.list_templates(&context, self.state.as_ref(), offset, limit)
    }
}

impl Serve for GetCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<Card, Refused> {
        let context = Context::with_membership(call, self.brand_id.as_deref())?;
        core.get_template(&context, &self.card_id)
    }
}

impl Serve for GetDirectCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<Card, Refused> {
        core.get_template(&Context::with_membership(call, None)?, &self.card_id)
    }
}

impl Serve for UpdateCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<Card, Refused> {
        let context = Context::with_membership(call, self.brand_id.as_deref())?;
        core.update_template(&context, &self.card_id, members(&self)?)
    }
}

impl Serve for UpdateDirectCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<Card, Refused> {
        let context = Context::with_membership(call, None)?;
        core.update_template(&context, &self.card_id, members(&self)?)
    }
}

impl Serve for DeleteCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<Card, Refused> {
        let context = Context::with_membership(call, self.brand_id.as_deref())?;
        core.delete_template(&context, &self.card_id)
    }
}

impl Serve for InvalidateCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<Card, Refused> {
        let context = Context::with_membership(call, self.brand_id.as_deref())?;
        core.invalidate_template(&context, &self.card_id)
    }
}

impl Serve for InvalidateDirectCard {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<Card, Refused> {
        core.invalidate_template(&Context::with_membership(call, None)?, &self.card_id)
    }
}
