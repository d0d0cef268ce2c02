//! What all accounts of a process share: its store, what runs in it, and what it has seen.

mod batches;
mod locks;
mod right;
mod running;
mod sight;
mod wait;

use std::sync::{Arc, OnceLock};

use kabao_api::{AccountId, ChangeState};
use tokio::sync::{Notify, watch};

pub(crate) use self::batches::Batch;
use self::batches::Batches;
use self::locks::Locks;
pub(crate) use self::right::{Right, earlier_open};
pub(crate) use self::running::{Entered, Running, Told};
pub use self::sight::Counts;
pub(crate) use self::sight::{Seen, Sight};
pub(crate) use self::wait::wait;
use crate::clock::Clock;
use crate::observer::ChangeObserver;
use crate::settings::Settings;
use crate::store::{ChangeKey, ChangeStore, Leases};
use crate::subject::SubjectKey;

/// One process.
pub(crate) struct Process {
    store: Arc<dyn ChangeStore>,
    leases: Arc<dyn Leases>,
    clock: Arc<dyn Clock>,
    settings: Settings,
    running: Running,
    locks: Locks<SubjectKey>,
    batches: Batches,
    /// What the reconciler saw last.
    sight: Sight,
    /// Counts up whenever a change was written.
    changed: watch::Sender<u64>,
    /// A change has become unknown.
    woken: Notify,
    observer: OnceLock<Arc<dyn ChangeObserver>>,
}

impl Process {
    pub(crate) fn new(
        store: Arc<dyn ChangeStore>,
        leases: Arc<dyn Leases>,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Self {
        Self {
            store,
            leases,
            clock,
            running: Running::new(settings.max_running),
            settings,
            locks: Locks::default(),
            batches: Batches::default(),
            sight: Sight::default(),
            changed: watch::Sender::new(0),
            woken: Notify::new(),
            observer: OnceLock::new(),
        }
    }

    /// Tells `observer` of ends that no caller hears of; the first one stays.
    pub(crate) fn observe(&self, observer: Arc<dyn ChangeObserver>) {
        let _ = self.observer.set(observer);
    }

    pub(crate) fn store(&self) -> &dyn ChangeStore {
        self.store.as_ref()
    }

    pub(crate) fn leases(&self) -> &Arc<dyn Leases> {
        &self.leases
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn running(&self) -> &Running {
        &self.running
    }

    pub(crate) fn sight(&self) -> &Sight {
        &self.sight
    }

    /// Tells whether a change of a subject is known to be open, here or elsewhere.
    pub(crate) fn is_changing(&self, account: &AccountId, subject: &str) -> bool {
        let key = (account.clone(), subject.to_owned());
        self.running.changes(&key) || self.sight.changes(&key)
    }

    /// Says that something was written.
    pub(crate) fn changed(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    /// Returns what tells that something was written.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Says that a change has ended without a call of its own.
    pub(crate) fn tell_ended(&self, key: &ChangeKey, method: &str, state: ChangeState) {
        if let Some(observer) = self.observer.get() {
            observer.ended(key, method, state);
        }
    }

    /// Says that there is something to reconcile.
    pub(crate) fn wake(&self) {
        self.woken.notify_one();
    }

    pub(crate) async fn woken(&self) {
        self.woken.notified().await;
    }
}
