//! One gRPC connection, from the accepted socket to its end.

use std::collections::hash_map::RandomState;
use std::convert::Infallible;
use std::hash::BuildHasher;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use kabao_grpc::{Peer, Place};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

use super::complaints::Complaints;
use super::evictions::{Cause, Evictions};
use super::guarded::Guarded;
use super::preface::{self, Prefaced};
use super::service::GrpcService;
use super::settings::{Limits, Timeouts};
use super::streams::{Pieces, Streams};
use super::together::{Pace, Together};
use super::trust::{Standing, Trust};
use crate::clock;
use crate::lifecycle::Watch;
use crate::telemetry::Metrics;
use crate::tls::{self, Tls};

/// Plain or TLS. One type, so that HTTP/2 over it is compiled once.
type Stream = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// Bytes of an answer that HTTP/2 takes over before the socket does.
const SEND_BUFFER: usize = 64 * 1024;

/// How connections are served.
pub(crate) struct ConnectionOptions {
    pub(crate) limits: Limits,
    pub(crate) timeouts: Timeouts,
    /// Plain text without it.
    pub(crate) tls: Option<Arc<Tls>>,
    /// Where they are counted.
    pub(crate) metrics: Metrics,
}

/// What all connections of a listener share.
pub(super) struct Shared<S> {
    service: S,
    tls: Option<Arc<Tls>>,
    timeouts: Timeouts,
    limits: Limits,
    jitter: RandomState,
    handshakes: Complaints,
    evictions: Arc<Evictions>,
    metrics: Metrics,
}

/// A connection over which the caller speaks HTTP/2.
struct Opened {
    stream: Guarded<Prefaced<Stream>>,
    /// Of the client certificate, if one was shown.
    trust: Option<(Trust, Standing)>,
    caller: Option<SocketAddr>,
}

impl<S: GrpcService> Shared<S> {
    pub(super) fn new(service: S, options: ConnectionOptions) -> Self {
        let ConnectionOptions {
            limits,
            timeouts,
            tls,
            metrics,
        } = options;
        Self {
            service,
            tls,
            timeouts,
            limits,
            jitter: RandomState::new(),
            handshakes: Complaints::new("TLS handshake with a caller failed"),
            evictions: Arc::new(Evictions::new(metrics.clone())),
            metrics,
        }
    }

    /// Serves the connection of `peer` until it ends or the process drains, and holds its `place`.
    pub(super) async fn serve(
        self: Arc<Self>,
        stream: TcpStream,
        peer: Peer,
        mut watch: Watch,
        place: Place,
    ) {
        let _place = place;
        let _open = self.metrics.connection_opened();
        let age = jittered(
            self.timeouts.max_connection_age,
            self.jitter.hash_one(peer.connection),
        );
        let ends = Instant::now() + age;
        // In boxes of their own: connections idle for hours, and what opening one takes is given back.
        let opened = Box::pin(self.open(stream));
        let opened = tokio::select! {
            opened = opened => opened,
            // Nothing was asked yet, so nothing is lost.
            () = watch.draining() => return,
        };
        let Some(Opened {
            stream,
            trust,
            caller,
        }) = opened
        else {
            return;
        };
        let (mut trust, standing) = trust.unzip();
        let service = self.service.clone();
        let pace = Pace::default();
        let stream = Together::new(stream, pace.clone());
        let calls = pace.clone();
        let service = hyper::service::service_fn(move |mut request: http::Request<Incoming>| {
            calls.called();
            request.extensions_mut().insert(peer);
            if let Some(standing) = &standing {
                request.extensions_mut().insert(standing.certified());
            }
            // A fresh clone per call: the service is always ready.
            let answer = service.clone().call(request);
            if answer.is_answered() {
                calls.answered();
            }
            async move { Ok::<_, Infallible>(answer.await?.map(Pieces::new)) }
        });
        let http2 = self.http2(pace.clone());
        let mut connection = Box::pin(http2.serve_connection(TokioIo::new(stream), service));
        // When what is left is cut. While the process drains, the listener aborts us.
        let mut end = None;
        let mut drains = false;
        loop {
            let turn = std::future::poll_fn(|cx| {
                pace.turn();
                connection.as_mut().poll(cx)
            });
            tokio::select! {
                result = turn => return ended(result),
                () = watch.draining(), if !drains => drains = true,
                () = sleep_until(ends), if end.is_none() && !drains => {
                    end = Some(self.patience());
                }
                kind = lost(&mut trust) => {
                    self.evictions.evicted(caller, Cause::Distrust(kind));
                    end = end.or(Some(self.patience()));
                }
                () = reached(end) => {
                    tracing::debug!("a connection that was asked to end was cut");
                    return;
                }
            }
            // Asking twice is asking once.
            connection.as_mut().graceful_shutdown();
        }
    }

