//! A bound on the calls in flight; what comes on top is refused at once.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Request;
use kabao_api::{Error, Reason};
use tokio::time::Instant;
use tonic::body::Body;

use super::body::{Hook, hooked};
use super::refusals::{Refusals, Refused};
use super::{Answer, Inner, Layer, at_once, call_id};
use crate::load::{Class, Load};
use crate::observer::CallObserver;
use crate::share::{Bound, Peer, Place};
use crate::status;

/// When a refused caller should come back.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// Counts the calls in flight over all connections.
#[derive(Clone)]
pub(crate) struct Concurrency {
    load: Load,
    observer: Option<Arc<dyn CallObserver>>,
    refusals: Arc<Mutex<Refusals>>,
}

impl Concurrency {
    /// Admits what `load` has room for.
    pub(crate) fn new(load: Load, observer: Option<Arc<dyn CallObserver>>) -> Self {
        Self {
            load,
            observer,
            refusals: Arc::default(),
        }
    }

    /// Answers a call for which there is no place.
    fn refuse(&self, class: Class, bound: Bound, request: &Request<Body>) -> Answer {
        if let Some(observer) = &self.observer {
            observer.refused(class.as_str(), bound);
        }
        let why = refusal(class, bound);
        let told = self
            .refusals
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .turn(Instant::now());
        if let Some(untold) = told {
            tracing::warn!(class = class.as_str(), untold, "a call was refused: {why}");
        }
        let id = call_id(request.extensions());
        let error = Error::new(Reason::Overloaded, why).with_retry_after(RETRY_AFTER);
        let mut response = status::refusal(&error, &id);
        response.extensions_mut().insert(Refused);
        at_once(response)
    }
}

impl fmt::Debug for Concurrency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Concurrency").field(&self.load).finish()
    }
}

impl Layer for Concurrency {
    fn serve<S: Inner>(&self, request: Request<Body>, inner: &mut S) -> Answer {
        let class = Class::of(request.uri().path());
        let peer = request.extensions().get::<Peer>().copied();
        let place = match self.load.pool(class).take(peer) {
            Ok(place) => place,
            Err(bound) => return self.refuse(class, bound, &request),
        };
        let answer = inner.call(request);
        Box::pin(async move {
            let response = answer.await?;
            Ok(response.map(|body| hooked(body, InFlight { _place: place })))
        })
    }
}

/// Says what is in the way, and which setting it follows from.
fn refusal(class: Class, bound: Bound) -> &'static str {
    match (class, bound) {
        (Class::Call, Bound::Total) => {
            "the gateway has as many calls in flight as it accepts (max_concurrent_requests)"
        }
        (Class::Call, Bound::Connection) => {
            "this connection has as many calls in flight as one may have (max_requests_per_connection)"
        }
        (Class::Call, Bound::Caller) => {
            "this address has as many calls in flight as one may have (max_requests_per_address)"
        }
        (Class::Health, _) => "too many ask for health at a time",
        (Class::Reflection, _) => "too many ask for reflection at a time",
    }
}

/// A call is in flight until its last frame is sent.
struct InFlight {
    _place: Place,
}

impl Hook for InFlight {}
