//! Two gateways over one database, in processes of their own.

use std::io;
use std::path::Path;
use std::time::Duration;

use kabao_sandbox::Running;
use kabao_store::testing::PostgresServer;

use super::gateway::Gateway;

/// Two gateways and the server of their database.
pub(super) struct Shared {
    pub(super) gateways: [Gateway; 2],
    pub(super) server: PostgresServer,
}

impl Shared {
    /// Longer than it takes until the other gateway has taken over: the patience below, two periods of a heartbeat,
    /// and one of the reconciler.
    pub(super) const TAKEOVER: Duration = Duration::from_secs(5);

    /// Starts them with the demo accounts of the sandbox.
    pub(super) async fn start(
        executable: &Path,
        folder: &Path,
        sandbox: &Running,
    ) -> io::Result<Self> {
        let server = PostgresServer::start()?;
        let store = format!(
            "[store]\nurl = {:?}\nkey_file = {:?}\ntakeover_after = \"3s\"\n",
            server.database().await?,
            folder.join("store.key")
        );
        let start = |name: &str| {
            let folder = folder.join(name);
            let store = store.clone();
            async move { Gateway::start(executable, &folder, sandbox, &store).await }
        };
        Ok(Self {
            gateways: [start("first").await?, start("second").await?],
            server,
        })
    }
}
