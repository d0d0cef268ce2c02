//! The clients of the accounts that are served, for whoever changes them and whoever watches them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use kabao_api::AccountId;
use kabao_client::Client;

/// The clients by account. Whoever replaces the generation holds the lock.
#[derive(Debug, Default)]
pub(crate) struct Clients(Mutex<BTreeMap<AccountId, Client>>);

impl Clients {
    /// Every change leaves the map whole.
    pub(crate) fn lock(&self) -> MutexGuard<'_, BTreeMap<AccountId, Client>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The clients as long as they are served. It keeps nobody alive: clients hold whoever observes them.
#[derive(Clone, Debug, Default)]
pub(crate) struct WeakClients(Weak<Clients>);

impl WeakClients {
    pub(crate) fn of(clients: &Arc<Clients>) -> Self {
        Self(Arc::downgrade(clients))
    }

    /// The one of an account, if it is served now.
    pub(crate) fn get(&self, id: &AccountId) -> Option<Client> {
        self.0.upgrade()?.lock().get(id).cloned()
    }

    /// Those there are now, in the order of their names.
    pub(crate) fn list(&self) -> Vec<Client> {
        match self.0.upgrade() {
            Some(clients) => clients.lock().values().cloned().collect(),
            None => Vec::new(),
        }
    }
}
