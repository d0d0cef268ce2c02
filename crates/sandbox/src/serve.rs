//! How an operation of the catalogue is served: decode, one core command, encode.

use std::cell::RefCell;
use std::sync::{Arc, MutexGuard};

use jiff::Timestamp;
use kabao_models::{Endpoint, Operation};

use crate::account::Account;
use crate::ledger::Effect;
use crate::settings::Settings;
use crate::sync::lock;
use crate::trail::Trail;
use crate::world::World;

/// The rules and the state of one family.
pub(crate) trait Core: Sized {
    /// Why a command is refused: a row of the family's error table.
    type Refusal;

    /// Locks the family's state.
    fn lock(world: &World) -> MutexGuard<'_, Self>;

    /// Takes what was changed since the last time.
    fn take_effects(&mut self) -> Vec<Effect>;
}

/// An operation that the sandbox serves. Implementations only translate.
pub(crate) trait Serve: Endpoint {
    /// The core that decides.
    type Core: Core;

    /// Turns the request into a command and its result into the answer.
    fn serve(
        self,
        core: &mut Self::Core,
        call: &Call,
    ) -> Result<Self::Answer, <Self::Core as Core>::Refusal>;
}

/// What a command may know of the call besides its content.
pub(crate) struct Call {
    pub(crate) operation: &'static Operation,
    pub(crate) account: Arc<Account>,
    pub(crate) now: Timestamp,
    pub(crate) settings: Arc<Settings>,
    pub(crate) remarks: Remarks,
}

/// What a command accepted although the real service is reported to refuse it.
#[derive(Default)]
pub(crate) struct Remarks(RefCell<Vec<String>>);

impl Remarks {
    /// Adds a remark; it names members and settings, never values.
    pub(crate) fn add(&self, remark: impl Into<String>) {
        self.0.borrow_mut().push(remark.into());
    }

    /// Takes everything that was remarked.
    pub(crate) fn take(&self) -> Vec<String> {
        self.0.take()
    }
}

/// Runs one request under the lock of its family, writes its effects into the ledger, and its remarks
/// beside the checks of the request.
pub(crate) fn run<E: Serve>(
    world: &World,
    call: &Call,
    request: E,
    trail: &Trail,
) -> Result<E::Answer, <E::Core as Core>::Refusal> {
    let mut core = E::Core::lock(world);
    let answer = request.serve(&mut core, call);
    // Recorded under the lock, so that the ledger has the order in which things happened.
    record(
        world,
        call.now,
        call.operation.id,
        &call.account.name,
        core.take_effects(),
    );
    trail.remark(call.remarks.take());
    answer
}

/// Writes effects into the ledger.
pub(crate) fn record(
    world: &World,
    now: Timestamp,
    operation: &str,
    account: &str,
    effects: Vec<Effect>,
) {
    if effects.is_empty() {
        return;
    }
    let mut ledger = lock(&world.ledger);
    for effect in effects {
        ledger.append(now, operation, account, effect);
    }
}
