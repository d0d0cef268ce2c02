//! `/healthz`, `/readyz`, `/metrics` and `/reload` for operators.

mod guests;
mod page;
mod reload;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use kabao_auth::{HostName, VisitorError, check_visitor};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use self::guests::Guests;
use self::page::{text, with_type};
use crate::readiness::{Readiness, State};
use crate::reload::Reloader;
use crate::telemetry::Metrics;

const HEADER_TIMEOUT: Duration = Duration::from_secs(2);
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);
const EXHAUSTED: Duration = Duration::from_millis(100);

/// A running admin listener; it serves until it is dropped.
#[derive(Debug)]
pub(crate) struct Admin {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Drop for Admin {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

#[derive(Clone, Debug)]
struct Pages {
    readiness: Readiness,
    metrics: Metrics,
    reloader: Option<Reloader>,
    /// Names of this listener besides addresses and those of loopback.
    names: Arc<[HostName]>,
}

impl Admin {
    pub(crate) fn start(
        listener: TcpListener,
        readiness: Readiness,
        metrics: Metrics,
        reloader: Option<Reloader>,
        names: &[HostName],
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let pages = Pages {
            readiness,
            metrics,
            reloader,
            names: names.into(),
        };
        let serving = tokio::spawn(accept(listener, pages));
        Ok(Self { address, serving })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn accept(listener: TcpListener, pages: Pages) {
    let mut guests = Guests::default();
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "the admin listener cannot accept");
                sleep(EXHAUSTED).await;
                continue;
            }
        };
        let pages = pages.clone();
        guests.receive(|asked| async move {
            // Slow readers of a response are cut here, slow writers of a request by the header timeout.
            if timeout(CONNECTION_TIMEOUT, serve(stream, pages, asked))
                .await
                .is_err()
            {
                tracing::debug!("an admin connection was cut");
            }
        });
    }
}

async fn serve(stream: TcpStream, pages: Pages, asked: Arc<AtomicBool>) {
    let service = hyper::service::service_fn(move |request| {
        asked.store(true, Ordering::Relaxed);
        let pages = pages.clone();
        async move {
            // Before anything: a page of a stranger could otherwise ask for a reload.
            if let Err(why) = check(request.headers(), &pages.names) {
                return Ok::<_, Infallible>(text(StatusCode::FORBIDDEN, why));
            }
            Ok(match request.uri().path() {
                reload::PATH => reload::answer(&request, pages.reloader.as_ref()).await,
                _ => pages.answer(&request),
            })
        }
    });
    let served = http1::Builder::new()
        // Without a timer hyper silently applies no header timeout at all.
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(16 * 1024)
        .max_headers(64)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "admin connection ended");
    }
}

/// Refuses whoever comes from the page of a stranger.
fn check(headers: &HeaderMap, names: &[HostName]) -> Result<(), String> {
    let all = |name: HeaderName| headers.get_all(name).iter().map(HeaderValue::as_bytes);
    check_visitor(all(header::HOST), all(header::ORIGIN), names).map_err(|error| {
        let remedy = match error {
            VisitorError::Host => "use an address, localhost, or a name in admin.hosts",
            _ => "its host may stand in admin.hosts",
        };
        format!("{error}: {remedy}\n")
    })
}

impl Pages {
    fn answer<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "GET or HEAD\n");
            let allowed = HeaderValue::from_static("GET, HEAD");
            response.headers_mut().insert(header::ALLOW, allowed);
            return response;
        }
        match request.uri().path() {
            "/healthz" => text(StatusCode::OK, "alive\n"),
            "/readyz" => self.readiness(),
            "/metrics" => match self.metrics.render() {
                Ok(metrics) => with_type(StatusCode::OK, metrics, Metrics::CONTENT_TYPE),
                Err(error) => {
                    tracing::error!(%error, "metrics cannot be rendered");
                    text(
                        StatusCode::INTERNAL_SERVER_ERROR,
                        "metrics cannot be rendered\n",
                    )
                }
            },
            _ => text(
                StatusCode::NOT_FOUND,
                "Not here. There are /healthz, /readyz, /metrics and /reload.\n",
            ),
        }
    }

    fn readiness(&self) -> Response<Full<Bytes>> {
        let (status, word) = match self.readiness.state() {
            State::Ready => (StatusCode::OK, "ready"),
            State::Starting => (StatusCode::SERVICE_UNAVAILABLE, "starting"),
            State::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, "overloaded"),
            State::Draining => (StatusCode::SERVICE_UNAVAILABLE, "draining"),
        };
        let cold = match self.readiness.cold() {
            0 => String::new(),
            cold => format!("accounts without a connection to WeChat yet: {cold}\n"),
        };
        text(status, format!("{word}\n{cold}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::{Lifecycle, Stage};

    fn status(pages: &Pages, method: &str, path: &str) -> u16 {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .body(())
            .unwrap();
        pages.answer(&request).status().as_u16()
    }

    #[test]
    fn readiness_follows_the_stage_and_liveness_does_not() {
        let lifecycle = Lifecycle::new();
        let pages = Pages {
            readiness: Readiness::new(lifecycle.clone(), Duration::ZERO),
            metrics: Metrics::new().unwrap(),
            reloader: None,
            names: [].into(),
        };
        for (stage, ready) in [
            (Stage::Starting, 503),
            (Stage::Serving, 200),
            (Stage::Leaving, 503),
            (Stage::Draining, 503),
        ] {
            lifecycle.advance(stage);
            assert_eq!(status(&pages, "GET", "/readyz"), ready, "{stage:?}");
            assert_eq!(status(&pages, "GET", "/healthz"), 200, "{stage:?}");
        }
        assert_eq!(status(&pages, "HEAD", "/metrics"), 200);
        assert_eq!(status(&pages, "POST", "/metrics"), 405);
        assert_eq!(status(&pages, "GET", "/metrics/"), 404);
    }
}
