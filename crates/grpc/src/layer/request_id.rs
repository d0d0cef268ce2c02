//! One id for every call, which the caller may choose.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderName, HeaderValue, Request};
use tonic::body::Body;

use super::{Answer, Inner, Layer};

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Longer ids are replaced: they end up in every log line and every error.
const MAX_LENGTH: usize = 64;

/// The id of a call. Layers and services find it in the extensions of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(Arc<str>);

impl RequestId {
    /// Returns the id.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Makes an id out of nothing but a text.
    #[cfg(test)]
    pub(crate) fn for_tests(text: &str) -> Self {
        Self(text.into())
    }

    /// Accepts what a caller sent if it is short and harmless in a log.
    fn accept(value: &HeaderValue) -> Option<Self> {
        let text = value.to_str().ok()?;
        let sane = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(&byte);
        (!text.is_empty() && text.len() <= MAX_LENGTH && text.bytes().all(sane))
            .then(|| Self(text.into()))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Takes the caller's `x-request-id` or makes one, and sends it back.
#[derive(Clone, Debug)]
pub(crate) struct RequestIds {
    /// Random for the life of the process, so that ids of two replicas do not meet.
    process: u64,
    count: Arc<AtomicU64>,
}

impl RequestIds {
    /// Starts a sequence of ids.
    pub(crate) fn new() -> Self {
        Self {
            process: RandomState::new().hash_one("request id"),
            count: Arc::new(AtomicU64::new(1)),
        }
    }

    fn next(&self) -> RequestId {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        RequestId(format!("{:016x}-{count:x}", self.process).into())
    }
}

impl Layer for RequestIds {
    fn serve<S: Inner>(&self, mut request: Request<Body>, inner: &mut S) -> Answer {
        let id = request
            .headers()
            .get(HEADER)
            .and_then(RequestId::accept)
            .unwrap_or_else(|| self.next());
        let echo = HeaderValue::from_str(id.as_str());
        request.extensions_mut().insert(id);
        let answer = inner.call(request);
        Box::pin(async move {
            let mut response = answer.await?;
            if let Ok(echo) = echo {
                response.headers_mut().insert(HEADER, echo);
            }
            Ok(response)
        })
    }
}

/// Returns the id of the call that `request` belongs to.
///
/// Without [`RequestIds`] around the service there is none, and `-` stands for it.
pub(crate) fn of(extensions: &http::Extensions) -> RequestId {
    extensions
        .get::<RequestId>()
        .cloned()
        .unwrap_or_else(|| RequestId("-".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_short_and_harmless_ids_are_accepted() {
        for good in ["a", "9f1c-22", "trace:01/span=2", "x".repeat(64).as_str()] {
            assert!(
                RequestId::accept(&HeaderValue::from_str(good).unwrap()).is_some(),
                "{good}"
            );
        }
        for bad in [
            "",
            " ",
            "a b",
            "a\tb",
            "\"quoted\"",
            "{json}",
            "x".repeat(65).as_str(),
        ] {
            assert!(
                RequestId::accept(&HeaderValue::from_str(bad).unwrap()).is_none(),
                "{bad}"
            );
        }
        assert!(RequestId::accept(&HeaderValue::from_bytes("卡".as_bytes()).unwrap()).is_none());
    }

    #[test]
    fn made_ids_differ_within_and_between_processes() {
        let (one, other) = (RequestIds::new(), RequestIds::new());
        assert_ne!(one.next(), one.next());
        assert_ne!(one.next(), other.next());
    }
}
