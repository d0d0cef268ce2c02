//! Connections to WeChat ahead of the first calls.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kabao_api::AccountId;
use kabao_client::Client;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::clients::WeakClients;

/// So many accounts get a connection ahead. The others have their first one with their first call, whose handshake is
/// short: they share names and sessions. A process may have thousands of accounts, most of which are silent.
const ACCOUNTS: usize = 64;

/// A WeChat that is down delays readiness by no more.
const PATIENCE: Duration = Duration::from_secs(3);

/// The connections that were opened ahead. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ahead {
    clients: WeakClients,
    /// The accounts that are waiting for theirs.
    cold: Arc<Mutex<Vec<AccountId>>>,
}

impl Ahead {
    /// Has opened none of these yet.
    pub(crate) fn of(clients: WeakClients) -> Self {
        Self {
            clients,
            cold: Arc::default(),
        }
    }

    /// Connects the first accounts, all at a time; what takes too long goes on without anybody waiting for it.
    pub(crate) async fn connect(&self) {
        let mut clients = self.clients.list();
        clients.truncate(ACCOUNTS);
        let names = clients.iter().map(|client| client.account().clone());
        *self.lock() = names.collect();
        open(clients).await;
        let cold = self.cold();
        if cold > 0 {
            tracing::warn!(
                accounts = cold,
                "connections to WeChat are not open yet; first calls may wait for them"
            );
        }
    }

    /// Returns how many of these accounts are served and have had no connection yet.
    pub(crate) fn cold(&self) -> usize {
        let is_cold = |id: &AccountId| {
            let client = self.clients.get(id);
            client.is_some_and(|client| !client.has_connected())
        };
        let mut cold = self.lock();
        cold.retain(is_cold);
        cold.len()
    }

    /// Every change leaves the list whole.
    fn lock(&self) -> MutexGuard<'_, Vec<AccountId>> {
        self.cold.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn open(clients: Vec<Client>) {
    let mut opening = JoinSet::new();
    for client in clients {
        opening.spawn(async move { client.connect().await });
    }
    let opened = async { while opening.join_next().await.is_some() {} };
    let _ = timeout(PATIENCE, opened).await;
    opening.detach_all();
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    use tokio::time::Instant;

    use super::*;

    fn client(url: &str) -> Client {
        Client::official_account("a")
            .base_url(url)
            .appid("wx0000000000000000")
            .app_secret("0".repeat(32))
            .build()
            .unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_wechat_that_hangs_delays_readiness_by_seconds_at_most() {
        // It accepts and says nothing.
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let begun = Instant::now();
        let client = client(&url);
        open(vec![client.clone()]).await;
        assert!(begun.elapsed() <= PATIENCE + Duration::from_millis(10));
        assert!(!client.has_connected());
    }
}
