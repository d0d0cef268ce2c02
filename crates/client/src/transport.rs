//! Sending one HTTP request and reading its whole answer: no retries, no redirects, no meaning.

mod body;
mod connector;
mod error;
mod https;
mod resolver;
mod spare;
mod tls;
mod watched;
mod way;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use kabao_api::Entry;

pub(crate) use self::error::{ProxyFault, TransportError};
pub(crate) use self::https::HttpsTransport;
pub(crate) use self::resolver::GraceResolver;
pub(crate) use self::tls::Roots;

use crate::origin::Origin;
use crate::vitals::Handshakes;

/// Sends requests. The one implementation is [`HttpsTransport`]; unit tests fake it.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub(crate) trait Transport: Send + Sync {
    /// Sends a request and reads the whole answer within the bounds of the settings.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError>;

    /// Opens a connection ahead of the first call, if there is such a thing. Fails in silence: the first call finds out.
    async fn warm(&self, _origin: &Origin) {}

    /// How many handshakes there were.
    fn handshakes(&self) -> Handshakes {
        Handshakes::default()
    }
}

/// A request as it goes over the wire. It has no `Debug`: target, headers and body are private.
#[derive(Clone)]
pub(crate) struct HttpRequest {
    /// The host.
    pub(crate) origin: Origin,
    /// The method.
    pub(crate) method: Method,
    /// Path and query, exactly as signed.
    pub(crate) target: String,
    /// Headers besides `Host`, `Content-Length` and those of the connection.
    pub(crate) headers: HeaderMap,
    /// The body, exactly as signed.
    pub(crate) body: Bytes,
    /// Whom to ask when the body is about to leave, if somebody may take the change over meanwhile.
    pub(crate) entry: Option<Arc<dyn Entry>>,
}

/// An answer as it was received. It has no `Debug`: the body is private.
#[derive(Clone)]
pub(crate) struct HttpResponse {
    /// The status.
    pub(crate) status: StatusCode,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The raw bytes of the body.
    pub(crate) body: Bytes,
}

impl HttpResponse {
    /// Returns a header as text, if it is present and text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

#[cfg(test)]
mod tests;
