//! From configured accounts to callable ones.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use kabao_api::{AccountId, Accounts, Error};
use kabao_client::{Client, Observer};
use tokio::runtime::Handle;

use crate::abort::AbortOnDrop;
use crate::config::AccountSettings;
use crate::memory::Memory;

/// The accounts that callers reach, while they are reached. Clones share them.
#[derive(Clone)]
pub struct Roster {
    accounts: Accounts,
    clients: Arc<Clients>,
    warm_ups: Arc<WarmUps>,
    observer: Arc<dyn Observer>,
    memory: Option<Memory>,
}

impl Roster {
    /// Serves all of these, in the present runtime; `observer` hears of what happens to their calls,
    /// and `memory` remembers their changes.
    ///
    /// # Errors
    ///
    /// `ALREADY_EXISTS` if two accounts have one id.
    pub(crate) fn start(
        settings: &[AccountSettings],
        observer: Arc<dyn Observer>,
        memory: Option<Memory>,
    ) -> Result<Self, Error> {
        let roster = Self {
            accounts: Accounts::new(),
            clients: Arc::default(),
            warm_ups: Arc::new(WarmUps::start()),
            observer,
            memory,
        };
        for account in settings {
            roster.add(account.clone())?;
        }
        Ok(roster)
    }

    /// What the facade looks accounts up in.
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// The clients of the accounts, for whoever watches them.
    pub(crate) fn clients(&self) -> WeakClients {
        WeakClients(Arc::downgrade(&self.clients))
    }

    /// Serves one more account; the next call finds it.
    ///
    /// # Errors
    ///
    /// `ALREADY_EXISTS` if there is one of that id.
    pub fn add(&self, account: AccountSettings) -> Result<(), Error> {
        let client = account.client;
        client.observe(Arc::clone(&self.observer));
        let account = match &self.memory {
            Some(memory) => memory.account(&client),
            None => client.clone().into_account(),
        };
        self.accounts.insert(account)?;
        self.clients
            .lock()
            .insert(client.account().clone(), client.clone());
        self.warm_ups.add(client);
        Ok(())
    }

    /// Serves an account no longer; calls in flight end as they would have. Returns whether there was one.
    pub fn remove(&self, id: &AccountId) -> bool {
        self.warm_ups.remove(id);
        self.clients.lock().remove(id);
        self.accounts.remove(id)
    }
}

impl fmt::Debug for Roster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Roster").field(&self.accounts).finish()
    }
}

/// The clients by account.
#[derive(Debug, Default)]
struct Clients(Mutex<BTreeMap<AccountId, Client>>);

impl Clients {
    /// Every change leaves the map whole.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<AccountId, Client>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The clients as long as they are served. It keeps nobody alive: clients hold whoever observes them.
#[derive(Clone, Debug, Default)]
pub(crate) struct WeakClients(Weak<Clients>);

impl WeakClients {
    /// Those there are now, in the order of their names.
    pub(crate) fn list(&self) -> Vec<Client> {
        match self.0.upgrade() {
            Some(clients) => clients.lock().values().cloned().collect(),
            None => Vec::new(),
        }
    }
}

/// How long an account may take to fetch its first keys before a warning says that it has none.
const WARM_UP: Duration = Duration::from_secs(30);

/// First keys and tokens on their way, until this value is dropped.
#[derive(Debug)]
struct WarmUps {
    runtime: Handle,
    tasks: Mutex<HashMap<AccountId, AbortOnDrop>>,
}

impl WarmUps {
    /// Has nothing to do yet.
    fn start() -> Self {
        Self {
            runtime: Handle::current(),
            tasks: Mutex::default(),
        }
    }

    /// Fetches keys and tokens ahead of the first call, and says in the log what WeChat thinks of the credentials.
    fn add(&self, client: Client) {
        let name = client.account().clone();
        let task = self.runtime.spawn(async move {
            let id = client.account();
            match tokio::time::timeout(WARM_UP, client.warm_up()).await {
                Ok(Ok(())) => tracing::info!(account = %id, "keys are there"),
                Ok(Err(error)) => tracing::warn!(
                    account = %id,
                    reason = error.reason().as_str(),
                    "the account has no keys yet: {}",
                    error.message()
                ),
                Err(_) => tracing::warn!(account = %id, "WeChat did not answer in time; the account has no keys yet"),
            }
        });
        self.lock().insert(name, AbortOnDrop(task.abort_handle()));
    }

    /// Ends it for one account.
    fn remove(&self, id: &AccountId) {
        self.lock().remove(id);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, AbortOnDrop>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
