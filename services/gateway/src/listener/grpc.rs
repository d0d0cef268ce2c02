//! The accept loop of the gRPC port.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kabao_grpc::Peer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use super::GrpcService;
use super::connection::Shared;
use crate::config::GrpcSettings;
use crate::lifecycle::Watch;

/// How long to wait when the system has no more file descriptors: trying again at once would spin.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// A running gRPC listener; dropping it closes the port and cuts every connection.
#[derive(Debug)]
pub(crate) struct Grpc {
    address: SocketAddr,
    accepting: JoinHandle<JoinSet<()>>,
}

impl Drop for Grpc {
    fn drop(&mut self) {
        // The connections belong to the accept loop and end with it.
        self.accepting.abort();
    }
}

impl Grpc {
    /// Starts to accept connections.
    pub(crate) fn start<S: GrpcService + Sync>(
        listener: TcpListener,
        service: S,
        settings: &GrpcSettings,
        watch: Watch,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(service, settings));
        let permits = usize::try_from(settings.limits.max_connections).unwrap_or(usize::MAX);
        let permits = Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS)));
        let accepting = tokio::spawn(accept(listener, shared, permits, watch));
        Ok(Self { address, accepting })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until every connection has ended, at most for `deadline`, and cuts what is left.
    ///
    /// Call it once the stage is `Draining`. Returns how many connections were cut.
    pub(crate) async fn drained(mut self, deadline: Duration) -> usize {
        let mut connections = match (&mut self.accepting).await {
            Ok(connections) => connections,
            Err(error) => {
                tracing::error!(%error, "the accept loop failed");
                return 0;
            }
        };
        let all_ended = async {
            while let Some(ended) = connections.join_next().await {
                report(ended);
            }
        };
        if timeout(deadline, all_ended).await.is_ok() {
            return 0;
        }
        let cut = connections.len();
        connections.shutdown().await;
        cut
    }
}

async fn accept<S: GrpcService + Sync>(
    listener: TcpListener,
    shared: Arc<Shared<S>>,
    permits: Arc<Semaphore>,
    mut watch: Watch,
) -> JoinSet<()> {
    let mut connections = JoinSet::new();
    let mut number: u64 = 0;
    let stage = watch.clone();
    let mut draining = std::pin::pin!(watch.draining());
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut draining => return connections,
            Some(ended) = connections.join_next(), if !connections.is_empty() => {
                report(ended);
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        let Some((stream, address)) = judge(accepted).await else {
            continue;
        };
        let Ok(permit) = Arc::clone(&permits).try_acquire_owned() else {
            tracing::warn!("a connection above grpc.limits.max_connections was closed");
            continue;
        };
        number = number.wrapping_add(1);
        let peer = Peer {
            connection: number,
            caller: address.ip().into(),
        };
        connections.spawn(Arc::clone(&shared).serve(stream, peer, stage.clone(), permit));
    }
}

/// Passes a connection on; tells a broken one from a system that has run out of something.
async fn judge(accepted: io::Result<(TcpStream, SocketAddr)>) -> Option<(TcpStream, SocketAddr)> {
    match accepted {
        Ok(accepted) => Some(accepted),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
            ) =>
        {
            None
        }
        Err(error) => {
            tracing::error!(%error, "cannot accept connections");
            sleep(EXHAUSTED).await;
            None
        }
    }
}

fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!("a connection panicked; only that connection is gone");
    }
}
