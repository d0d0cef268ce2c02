//! A way to the server on which answers get lost.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use kabao_store::testing::PostgresServer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

const SOCKET: &str = ".s.PGSQL.5432";

/// What happens on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Open,
    /// Nobody gets through, and whoever is through is cut off.
    Closed,
    /// Nothing arrives any more, on either side.
    Stuck,
    /// What holds these bytes arrives, and the connection ends before its answer does.
    AnswerLost(&'static [u8]),
}

/// A socket in a folder of its own, which leads to that of a server.
pub(super) struct Proxy {
    folder: PathBuf,
    way: watch::Sender<Way>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    pub(super) fn new(server: &PostgresServer) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("kabao-proxy-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).unwrap();
        let listener = UnixListener::bind(folder.join(SOCKET)).unwrap();
        let (way, seen) = watch::channel(Way::Open);
        let target = server.folder().join(SOCKET);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(lead(client, target.clone(), seen.clone()));
            }
        });
        Self {
            folder,
            way,
            accepting,
        }
    }

    /// The URL of a database on this way.
    pub(super) fn url(&self, server: &PostgresServer, url: &str) -> String {
        let (from, to) = (server.folder().display(), self.folder.display());
        url.replace(&from.to_string(), &to.to_string())
    }

    pub(super) fn set(&self, way: Way) {
        self.way.send_replace(way);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

async fn lead(mut client: UnixStream, target: PathBuf, mut way: watch::Receiver<Way>) {
    let Ok(mut server) = UnixStream::connect(target).await else {
        return;
    };
    let (mut asked, mut answered) = (vec![0; 65_536], vec![0; 65_536]);
    let mut is_lost = false;
    loop {
        let now = *way.borrow_and_update();
        if now == Way::Closed {
            return;
        }
        let is_open = now != Way::Stuck;
        let goes_on = tokio::select! {
            count = client.read(&mut asked), if is_open => {
                let bytes = asked.get(..count.unwrap_or(0)).unwrap_or_default();
                if let Way::AnswerLost(marker) = now {
                    is_lost |= bytes.windows(marker.len()).any(|window| window == marker);
                }
                !bytes.is_empty() && server.write_all(bytes).await.is_ok()
            }
            count = server.read(&mut answered), if is_open => {
                let bytes = answered.get(..count.unwrap_or(0)).unwrap_or_default();
                !bytes.is_empty() && !is_lost && client.write_all(bytes).await.is_ok()
            }
            changed = way.changed() => changed.is_ok(),
        };
        if !goes_on {
            return;
        }
    }
}
