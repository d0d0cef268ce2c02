//! A panic is answered, not dropped on the caller.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use kabao_api::{Error, Reason};
use tonic::body::Body;

use super::{Answer, Inner, Layer, at_once, call_id};
use crate::status;

/// Turns a panic of a service into `INTERNAL` with reason `PANIC`. The text of the panic goes where
/// the process's panic hook sends it, never to the caller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Panics;

impl Layer for Panics {
    fn serve<S: Inner>(&self, request: Request<Body>, inner: &mut S) -> Answer {
        let id = call_id(request.extensions());
        // Unwind safety: after a panic nothing of this call is used again, and what calls share
        // guards itself.
        let answer = catch_unwind(AssertUnwindSafe(|| inner.call(request)));
        let refusal = move |_panic: Box<dyn Any + Send>| {
            tracing::error!(request_id = %id, "a call panicked");
            status::refusal(
                &Error::new(Reason::Panic, "the service failed unexpectedly"),
                &id,
            )
        };
        match answer {
            Ok(answer) => Box::pin(async move {
                match (Caught { inner: answer }).await {
                    Ok(answer) => answer,
                    Err(panic) => Ok(refusal(panic)),
                }
            }),
            Err(panic) => at_once(refusal(panic)),
        }
    }
}

/// A future whose panics are values.
struct Caught {
    inner: Answer,
}

impl Future for Caught {
    type Output = Result<Result<Response<Body>, std::convert::Infallible>, Box<dyn Any + Send>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let inner = &mut self.inner;
        match catch_unwind(AssertUnwindSafe(|| inner.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(answer)) => Poll::Ready(Ok(answer)),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    }
}
