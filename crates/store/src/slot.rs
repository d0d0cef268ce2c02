//! The place of a store that may open later: everything that comes from it is there from the start.
//!
//! Until the store is open, it refuses whatever it is asked for. It never closes again, so whoever was answered once
//! need not look again. A call pays one atomic read for that: the future that it awaits is the one of the store.

use std::future::ready;
use std::pin::Pin;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use kabao_api::portions::{Ask, Portions, Shared};
use kabao_api::{AccountId, CredentialRight, CredentialStore, Error, RequestId, StoredCredential};
use kabao_journal::{
    Acquired, Begun, ChangeFilter, ChangeKey, ChangeStore, ChangeUpdate, Fingerprint, Held, Lease,
    Leases, NewChange, StoreError, StoredChange, Ticket,
};
use tokio::sync::SetOnce;
use tokio::task::AbortHandle;

use crate::opened::Opened;
use crate::vitals::{Look, StoreVitals};

/// Where a store is as soon as it is open.
pub(crate) struct Slot {
    opened: SetOnce<Opened>,
    /// How the store is until then.
    closed: Look,
    /// How often processes ask for their portions, and how long they keep them, if they share the store.
    rhythm: Option<Rhythm>,
    /// The task that opens it.
    opening: OnceLock<AbortHandle>,
}

/// How processes that share a store ask for portions of limits. It is known before anybody can be asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rhythm {
    pub(crate) period: Duration,
    pub(crate) kept_for: Duration,
}

impl Slot {
    pub(crate) fn new(closed: Look, rhythm: Option<Rhythm>) -> Self {
        Self {
            opened: SetOnce::new(),
            closed,
            rhythm,
            opening: OnceLock::new(),
        }
    }

    /// Puts the open store in; the first one stays.
    pub(crate) fn fill(&self, opened: Opened) {
        // Another one is closed again.
        let _ = self.opened.set(opened);
    }

    /// Ends the task that opens the store, once nobody needs it any more.
    pub(crate) fn opened_by(&self, opening: AbortHandle) {
        let _ = self.opening.set(opening);
    }

    pub(crate) fn get(&self) -> Option<&Opened> {
        self.opened.get()
    }

    /// Waits until the store is open.
    pub(crate) async fn wait(&self) {
        self.opened.wait().await;
    }

    pub(crate) fn vitals(&self) -> StoreVitals {
        match self.get() {
            Some(opened) => (opened.vitals)(),
            None => (self.closed)(),
        }
    }

    /// Tells whether other processes can share the store.
    pub(crate) fn is_shared(&self) -> bool {
        self.rhythm.is_some()
    }

    fn opened(&self) -> Result<&Opened, StoreError> {
        let closed =
            || StoreError::refused("the store is not open yet; it is tried again and again");
        self.get().ok_or_else(closed)
    }

    fn portions(&self) -> Result<&dyn Portions, StoreError> {
        let nobody = || StoreError::refused("nobody shares the store");
        self.opened()?.portions.as_deref().ok_or_else(nobody)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(opening) = self.opening.get() {
            opening.abort();
        }
    }
}

/// Methods that the open store does, as `async_trait` declares them: its future is handed on as it is, and not wrapped
/// in one that would be allocated for every call.
macro_rules! hand_over {
    ($part:ident: $(
        fn $method:ident<$($borrowed:lifetime),*>($($given:ident: $type:ty),*) -> Result<$answer:ty, $error:ty>;
    )+) => {$(
        fn $method<'s, $($borrowed,)* 'f>(
            &'s self,
            $($given: $type),*
        ) -> Pin<Box<dyn Future<Output = Result<$answer, $error>> + Send + 'f>>
        where
            's: 'f,
            $($borrowed: 'f,)*
            Self: 'f,
        {
            match self.opened() {
                Ok(opened) => opened.$part.$method($($given),*),
                Err(error) => Box::pin(ready(Err(<$error>::from(error)))),
            }
        }
    )+};
}

impl ChangeStore for Slot {
    fn fingerprint(&self, content: &[u8]) -> Result<Fingerprint, StoreError> {
        self.opened()?.changes.fingerprint(content)
    }

    fn is_new(&self, key: &ChangeKey) -> bool {
        self.get().is_some_and(|opened| opened.changes.is_new(key))
    }

    hand_over! {
        changes:
        fn find<'k>(key: &'k ChangeKey) -> Result<Option<StoredChange>, StoreError>;
        fn first_known<'a, 'i>(account: &'a AccountId, ids: &'i [RequestId]) -> Result<Option<RequestId>, StoreError>;
        fn begin<>(change: NewChange) -> Result<Begun, StoreError>;
        fn update<>(ticket: Ticket, update: ChangeUpdate) -> Result<Held, StoreError>;
        fn forget<>(ticket: Ticket) -> Result<Held, StoreError>;
        fn claim<>(ticket: Ticket) -> Result<Option<Ticket>, StoreError>;
        fn list<'q>(filter: &'q ChangeFilter) -> Result<Vec<StoredChange>, StoreError>;
        fn now<>() -> Result<Option<SystemTime>, StoreError>;
        fn sweep<>(before: SystemTime, limit: u32) -> Result<u64, StoreError>;
    }
}

impl Leases for Slot {
    /// Nobody's as long as the store is closed: nothing can be begun in this name.
    fn replica(&self) -> &str {
        self.get().map_or("", |opened| opened.leases.replica())
    }

    fn is_fresh(&self) -> bool {
        self.get().is_some_and(|opened| opened.leases.is_fresh())
    }

    hand_over! {
        leases:
        fn acquire<'n>(name: &'n str) -> Result<Acquired, StoreError>;
        fn release<>(lease: Lease) -> Result<bool, StoreError>;
        fn is_alive<'r>(replica: &'r str) -> Result<bool, StoreError>;
        fn leave<>() -> Result<(), StoreError>;
    }
}

impl CredentialStore for Slot {
    hand_over! {
        credentials:
        fn find<'n>(name: &'n str) -> Result<Option<StoredCredential>, Error>;
        fn acquire<'n>(name: &'n str) -> Result<Option<CredentialRight>, Error>;
        fn put<'r, 'p>(right: &'r CredentialRight, payload: &'p [u8]) -> Result<bool, Error>;
        fn release<>(right: CredentialRight) -> Result<(), Error>;
    }
}

#[async_trait]
impl Portions for Slot {
    async fn share(&self, round: u64, asks: &[Ask]) -> Result<Vec<Shared>, Error> {
        self.portions()?.share(round, asks).await
    }

    fn kept_for(&self) -> Duration {
        self.rhythm.map_or(Duration::ZERO, |rhythm| rhythm.kept_for)
    }

    fn period(&self) -> Duration {
        self.rhythm.map_or(Duration::ZERO, |rhythm| rhythm.period)
    }
}
