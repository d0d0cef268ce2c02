//! The first keys and tokens of accounts, ahead of their first calls.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kabao_api::AccountId;
use kabao_client::Client;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::abort::AbortOnDrop;

/// How long an account may take to fetch its first keys before a warning says that it has none.
const WARM_UP: Duration = Duration::from_secs(30);

/// How many accounts fetch at a time. Each opens a connection, and a process may have thousands of accounts.
const AT_A_TIME: usize = 32;

/// First keys and tokens on their way, until this value is dropped.
#[derive(Debug)]
pub(super) struct WarmUps {
    runtime: Handle,
    places: Arc<Semaphore>,
    tasks: Arc<Mutex<HashMap<AccountId, Warming>>>,
}

/// The warm-up of one account, and which one that is: an account that has changed has another one.
#[derive(Debug)]
struct Warming {
    number: u64,
    _task: AbortOnDrop,
}

impl WarmUps {
    /// Has nothing to do yet.
    pub(super) fn start() -> Self {
        Self {
            runtime: Handle::current(),
            places: Arc::new(Semaphore::new(AT_A_TIME)),
            tasks: Arc::default(),
        }
    }

    /// Fetches keys and tokens ahead of the first call, and says in the log what WeChat thinks of the credentials.
    pub(super) fn add(&self, client: Client) {
        let name = client.account().clone();
        let mut tasks = lock(&self.tasks);
        let number = tasks.get(&name).map_or(0, |before| before.number + 1);
        let (places, ended) = (Arc::clone(&self.places), Arc::downgrade(&self.tasks));
        let task = self.runtime.spawn(async move {
            // The semaphore is never closed.
            let _place = places.acquire().await;
            warm_up(&client).await;
            // What has ended costs nothing any more.
            if let Some(tasks) = ended.upgrade() {
                let mut tasks = lock(&tasks);
                let id = client.account();
                if tasks
                    .get(id)
                    .is_some_and(|warming| warming.number == number)
                {
                    tasks.remove(id);
                }
            }
        });
        let task = AbortOnDrop(task.abort_handle());
        tasks.insert(
            name,
            Warming {
                number,
                _task: task,
            },
        );
    }

    /// Ends it for one account.
    pub(super) fn remove(&self, id: &AccountId) {
        lock(&self.tasks).remove(id);
    }
}

async fn warm_up(client: &Client) {
    let id = client.account();
    match tokio::time::timeout(WARM_UP, client.warm_up()).await {
        Ok(Ok(())) => tracing::info!(account = %id, "keys are there"),
        Ok(Err(error)) => tracing::warn!(
            account = %id,
            reason = error.reason().as_str(),
            "the account has no keys yet: {}",
            error.message()
        ),
        Err(_) => {
            tracing::warn!(account = %id, "WeChat did not answer in time; the account has no keys yet");
        }
    }
}

/// Every change leaves the map whole.
fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
