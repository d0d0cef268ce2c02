//! The state of the official-account family.

use std::collections::BTreeMap;
use std::sync::MutexGuard;

use super::Refused;
use super::member::Member;
use super::pay_rules::PayRule;
use super::template::Template;
use crate::ledger::Effect;
use crate::serve;
use crate::sync::lock;
use crate::world::World;

/// Cards, members and pay rules of all official accounts.
#[derive(Default)]
pub(crate) struct Core {
    pub(super) templates: BTreeMap<String, Template>,
    /// By `card_id` and `code`.
    pub(super) members: BTreeMap<(String, String), Member>,
    /// By merchant id.
    pub(super) pay_rules: BTreeMap<String, PayRule>,
    pub(super) effects: Vec<Effect>,
}

impl serve::Core for Core {
    type Refusal = Refused;

    fn lock(world: &World) -> MutexGuard<'_, Self> {
        lock(&world.official_account)
    }

    fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }
}

impl Core {
    /// Returns the cards.
    pub(crate) fn templates(&self) -> impl Iterator<Item = &Template> {
        self.templates.values()
    }

    /// Returns the members with their keys.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&(String, String), &Member)> {
        self.members.iter()
    }

    /// Returns the pay rules by merchant id.
    pub(crate) fn pay_rules(&self) -> impl Iterator<Item = (&String, &PayRule)> {
        self.pay_rules.iter()
    }

    /// Puts a card in place as it is.
    pub(crate) fn put_template(&mut self, template: Template) {
        self.templates.insert(template.id().to_owned(), template);
    }

    /// Finds a card that the account may use.
    pub(super) fn template(&self, appid: &str, card_id: &str) -> Result<&Template, Refused> {
        let template = self.templates.get(card_id).ok_or(Refused::CardIdInvalid)?;
        if template.appid == appid { Ok(template) } else { Err(Refused::CardNotOwned) }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use jiff::Timestamp;

    use super::Core;
    use crate::demo;

    pub(in crate::official_account) const APPID: &str = demo::OFFICIAL_ACCOUNT_APPID;
    pub(in crate::official_account) const CARD: &str = demo::OFFICIAL_ACCOUNT_CARD;
    pub(in crate::official_account) const CODE: &str = demo::OFFICIAL_ACCOUNT_CODE;

    pub(in crate::official_account) fn now() -> Timestamp {
        Timestamp::from_second(1_767_225_600).unwrap()
    }

    /// A core with the demo card and its member.
    pub(in crate::official_account) fn core() -> Core {
        let mut core = Core::default();
        demo::official_account::fill(&mut core, now());
        core
    }
}
