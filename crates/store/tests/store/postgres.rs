//! The shared store, on a server of its own.

mod answers;
mod conformance;
mod credentials;
mod late;
mod observed;
mod portions;
mod proxy;
mod sealed;
mod start;
mod takeover;
mod tls;
mod upkeep;

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use kabao_store::testing::PostgresServer;
use kabao_store::{DatabaseUrl, PostgresSettings};

use crate::directory::Directory;

/// One server for all tests; each has a database.
fn server() -> &'static PostgresServer {
    static SERVER: OnceLock<PostgresServer> = OnceLock::new();
    SERVER.get_or_init(|| PostgresServer::start().unwrap())
}

/// A database, and a folder for the keys.
pub(crate) struct Database {
    pub(crate) url: String,
    pub(crate) directory: Directory,
}

impl Database {
    pub(crate) async fn new() -> Self {
        Self::of(server()).await
    }

    pub(crate) async fn of(server: &PostgresServer) -> Self {
        Self {
            url: server.database().await.unwrap(),
            directory: Directory::new(),
        }
    }

    /// Replicas that nobody takes for dead, however little of the processors they get.
    pub(crate) fn settings(&self) -> PostgresSettings {
        let url = DatabaseUrl::parse(&self.url, Path::new("")).unwrap();
        let key_file = self.directory.path().join("store.key");
        let mut settings = PostgresSettings::new(url, key_file);
        settings.takeover_after = Duration::from_secs(360);
        settings
    }

    /// Replicas that are taken for dead soon.
    pub(crate) fn impatient(&self) -> PostgresSettings {
        let mut settings = self.settings();
        settings.takeover_after = Duration::from_millis(1_500);
        settings
    }
}
