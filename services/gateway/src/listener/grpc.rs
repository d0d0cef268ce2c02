//! The accept loop of the gRPC port.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kabao_grpc::{Bounds, Peer, Pool};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use super::connection::{ConnectionOptions, Shared};
use super::refusals::Refusals;
use super::service::GrpcService;
use super::settings::Limits;
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
        options: ConnectionOptions,
        watch: Watch,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let door = Door {
            listener,
            connections: Pool::new(bounds(&options.limits)),
            refusals: Refusals::new(options.metrics.clone()),
            shared: Arc::new(Shared::new(service, options)),
        };
        let accepting = tokio::spawn(door.accept(watch));
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

/// What the accept loop works with.
struct Door<S> {
    listener: TcpListener,
    shared: Arc<Shared<S>>,
    connections: Pool,
    refusals: Refusals,
}

impl<S: GrpcService + Sync> Door<S> {
    async fn accept(mut self, mut watch: Watch) -> JoinSet<()> {
        let mut connections = JoinSet::new();
        let mut number: u64 = 0;
        let stage = watch.clone();
        let mut draining = std::pin::pin!(watch.draining());
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut draining => return connections,
                () = self.refusals.due() => {
                    self.refusals.tell();
                    continue;
                }
                Some(ended) = connections.join_next(), if !connections.is_empty() => {
                    report(ended);
                    continue;
                }
                accepted = self.listener.accept() => accepted,
            };
            let Some((stream, address)) = judge(accepted).await else {
                continue;
            };
            number = number.wrapping_add(1);
            let peer = Peer {
                connection: number,
                caller: address.ip().into(),
            };
            match self.connections.take(Some(peer)) {
                Ok(place) => {
                    let shared = Arc::clone(&self.shared);
                    connections.spawn(shared.serve(stream, peer, stage.clone(), place));
                }
                Err(bound) => self.refusals.refused(bound, address),
            }
        }
    }
}

/// Connections in all, and of one caller.
fn bounds(limits: &Limits) -> Bounds {
    let places = |number| usize::try_from(number).unwrap_or(usize::MAX);
    Bounds {
        total: places(limits.max_connections),
        per_connection: 1,
        per_caller: places(limits.max_connections_per_address),
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
