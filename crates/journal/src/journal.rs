//! The journal of a process: what all its accounts share.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use kabao_api::AccountId;
use tokio::time::sleep;

use crate::account::AccountJournal;
use crate::clock::Clock;
use crate::observer::ChangeObserver;
use crate::party::Party;
use crate::process::{Counts, Process};
use crate::settings::Settings;
use crate::store::{ChangeStore, Leases, StoreError};

/// The memory of a process. Clones share it.
#[derive(Clone)]
pub struct Journal(Arc<Inner>);

struct Inner {
    process: Arc<Process>,
    accounts: Mutex<HashMap<AccountId, Weak<AccountJournal>>>,
    /// Held during a look at the open changes.
    looking: tokio::sync::Mutex<()>,
    is_leaving: AtomicBool,
}

impl Journal {
    /// Starts a memory over a store.
    pub fn new(
        store: Arc<dyn ChangeStore>,
        leases: Arc<dyn Leases>,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Self {
        Self(Arc::new(Inner {
            process: Arc::new(Process::new(store, leases, clock, settings)),
            accounts: Mutex::default(),
            looking: tokio::sync::Mutex::default(),
            is_leaving: AtomicBool::new(false),
        }))
    }

    /// Tells `observer` of changes that end without a call of their own; the first one stays.
    pub fn observe(&self, observer: Arc<dyn ChangeObserver>) {
        self.0.process.observe(observer);
    }

    /// Starts the journal of one account. The last one of an account is the one whose open changes are
    /// brought to their end, those of an earlier process or configuration at once.
    pub fn account(&self, account: AccountId) -> Arc<AccountJournal> {
        self.enter(AccountJournal::new(
            Arc::clone(&self.0.process),
            account,
            None,
        ))
    }

    /// The same for an account that is this merchant number, brand or AppID to WeChat. What was begun while the account
    /// was another one is not sent in its name, and answers no repeat.
    pub fn account_of(&self, account: AccountId, party: Party) -> Arc<AccountJournal> {
        self.enter(AccountJournal::new(
            Arc::clone(&self.0.process),
            account,
            Some(party),
        ))
    }

    fn enter(&self, journal: AccountJournal) -> Arc<AccountJournal> {
        let (account, journal) = (journal.account().clone(), Arc::new(journal));
        let mut accounts = locked(&self.0.accounts);
        // As seldom as the map would grow, so that ten thousand accounts are not gone through ten thousand times.
        if accounts.len() == accounts.capacity() {
            accounts.retain(|_, journal| journal.strong_count() > 0);
        }
        accounts.insert(account, Arc::downgrade(&journal));
        drop(accounts);
        self.0.process.wake();
        journal
    }

    /// Returns how many changes had not ended when the reconciler looked last.
    pub fn counts(&self) -> Counts {
        self.0.process.sight().counts()
    }

    /// Leaves the other processes that share the store, which then need not wait until they take this one for dead.
    /// [`reconcile`](Self::reconcile) ends. Returns false, and leaves nobody, if a change still runs here: whoever takes
    /// it over has to wait until its request has arrived or never will. It takes `pause` at least, and as long as a
    /// request may be under way.
    ///
    /// # Errors
    ///
    /// If the store does not answer; then the others find out by themselves.
    pub async fn leave(&self, pause: Duration) -> Result<bool, StoreError> {
        self.0.is_leaving.store(true, Ordering::Relaxed);
        self.0.process.wake();
        let _looking = self.0.looking.lock().await;
        sleep(pause.max(self.0.process.settings().quiet)).await;
        if !self.0.process.running().is_empty() {
            return Ok(false);
        }
        self.0.process.leases().leave().await?;
        Ok(true)
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.0.is_leaving.load(Ordering::Relaxed)
    }

    pub(crate) fn looking(&self) -> &tokio::sync::Mutex<()> {
        &self.0.looking
    }

    pub(crate) fn find_account(&self, account: &AccountId) -> Option<Arc<AccountJournal>> {
        locked(&self.0.accounts)
            .get(account)
            .and_then(Weak::upgrade)
    }

    pub(crate) fn process(&self) -> &Process {
        &self.0.process
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("settings", self.0.process.settings())
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}

/// Every step leaves the values whole.
fn locked<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}
