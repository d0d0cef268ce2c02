//! What each family implements for the control API.

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;

use super::answer::Problem;
use super::request::{Claim, Member};
use crate::account::Account;
use crate::described::Parameter;
use crate::serve::record;
use crate::settings::Settings;
use crate::sync::lock;
use crate::world::{Held, World};

/// What users and WeChat's staff do with the cards of one family, and what the family holds.
pub(super) trait FamilyControl: Sync {
    /// Shows everything that the family holds, part by part.
    fn state(&self, world: &World) -> Value;

    /// Describes the parts of the state.
    fn parts(&self) -> Vec<(&'static str, &'static str)>;

    /// A user takes a card.
    fn claim(&self, order: &Order<'_>, claim: Claim) -> Result<Value, Problem>;

    /// A card that waits becomes active.
    fn activate(&self, order: &Order<'_>, member: &Member) -> Result<Value, Problem>;

    /// The user deletes the card.
    fn delete(&self, order: &Order<'_>, member: &Member) -> Result<Value, Problem>;

    /// WeChat's staff ends a review.
    fn review(&self, order: &Order<'_>, card_id: &str, approved: bool) -> Result<Value, Problem>;

    /// What only this family has.
    fn actions(&self) -> &'static [Action];

    /// The word between `control` and the action in the ledger.
    fn word(&self) -> &'static str;
}

/// An order of a control request to the cards of one account.
pub(super) struct Order<'a> {
    pub(super) world: &'a World,
    pub(super) account: &'a Account,
    /// What the ledger calls it.
    pub(super) operation: String,
}

impl Order<'_> {
    /// Runs a command under the lock of its family and writes its effects into the ledger.
    pub(super) fn act<C: Held, T>(
        &self,
        command: impl FnOnce(&mut C, Timestamp, &Settings) -> Result<T, C::Refusal>,
    ) -> Result<T, Problem>
    where
        Problem: From<C::Refusal>,
    {
        let settings = self.world.settings();
        let mut core = lock(C::of(self.world));
        let now = self.world.now();
        let done = command(&mut core, now, &settings);
        // Recorded under the lock, so that the ledger has the order in which things happened.
        let effects = core.take_effects();
        record(
            &self.world.ledger,
            now,
            &self.operation,
            &self.account.name,
            effects,
        );
        done.map_err(Problem::from)
    }
}

/// Something that only one family has: `POST /actions/{account}/{name}`.
pub(super) struct Action {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    /// The members of its body.
    pub(super) takes: &'static [Parameter],
    pub(super) run: fn(&Order<'_>, &Bytes) -> Result<Value, Problem>,
}

/// Writes an action: its name, what it takes, what does it, and what it does.
macro_rules! action {
    ($name:literal, $request:ty, $run:expr, $about:literal) => {
        $crate::control::family::Action {
            name: $name,
            about: $about,
            takes: <$request as $crate::described::Form>::MEMBERS,
            run: |order, body| {
                let request: $request = $crate::control::answer::parse(body)?;
                $run(order, request)
            },
        }
    };
}
pub(super) use action;

/// One part of what a family holds.
pub(super) struct Part<C> {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) show: fn(&C, Timestamp, &Settings) -> Value,
}

/// Shows all parts as they are at one moment.
pub(super) fn show<C: Held>(world: &World, parts: &[Part<C>]) -> Value {
    let settings = world.settings();
    let core = lock(C::of(world));
    let now = world.now();
    let shown = |part: &Part<C>| (part.name.to_owned(), (part.show)(&core, now, &settings));
    Value::Object(parts.iter().map(shown).collect())
}

/// Describes all parts.
pub(super) fn describe<C>(parts: &[Part<C>]) -> Vec<(&'static str, &'static str)> {
    parts.iter().map(|part| (part.name, part.about)).collect()
}
