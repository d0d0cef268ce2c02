//! The first keys and tokens of accounts, ahead of their first calls.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kabao_api::{AccountId, Error};
use kabao_client::Client;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::abort::AbortOnDrop;

/// How long an account may take to fetch its first keys before a warning says that it has none.
const WARM_UP: Duration = Duration::from_secs(30);

/// How many accounts fetch at a time. Each opens a connection, and a process may have thousands of accounts.
const AT_A_TIME: usize = 32;

/// So many accounts without keys have a warning of their own in one go: a WeChat that cannot be reached fails all.
const SHOWN: usize = 50;

/// First keys and tokens on their way, until this value is dropped.
#[derive(Debug)]
pub(super) struct WarmUps {
    runtime: Handle,
    places: Arc<Semaphore>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    under_way: HashMap<AccountId, Warming>,
    /// How many are adding accounts. Nothing is summed up before all of theirs are under way.
    adding: usize,
    tally: Tally,
}

/// The warm-up of one account, and which one that is: an account that has changed has another one.
#[derive(Debug)]
struct Warming {
    number: u64,
    _task: AbortOnDrop,
}

/// What has come of the warm-ups that ended since this was told.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    with_keys: usize,
    without: usize,
}

impl WarmUps {
    /// Has nothing to do yet.
    pub(super) fn start() -> Self {
        Self {
            runtime: Handle::current(),
            places: Arc::new(Semaphore::new(AT_A_TIME)),
            state: Arc::default(),
        }
    }

    /// Fetches keys and tokens ahead of the first calls, and says in the log what WeChat thinks of the credentials.
    pub(super) fn add(&self, clients: impl IntoIterator<Item = Client>) {
        lock(&self.state).adding += 1;
        for client in clients {
            self.begin(client);
        }
        let mut state = lock(&self.state);
        state.adding -= 1;
        state.tell();
    }

    fn begin(&self, client: Client) {
        let name = client.account().clone();
        let mut state = lock(&self.state);
        let before = state.under_way.get(&name);
        let number = before.map_or(0, |before| before.number + 1);
        let (places, ended) = (Arc::clone(&self.places), Arc::downgrade(&self.state));
        let task = self.runtime.spawn(async move {
            // The semaphore is never closed.
            let _place = places.acquire().await;
            let why = warm_up(&client).await.err();
            if let Some(state) = ended.upgrade() {
                lock(&state).end(client.account(), number, why.as_ref());
            }
        });
        let task = AbortOnDrop(task.abort_handle());
        state.under_way.insert(
            name,
            Warming {
                number,
                _task: task,
            },
        );
    }

    /// Ends it for one account.
    pub(super) fn remove(&self, id: &AccountId) {
        let mut state = lock(&self.state);
        if state.under_way.remove(id).is_some() {
            state.tell();
        }
    }
}

impl State {
    /// Tells what came of one, unless another one has taken its place. What has ended costs nothing any more.
    fn end(&mut self, id: &AccountId, number: u64, why: Option<&NoKeys>) {
        let warming = self.under_way.get(id);
        if warming.is_none_or(|warming| warming.number != number) {
            return;
        }
        self.under_way.remove(id);
        let is_shown = self.tally.count(why.is_none());
        match why {
            None => tracing::debug!(account = %id, "the keys of the account are there"),
            Some(why) => why.tell(id, is_shown),
        }
        self.tell();
    }

    /// Sums up once all have ended.
    fn tell(&mut self) {
        if self.adding == 0 && self.under_way.is_empty() {
            let Tally { with_keys, without } = mem::take(&mut self.tally);
            if with_keys + without > 0 {
                tracing::info!(accounts = with_keys, without, "keys are there");
            }
        }
    }
}

impl Tally {
    /// Returns whether this one is told beside the sum, if it has no keys.
    fn count(&mut self, has_keys: bool) -> bool {
        match has_keys {
            true => self.with_keys += 1,
            false => self.without += 1,
        }
        self.without <= SHOWN
    }
}

/// Why an account has no keys yet.
enum NoKeys {
    Refused(Error),
    Late,
}

impl NoKeys {
    fn tell(&self, id: &AccountId, is_shown: bool) {
        let (reason, why) = match self {
            Self::Refused(error) => (Some(error.reason().as_str()), error.message()),
            Self::Late => (None, "WeChat did not answer in time"),
        };
        match is_shown {
            true => tracing::warn!(account = %id, reason, "the account has no keys yet: {why}"),
            false => tracing::debug!(account = %id, reason, "the account has no keys yet: {why}"),
        }
    }
}

async fn warm_up(client: &Client) -> Result<(), NoKeys> {
    match tokio::time::timeout(WARM_UP, client.warm_up()).await {
        Ok(warm) => warm.map_err(NoKeys::Refused),
        Err(_) => Err(NoKeys::Late),
    }
}

/// Every change leaves it whole.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
