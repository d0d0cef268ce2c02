//! The door: opens what the settings name.

use std::fmt;
use std::sync::Arc;

use kabao_api::CredentialStore;
use kabao_api::portions::Portions;
use kabao_journal::{ChangeStore, Leases, StoreError};

use crate::lent::Lent;
use crate::observer::{Silent, StoreObserver};
use crate::opening::Opening;
use crate::settings::StoreSettings;
use crate::slot::Slot;
use crate::unopened::Unopened;
use crate::vitals::StoreVitals;

/// A store. Clones are the same.
#[derive(Clone)]
pub struct Store(Arc<Slot>);

impl Store {
    /// Opens a store, and makes it if it is not there yet.
    ///
    /// A file belongs to one process until the last value that came from it is dropped; a database may be shared.
    ///
    /// # Errors
    /// What is wrong and how to repair it: used by another process, damaged, not reachable, written by a later
    /// version, sealed with other keys.
    pub async fn open(settings: &StoreSettings) -> Result<Self, StoreError> {
        Self::open_observed(settings, Arc::new(Silent)).await
    }

    /// The same, and tells an observer how the store works.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub async fn open_observed(
        settings: &StoreSettings,
        observer: Arc<dyn StoreObserver>,
    ) -> Result<Self, StoreError> {
        let settings = settings.clone();
        let opening = Opening { settings, observer };
        let slot = opening.slot();
        slot.fill(opening.open().await.map_err(Unopened::into_error)?);
        Ok(Self(Arc::new(slot)))
    }

    /// The same for a process that has something to do without its store as well: what may pass by itself, or can be
    /// mended beside it, does not keep it from its start, and nothing keeps it for more than ten seconds.
    ///
    /// Then the store is tried again in the background, after a second first and every 30 seconds at last. Until
    /// it [opens](Self::opened), it refuses whatever it is asked for, and its [vitals](Self::vitals) say that it takes no
    /// changes. The log tells why.
    ///
    /// # Errors
    /// What stays wrong for certain until this process is started otherwise: key files that are missing, not readable or of
    /// another store, a folder that it may not write to, a store that another process has, or one that this program does
    /// not know.
    pub async fn start(
        settings: &StoreSettings,
        observer: Arc<dyn StoreObserver>,
    ) -> Result<Self, StoreError> {
        let settings = settings.clone();
        let opening = Opening { settings, observer };
        let slot = Arc::new(opening.slot());
        opening.begin(&slot).await?;
        Ok(Self(slot))
    }

    /// Tells whether the store is open. It may not take changes all the same, as its [vitals](Self::vitals) tell.
    pub fn is_open(&self) -> bool {
        self.0.get().is_some()
    }

    /// Waits until the store is open, which it then stays.
    pub async fn opened(&self) {
        self.0.wait().await;
    }

    /// Returns where changes are kept.
    pub fn changes(&self) -> Arc<dyn ChangeStore> {
        Arc::<Slot>::clone(&self.0)
    }

    /// Returns who may change what.
    pub fn leases(&self) -> Arc<dyn Leases> {
        Arc::<Slot>::clone(&self.0)
    }

    /// Returns where credentials are kept that WeChat hands out.
    pub fn credentials(&self) -> Arc<dyn CredentialStore> {
        Arc::<Slot>::clone(&self.0)
    }

    /// The same for clients, which may outlive the store: it fails once everything else that came from the store is
    /// dropped, and keeps no file open.
    pub fn lent_credentials(&self) -> Arc<dyn CredentialStore> {
        Lent::of(&self.credentials())
    }

    /// Returns how processes that share the store share limits of calls; `None` if no other process can.
    pub fn portions(&self) -> Option<Arc<dyn Portions>> {
        let is_shared = self.0.is_shared();
        is_shared.then(|| -> Arc<dyn Portions> { Arc::<Slot>::clone(&self.0) })
    }

    /// Looks how the store is at the moment; that costs a few calls of the system.
    pub fn vitals(&self) -> StoreVitals {
        self.0.vitals()
    }

    /// Returns what an operator should be told: keys that others can read, a store that was lost. The log has it where
    /// the store has opened later.
    pub fn warnings(&self) -> &[String] {
        self.0.get().map_or(&[], |opened| &opened.warnings)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field(
                "replica",
                &self.0.get().map(|opened| opened.leases.replica()),
            )
            .field("warnings", &self.warnings())
            .finish_non_exhaustive()
    }
}
