//! Connections to WeChat ahead of the first calls.

use std::time::Duration;

use kabao_client::Client;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// So many accounts get a connection ahead. The others have their first one with their first call, whose handshake is
/// short: they share names and sessions. A process may have thousands of accounts, most of which are silent.
const ACCOUNTS: usize = 64;

/// A WeChat that is down delays readiness by no more.
const PATIENCE: Duration = Duration::from_secs(3);

/// Connects these, all at a time; what takes too long goes on without anybody waiting for it.
pub(crate) async fn connect_ahead(clients: Vec<Client>) {
    let number = clients.len();
    let mut opening = JoinSet::new();
    for client in clients.into_iter().take(ACCOUNTS) {
        opening.spawn(async move { client.connect().await });
    }
    let opened = async { while opening.join_next().await.is_some() {} };
    let is_late = timeout(PATIENCE, opened).await.is_err();
    if is_late {
        tracing::warn!(
            accounts = number,
            "connections to WeChat are not open yet; first calls may wait for them"
        );
    }
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
        connect_ahead(vec![client(&url)]).await;
        assert!(begun.elapsed() <= PATIENCE + Duration::from_millis(10));
    }
}
