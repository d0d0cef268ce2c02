//! The door: opens what the settings name.

use std::fmt;
use std::sync::Arc;

use kabao_api::CredentialStore;
use kabao_api::portions::Portions;
use kabao_journal::{ChangeStore, Leases, StoreError};

use crate::lent::Lent;
use crate::observer::{Silent, StoreObserver};
use crate::settings::StoreSettings;
use crate::vitals::{Look, StoreVitals};
use crate::{postgres, sqlite};

/// An open store.
#[derive(Clone)]
pub struct Store {
    changes: Arc<dyn ChangeStore>,
    leases: Arc<dyn Leases>,
    credentials: Arc<dyn CredentialStore>,
    portions: Option<Arc<dyn Portions>>,
    warnings: Vec<String>,
    vitals: Look,
}

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
        match settings.clone() {
            StoreSettings::Embedded(settings) => {
                let opened = sqlite::open(settings.file.clone(), settings, observer).await?;
                Ok(Self {
                    changes: Arc::new(opened.changes),
                    leases: opened.leases,
                    credentials: Arc::new(opened.credentials),
                    portions: None,
                    warnings: opened.warnings,
                    vitals: opened.vitals,
                })
            }
            StoreSettings::Postgres(settings) => {
                let opened = postgres::open(settings, observer).await?;
                Ok(Self {
                    changes: Arc::new(opened.changes),
                    leases: opened.leases,
                    credentials: Arc::new(opened.credentials),
                    portions: Some(opened.portions),
                    warnings: opened.warnings,
                    vitals: opened.vitals,
                })
            }
        }
    }

    /// Returns where changes are kept.
    pub fn changes(&self) -> Arc<dyn ChangeStore> {
        Arc::clone(&self.changes)
    }

    /// Returns who may change what.
    pub fn leases(&self) -> Arc<dyn Leases> {
        Arc::clone(&self.leases)
    }

    /// Returns where credentials are kept that WeChat hands out.
    pub fn credentials(&self) -> Arc<dyn CredentialStore> {
        Arc::clone(&self.credentials)
    }

    /// The same for clients, which may outlive the store: it fails once everything else that came from the store is
    /// dropped, and keeps no file open.
    pub fn lent_credentials(&self) -> Arc<dyn CredentialStore> {
        Lent::of(&self.credentials)
    }

    /// Returns how processes that share the store share limits of calls; `None` if no other process can.
    pub fn portions(&self) -> Option<Arc<dyn Portions>> {
        self.portions.clone()
    }

    /// Looks how the store is at the moment; that costs a few calls of the system.
    pub fn vitals(&self) -> StoreVitals {
        (self.vitals)()
    }

    /// Returns what an operator should be told: keys that others can read, a store that was lost.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("replica", &self.leases.replica())
            .field("warnings", &self.warnings)
            .finish_non_exhaustive()
    }
}
