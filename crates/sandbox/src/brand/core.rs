//! The state of the brand family.

use std::collections::BTreeMap;
use std::sync::MutexGuard;

use kabao_models::brand::Card;

use super::Refused;
use super::member::Member;
use crate::ledger::Effect;
use crate::serve;
use crate::sync::lock;
use crate::world::World;

/// Templates and members of all brands.
#[derive(Default)]
pub(crate) struct Core {
    pub(super) templates: BTreeMap<String, Card>,
    /// By `card_id` and code. Members without a code have a name of their own that no request can
    /// spell.
    pub(super) members: BTreeMap<(String, String), Member>,
    pub(super) effects: Vec<Effect>,
}

impl serve::Core for Core {
    type Refusal = Refused;

    fn lock(world: &World) -> MutexGuard<'_, Self> {
        lock(&world.brand)
    }

    fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }
}

impl Core {
    /// Returns the templates.
    pub(crate) fn templates(&self) -> impl Iterator<Item = &Card> {
        self.templates.values()
    }

    /// Returns the members.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    /// Puts a template in place as it is.
    pub(crate) fn put_template(&mut self, card: Card) {
        if let Some(card_id) = &card.card_id {
            self.templates.insert(card_id.clone(), card);
        }
    }

    /// Finds a template of a brand.
    pub(super) fn template(&self, brand_id: &str, card_id: &str) -> Result<&Card, Refused> {
        self.templates
            .get(card_id)
            .filter(|card| card.brand_id.as_deref() == Some(brand_id))
            .ok_or(Refused::TemplateNotFound)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use jiff::Timestamp;

    use super::Core;
    use crate::demo;

    pub(in crate::brand) const BRAND: &str = demo::BRAND_ID;
    pub(in crate::brand) const CARD: &str = demo::BRAND_CARD;
    pub(in crate::brand) const CODE: &str = demo::BRAND_CODE;
    pub(in crate::brand) const OPENID: &str = demo::BRAND_OPENID;

    pub(in crate::brand) fn now() -> Timestamp {
        Timestamp::from_second(1_767_225_600).unwrap()
    }

    /// A core with the demo template and its member.
    pub(in crate::brand) fn core() -> Core {
        let mut core = Core::default();
        demo::brand::fill(&mut core, now());
        core
    }
}
