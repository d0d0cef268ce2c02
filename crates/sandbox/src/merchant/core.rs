//! The state of the merchant family.

use std::collections::BTreeMap;
use std::sync::MutexGuard;

use super::Refused;
use super::member::Member;
use super::template::Template;
use crate::ledger::Effect;
use crate::numbers::Numbers;
use crate::serve;
use crate::sync::lock;
use crate::world::World;

/// Templates and members of all merchant numbers.
#[derive(Default)]
pub(crate) struct Core {
    pub(super) templates: BTreeMap<String, Template>,
    /// By `card_id` and `code`.
    pub(super) members: BTreeMap<(String, String), Member>,
    pub(super) numbers: Numbers,
    pub(super) effects: Vec<Effect>,
}

impl serve::Core for Core {
    type Refusal = Refused;

    fn lock(world: &World) -> MutexGuard<'_, Self> {
        lock(&world.merchant)
    }

    fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }
}

impl Core {
    /// Returns the templates.
    pub(crate) fn templates(&self) -> impl Iterator<Item = &Template> {
        self.templates.values()
    }

    /// Returns the members.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    /// Puts a template in place as it is.
    pub(crate) fn put_template(&mut self, template: Template) {
        if let Some(card_id) = &template.card.card_id {
            self.templates.insert(card_id.clone(), template);
        }
    }

    /// Finds a template that the caller may use.
    pub(super) fn template(&self, merchant: &str, card_id: &str) -> Result<&Template, Refused> {
        let template = self.templates.get(card_id).ok_or(Refused::CardIdInvalid)?;
        if template.owner != merchant {
            return Err(Refused::NotOwner);
        }
        if !template.upgraded {
            return Err(Refused::NotUpgraded);
        }
        Ok(template)
    }

    /// The same for a change.
    pub(super) fn template_mut(&mut self, merchant: &str, card_id: &str) -> Result<&mut Template, Refused> {
        self.template(merchant, card_id)?;
        self.templates.get_mut(card_id).ok_or(Refused::CardIdInvalid)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use jiff::Timestamp;

    use super::Core;
    use crate::demo;

    pub(in crate::merchant) const MERCHANT: &str = demo::MERCHANT_NUMBER;
    pub(in crate::merchant) const CARD: &str = demo::MERCHANT_CARD;
    pub(in crate::merchant) const CODE: &str = demo::MERCHANT_CODE;

    pub(in crate::merchant) fn now() -> Timestamp {
        Timestamp::from_second(1_767_225_600).unwrap()
    }

    /// A core with the demo template and its member.
    pub(in crate::merchant) fn core() -> Core {
        let mut core = Core::default();
        demo::merchant::fill(&mut core, now());
        core
    }
}
