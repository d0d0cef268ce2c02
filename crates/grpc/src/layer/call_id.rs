//! One id for every call, which the caller may choose.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderName, HeaderValue, Request};
use kabao_api::CallId;
use tonic::body::Body;

use super::{Answer, Inner, Layer};

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
}

impl Layer for CallIds {
    fn serve<S: Inner>(&self, mut request: Request<Body>, inner: &mut S) -> Answer {
        let id = request
            .headers()
            .get(HEADER)
            .and_then(|id| CallId::new(id.to_str().ok()?).ok())
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