    fn http2(&self, pace: Pace) -> http2::Builder<Streams> {
        http2_builder(&self.limits, &self.timeouts, pace)
    }

    /// Until when a connection that was asked to end may go on.
    fn patience(&self) -> Instant {
        Instant::now() + self.timeouts.max_connection_age_grace
    }

    /// Goes on until the caller speaks HTTP/2; nothing if it does not come to that.
    async fn open(&self, stream: TcpStream) -> Option<Opened> {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY");
        }
        let caller = stream.peer_addr().ok();
        let mut trust = None;
        let stream = match &self.tls {
            None => Stream::Left(stream),
            Some(tls) => {
                // From here on nothing that changes is overlooked.
                let mut current = tls.subscribe();
                let server = Arc::clone(&current.borrow_and_update().server);
                let accepted = TlsAcceptor::from(server).accept(stream);
                match timeout(self.timeouts.handshake, accepted).await {
                    Ok(Ok(stream)) => {
                        let shown = stream.get_ref().1.peer_certificates();
                        let now = clock::unix_seconds();
                        trust = Trust::new(current, shown.unwrap_or_default(), now);
                        Stream::Right(Box::new(stream))
                    }
                    Ok(Err(error)) => {
                        self.metrics
                            .handshake_failed(tls::kind_of_handshake(&error));
                        self.handshakes.add(caller, &error);
                        return None;
                    }
                    Err(_) => {
                        self.metrics.handshake_failed("tls_timeout");
                        self.handshakes.add(caller, &"it took too long");
                        return None;
                    }
                }
            }
        };
        match timeout(self.timeouts.preface, preface::expect(stream)).await {
            Ok(Ok(stream)) => {
                let evictions = Arc::clone(&self.evictions);
                let stream = Guarded::new(stream, caller, self.timeouts.stall, evictions);
                return Some(Opened {
                    stream,
                    trust,
                    caller,
                });
            }
            Ok(Err(error)) => {
                self.metrics.handshake_failed("preface");
                tracing::debug!(%error, "no HTTP/2 preface");
            }
            Err(_) => {
                self.metrics.handshake_failed("preface_timeout");
                tracing::debug!("the HTTP/2 preface took too long");
            }
        }
        None
    }
}

/// Waits until the certificate of a connection is not taken any more; for ever if it has none.
async fn lost(trust: &mut Option<Trust>) -> &'static str {
    match trust {
        Some(trust) => trust.lost().await,
        None => std::future::pending().await,
    }
}

async fn reached(end: Option<Instant>) {
    match end {
        Some(end) => sleep_until(end).await,
        None => std::future::pending().await,
    }
}

fn ended(result: hyper::Result<()>) {
    if let Err(error) = result {
        tracing::debug!(%error, "connection ended");
    }
}

fn http2_builder(limits: &Limits, timeouts: &Timeouts, pace: Pace) -> http2::Builder<Streams> {
    let mut builder = http2::Builder::new(Streams::new(timeouts.stall, pace));
    builder
        .timer(TokioTimer::new())
        // No client of gRPC looks at it.
        .auto_date_header(false)
        .max_concurrent_streams(limits.max_concurrent_streams)
        .max_header_list_size(limits.max_header_list_size)
        .max_send_buf_size(SEND_BUFFER)
        .keep_alive_interval(timeouts.keepalive_interval)
        .keep_alive_timeout(timeouts.keepalive_timeout);
    builder
}

/// Varies `age` by up to a tenth either way, so that connections that were opened together do not end together.
fn jittered(age: Duration, random: u64) -> Duration {
    let permille = u32::try_from(random % 201).unwrap_or(100);
    age / 1000 * (900 + permille)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_vary_by_a_tenth_at_most() {
        let age = Duration::from_secs(1000);
        assert_eq!(jittered(age, 0), Duration::from_secs(900));
        assert_eq!(jittered(age, 100), age);
        assert_eq!(jittered(age, 200), Duration::from_secs(1100));
        assert_eq!(jittered(age, 201), Duration::from_secs(900));
    }
}
