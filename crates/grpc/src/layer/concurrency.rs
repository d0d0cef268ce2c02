//! A bound on the calls in flight; what comes on top is refused at once.

use std::sync::Arc;
use std::time::Duration;

use http::Request;
use kabao_api::{Error, Reason};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::body::Body;

use super::body::{Hook, hooked};
use super::{Answer, Inner, Layer, at_once, call_id};
use crate::status;

/// Whoever asks whether the server is well must get an answer, above all when it is busy.
const EXEMPT: &str = "/grpc.health.v1.Health/";

/// When a refused caller should come back.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// Counts the calls in flight over all connections.
#[derive(Clone, Debug)]
pub(crate) struct Concurrency {
    free: Arc<Semaphore>,
}

impl Concurrency {
    /// Admits at most `limit` calls at a time.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(limit.min(Semaphore::MAX_PERMITS))),
        }
    }
}

impl Layer for Concurrency {
    fn serve<S: Inner>(&self, request: Request<Body>, inner: &mut S) -> Answer {
        if request.uri().path().starts_with(EXEMPT) {
            return Box::pin(inner.call(request));
        }
        let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() else {
            let id = call_id(request.extensions());
            let error = Error::new(
                Reason::Overloaded,
                "the gateway has as many calls in flight as it accepts",
            )
            .with_retry_after(RETRY_AFTER);
            return at_once(status::refusal(&error, &id));
        };
        let answer = inner.call(request);
        Box::pin(async move {
            let response = answer.await?;
            Ok(response.map(|body| hooked(body, InFlight { _permit: permit })))
        })
    }
}

/// A call is in flight until its last frame is sent.
struct InFlight {
    _permit: OwnedSemaphorePermit,
}

impl Hook for InFlight {}
