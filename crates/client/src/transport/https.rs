//! HTTPS over hyper: a keep-alive pool, HTTP/2 where the host offers it, every wait bounded.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Method};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use tokio::time::timeout;

use super::body::{Departing, Gate};
use super::connector::SparingConnector;
use super::spare::Spares;
use super::way::Way;
use super::{GraceResolver, HttpRequest, HttpResponse, Transport, TransportError};
use crate::origin::{Hosts, Origin};
use crate::proxy::Proxy;
use crate::settings::Settings;
use crate::vitals::Handshakes;

type PooledClient = Client<SparingConnector, Departing>;

/// What the headers of an answer may take.
const MAX_HEAD_BYTES: usize = 64 * 1024;
const MAX_HTTP2_HEAD_BYTES: u32 = 64 * 1024;
/// A dead HTTP/2 connection is found by pings, not by the next call.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// Sends over a pool of TLS connections, to the configured hosts only.
pub(crate) struct HttpsTransport {
    client: PooledClient,
    spares: Spares,
    hosts: Hosts,
    /// Kept, so that whoever comes later shares it.
    _tls: Arc<ClientConfig>,
    headers_timeout: Duration,
    body_timeout: Duration,
    attempt_timeout: Duration,
    max_answer_bytes: usize,
}

impl HttpsTransport {
    /// Builds a transport that talks to `hosts` and to nobody else, over connections of its own, through `proxy` if there
    /// is one. What the environment says of proxies (`HTTPS_PROXY` and its like) is not looked at.
    pub(crate) fn new(
        hosts: &Hosts,
        tls: Arc<ClientConfig>,
        resolver: GraceResolver,
        proxy: Option<Proxy>,
        settings: &Settings,
    ) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(resolver);
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(settings.connect_timeout));
        let is_proxied = proxy.is_some();
        let https = HttpsConnectorBuilder::new()
            // A copy has the same sessions and the same verifier.
            .with_tls_config(ClientConfig::clone(&tls))
            .https_only()
            .enable_all_versions()
            .wrap_connector(Way::new(tcp, proxy, settings.connect_timeout));
        let spares = Spares::new(
            https,
            is_proxied,
            settings.connect_timeout,
            settings.idle_timeout,
        );
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(settings.idle_timeout)
            .pool_max_idle_per_host(settings.max_idle_per_host)
            .http1_max_buf_size(MAX_HEAD_BYTES)
            .http2_max_header_list_size(MAX_HTTP2_HEAD_BYTES)
            .http2_keep_alive_interval(PING_INTERVAL)
            .http2_keep_alive_timeout(PING_TIMEOUT)
            .build(SparingConnector(spares.clone()));
        Self {
            client,
            spares,
            hosts: hosts.clone(),
            _tls: tls,
            headers_timeout: settings.headers_timeout,
            body_timeout: settings.body_timeout,
            attempt_timeout: settings.attempt_timeout,
            max_answer_bytes: settings.max_answer_bytes,
        }
    }

    /// Whether a spare connection to a host is there and open.
    #[cfg(test)]
    pub(super) fn has_spare(&self, origin: &Origin) -> bool {
        let host = origin.join("/");
        host.is_some_and(|host| self.spares.has(&host))
    }

    async fn exchange(
        &self,
        request: http::Request<Departing>,
    ) -> Result<HttpResponse, TransportError> {
        let answer = match timeout(self.headers_timeout, self.client.request(request)).await {
            Err(_) => return Err(TransportError::Timeout),
            // Only a failed connection attempt proves that nothing was sent. A pooled connection
            // that closes under our hands does not: the host may have read the request.
            Ok(Err(error)) if error.is_connect() => {
                return Err(TransportError::connecting(error.into()));
            }
            Ok(Err(error)) => return Err(TransportError::Broken(error.into())),
            Ok(Ok(answer)) => answer,
        };
        let (head, body) = answer.into_parts();
        let limit = self.max_answer_bytes;
        let body = match timeout(self.body_timeout, Limited::new(body, limit).collect()).await {
            Err(_) => return Err(TransportError::Timeout),
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                return Err(TransportError::TooLarge { limit });
            }
            Ok(Err(error)) => return Err(TransportError::Broken(error)),
            Ok(Ok(body)) => body.to_bytes(),
        };
        Ok(HttpResponse {
            status: head.status,
            headers: head.headers,
            body,
        })
    }
}

/// Tells whether requests of a method are expected to have a body.
fn has_body(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
}

#[async_trait]
impl Transport for HttpsTransport {
    async fn send(&self, mut request: HttpRequest) -> Result<HttpResponse, TransportError> {
        if !self.hosts.iter().any(|host| *host == request.origin) {
            return Err(TransportError::ForeignHost);
        }
        let uri = request
            .origin
            .join(&request.target)
            .ok_or(TransportError::ForeignHost)?;
        // hyper leaves the length of an empty body out, and WeChat's gateways answer 411 then.
        if request.body.is_empty() && has_body(&request.method) {
            let zero = HeaderValue::from_static("0");
            request.headers.insert(CONTENT_LENGTH, zero);
        }
        let gate = request.entry.map(Gate::new);
        let body = Departing::new(request.body, gate.clone());
        let mut http = http::Request::new(body);
        *http.method_mut() = request.method;
        *http.uri_mut() = uri;
        *http.headers_mut() = request.headers;
        self.spares.called();
        let answer = match timeout(self.attempt_timeout, self.exchange(http)).await {
            Ok(answer) => answer,
            Err(_) => Err(TransportError::Timeout),
        };
        match gate {
            Some(gate) if answer.is_err() && gate.is_closed() => Err(TransportError::KeptBack),
            _ => answer,
        }
    }

    async fn warm(&self, origin: &Origin) {
        if let Some(host) = origin.join("/") {
            self.spares.open(&host).await;
        }
    }

    fn handshakes(&self) -> Handshakes {
        self.spares.handshakes()
    }
}
