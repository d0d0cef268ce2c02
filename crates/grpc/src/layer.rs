//! The layers of the server, each one around all services.
//!
//! tonic alone lets a few things happen that callers of other languages do not
//! expect: an expired deadline is reported as `CANCELLED`, a panic resets the
//! stream, an unreadable `grpc-timeout` is ignored, and statuses that tonic
//! makes itself carry no details. The layers put that right in one place, so
//! that services need not think of it. [`crate::Server`] stacks them.

mod admission;
pub(crate) mod age;
mod body;
mod call_id;
mod completion;
mod concurrency;
mod deadline;
mod panic;
mod protocol;
pub(crate) mod refusals;
mod request_id;
mod trace;
mod weight;

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use tonic::body::Body;
use tower_service::Service;

pub(crate) use self::admission::{Admission, Judged};
pub(crate) use self::call_id::{CallIds, of as call_id};
pub(crate) use self::completion::Completion;
pub(crate) use self::concurrency::Concurrency;
pub(crate) use self::deadline::{Deadline, Deadlines};
pub(crate) use self::panic::Panics;
pub(crate) use self::protocol::{Protocol, is_grpc};
pub(crate) use self::refusals::SharedRefusals;
pub(crate) use self::request_id::{RequestIds, Settled};
pub(crate) use self::trace::{TRACEPARENT, Trace};
pub(crate) use self::weight::PART;

/// What a service inside a layer answers with.
pub(crate) type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

/// A service that a layer can stand around.
pub(crate) trait Inner:
    Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future = Answer>
{
}

impl<S> Inner for S where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future = Answer>
{
}

/// What a layer does with one call.
pub(crate) trait Layer: Clone {
    /// Answers the call, as a rule by asking `inner`.
    fn serve<S: Inner>(&self, request: Request<Body>, inner: &mut S) -> Answer;
}

/// A service with a layer around it.
#[derive(Clone, Debug)]
pub(crate) struct With<L, S> {
    layer: L,
    inner: S,
}

impl<L, S> With<L, S> {
    /// Puts `layer` around `inner`.
    pub(crate) fn new(layer: L, inner: S) -> Self {
        Self { layer, inner }
    }
}

impl<L: Layer, S: Inner> Service<Request<Body>> for With<L, S> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Answer {
        self.layer.serve(request, &mut self.inner)
    }
}

/// Answers without asking the service.
pub(crate) fn at_once(response: Response<Body>) -> Answer {
    Box::pin(std::future::ready(Ok(response)))
}
