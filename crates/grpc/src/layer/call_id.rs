//! One id for every call, which the caller may choose.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderName, HeaderValue, Request};
use kabao_api::CallId;
use tonic::Status;
use tonic::body::Body;

use super::{Answer, Inner, Layer};
use crate::status::PUSHBACK;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Takes the caller's `x-request-id` or makes one, and sends it back.
#[derive(Clone, Debug)]
pub(crate) struct CallIds {
    /// Random for the life of the process, so that ids of two replicas do not meet.
    process: u64,
    count: Arc<AtomicU64>,
}

impl CallIds {
    /// Starts a sequence of ids.
    pub(crate) fn new() -> Self {
        Self {
            process: RandomState::new().hash_one("call id"),
            count: Arc::new(AtomicU64::new(1)),
        }
    }

    fn next(&self) -> CallId {
        CallId::counted(self.process, self.count.fetch_add(1, Ordering::Relaxed))
    }

    /// Returns the id of a call with these headers, and what is sent back of it.
    pub(crate) fn of(&self, headers: &HeaderMap) -> (CallId, Option<HeaderValue>) {
        let id = headers
            .get(HEADER)
            .and_then(|id| CallId::new(id.to_str().ok()?).ok())
            .unwrap_or_else(|| self.next());
        let mut echo = HeaderValue::from_str(id.as_str()).ok();
        if let Some(echo) = &mut echo {
            never_twice(echo);
        }
        (id, echo)
    }

    /// Sends the id back with an answer.
    pub(crate) fn sign(answer: &mut HeaderMap, echo: Option<HeaderValue>) {
        if let Some(echo) = echo {
            answer.insert(HEADER, echo);
        }
        for name in [Status::GRPC_STATUS_DETAILS.as_str(), PUSHBACK] {
            if let Some(value) = answer.get_mut(name) {
                never_twice(value);
            }
        }
    }
}

/// Keeps what no other answer has out of the table of HPACK, from which it would push what all have.
fn never_twice(value: &mut HeaderValue) {
    value.set_sensitive(true);
}

impl Layer for CallIds {
    fn serve<S: Inner>(&self, mut request: Request<Body>, inner: &mut S) -> Answer {
        let (id, echo) = self.of(request.headers());
        request.extensions_mut().insert(id);
        let answer = inner.call(request);
        Box::pin(async move {
            let mut response = answer.await?;
            Self::sign(response.headers_mut(), echo);
            Ok(response)
        })
    }
}

/// Returns the id of the call that `request` belongs to.
///
/// Without [`CallIds`] around the service there is none, and `-` stands for it.
pub(crate) fn of(extensions: &http::Extensions) -> CallId {
    extensions
        .get::<CallId>()
        .cloned()
        .unwrap_or_else(CallId::unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_ids_differ_within_and_between_processes() {
        let (one, other) = (CallIds::new(), CallIds::new());
        assert_ne!(one.next(), one.next());
        assert_ne!(one.next(), other.next());
    }
}
