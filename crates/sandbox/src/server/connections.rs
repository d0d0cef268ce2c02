//! The accept loop and its connections.

use std::convert::Infallible;
use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

use super::AnswerBody;
use super::Outcome;
use crate::exchange::Received;
use crate::trail::Trail;

/// Plain or TLS. One type, so that HTTP over it is compiled once.
type Stream = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// Connections served at once; further ones wait in the backlog.
const CONNECTIONS: usize = 1_024;
/// How long a request head may take. hyper counts the idle time of a kept-alive connection too, so
/// this is also when an idle connection closes; answers announce it.
const HEAD_TIMEOUT: Duration = Duration::from_secs(8);
/// How long a request body may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a TLS handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long open requests may take when the sandbox stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(3);
/// Limits of a request head.
const HEADERS: usize = 100;
const HEAD_BYTES: usize = 64 * 1024;

/// Answers the requests of one listener.
pub(crate) trait Service: Send + Sync + 'static {
    /// Returns the largest body that is read.
    fn max_body_bytes(&self) -> usize;

    /// Answers one request.
    fn answer(&self, received: &Received) -> Outcome;

    /// Notes a request whose body was not read, and the status that it gets.
    fn unread(&self, received: &Received, status: u16);
}

/// Serves a listener until `stop` changes, then drains for a bounded time.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    service: Arc<dyn Service>,
    mut stop: watch::Receiver<bool>,
) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stopped(&mut stop) => break,
            Some(_) = connections.join_next() => continue,
            accepted = accept(&listener, &permits) => accepted,
        };
        let Some((stream, permit)) = accepted else {
            continue;
        };
        let (tls, service, stop) = (tls.clone(), Arc::clone(&service), stop.clone());
        connections.spawn(async move {
            let _permit = permit;
            // Answers are small; waiting to coalesce them only adds latency.
            let _ = stream.set_nodelay(true);
            let stream = match tls {
                None => Stream::Left(stream),
                Some(tls) => match timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await {
                    Ok(Ok(stream)) => Stream::Right(Box::new(stream)),
                    Ok(Err(error)) => return tracing::debug!(%error, "a TLS handshake failed"),
                    Err(_) => return tracing::debug!("a TLS handshake took too long"),
                },
            };
            connection(stream, service, stop).await;
        });
    }
    drop(listener);
    let drained = timeout(DRAIN_TIMEOUT, async {
        while connections.join_next().await.is_some() {}
    })
    .await;
    if drained.is_err() {
        connections.shutdown().await;
    }
}

/// Waits until the sandbox stops, however it does.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, permit)),
        Err(error) => {
            tracing::warn!(%error, "a connection cannot be accepted");
            // Out of descriptors, usually: do not spin.
            sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

/// A fault wants the connection closed.
#[derive(Debug)]
struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("closed on purpose")
    }
}

impl std::error::Error for Dropped {}

impl From<Infallible> for Dropped {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

async fn connection(stream: Stream, service: Arc<dyn Service>, mut stop: watch::Receiver<bool>) {
    let hang = stop.clone();
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(HEADERS)
        .max_buf_size(HEAD_BYTES)
        // Some SDKs look headers up by their documented spelling.
        .title_case_headers(true);
    let answer = service_fn(move |request| {
        let (service, hang) = (Arc::clone(&service), hang.clone());
        async move { respond(request, service, hang).await }
    });
    let mut served = pin!(http.serve_connection(TokioIo::new(stream), answer));
    let result = tokio::select! {
        result = served.as_mut() => result,
        () = stopped(&mut stop) => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended early");
    }
}

async fn respond(
    request: hyper::Request<Incoming>,
    service: Arc<dyn Service>,
    mut hang: watch::Receiver<bool>,
) -> Result<hyper::Response<AnswerBody>, Dropped> {
    let (head, body) = request.into_parts();
    let collected = timeout(
        BODY_TIMEOUT,
        Limited::new(body, service.max_body_bytes()).collect(),
    )
    .await;
    let (body, unread) = match collected {
        Ok(Ok(body)) => (body.to_bytes(), None),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            (bytes::Bytes::new(), Some(413))
        }
        Ok(Err(_)) => return Err(Dropped),
        Err(_) => (bytes::Bytes::new(), Some(408)),
    };
    let target = head
        .uri
        .path_and_query()
        .map_or_else(|| head.uri.to_string(), ToString::to_string);
    let received = Received {
        method: head.method,
        target,
        headers: head.headers,
        body,
        trail: Trail::default(),
    };
    if let Some(status) = unread {
        service.unread(&received, status);
        return Ok(refuse(status));
    }
    // RSA and key generation take their time; they must not hold up other connections.
    let answered = tokio::task::spawn_blocking(move || service.answer(&received)).await;
    let Ok(outcome) = answered else {
        return Ok(refuse(500));
    };
    match outcome {
        Outcome::Answer { after, response } => {
            if !after.is_zero() {
                sleep(after).await;
            }
            Ok(response)
        }
        Outcome::Drop => Err(Dropped),
        Outcome::Hang => {
            // Until the sandbox stops; hyper ends the wait when the client goes away.
            stopped(&mut hang).await;
            Err(Dropped)
        }
    }
}

fn refuse(status: u16) -> hyper::Response<AnswerBody> {
    let mut response = hyper::Response::new(AnswerBody::whole(bytes::Bytes::new()));
    *response.status_mut() =
        http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(
        http::header::CONNECTION,
        http::HeaderValue::from_static("close"),
    );
    response
}
