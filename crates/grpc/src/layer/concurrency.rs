//! A bound on the calls in flight; what comes on top is refused at once.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Request;
use http_body::Body as _;
use kabao_api::{Error, Reason};
use tokio::time::Instant;
use tonic::body::Body;

use super::body::{Hook, hooked};
use super::refusals::{Refusals, Refused};
use super::weight::Weight;
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
        let error = self.refusal(class, bound, refusal(class, bound));
        let mut response = status::refusal(&error, &call_id(request.extensions()));
        response.extensions_mut().insert(Refused);
        at_once(response)
    }

    /// Counts and tells a refusal.
    fn refusal(&self, class: Class, bound: Bound, why: &'static str) -> Error {
        if let Some(observer) = &self.observer {
            observer.refused(class.as_str(), bound);
        }
        let told = self
            .refusals
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .turn(Instant::now());
        if let Some(untold) = told {
            tracing::warn!(class = class.as_str(), untold, "a call was refused: {why}");
        }
        Error::new(Reason::Overloaded, why).with_retry_after(RETRY_AFTER)
    }

    /// Lets a request take room for what it has beyond a little.
    fn weighed(
        &self,
        request: Request<Body>,
        peer: Option<Peer>,
        weight: &Weight,
    ) -> Request<Body> {
        if request.body().is_end_stream() {
            return request;
        }
        let (concurrency, id) = (self.clone(), call_id(request.extensions()));
        let refuse = move |bound| {
            let error = concurrency.refusal(Class::Call, bound, no_room(bound));
            status::of(&error, &id)
        };
        let room = self.load.room().clone();
        request.map(|body| weight.of(body, room, peer, refuse))
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
        let weight = Weight::default();
        // The others take small messages only.
        let request = match class {
            Class::Call => self.weighed(request, peer, &weight),
            Class::Health | Class::Reflection => request,
        };
        let in_flight = InFlight {
            _place: place,
            _weight: weight,
        };
        let answer = inner.call(request);
        Box::pin(async move {
            let response = answer.await?;
            Ok(response.map(|body| hooked(body, in_flight)))
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

/// The same for a request that is too large beside others.
fn no_room(bound: Bound) -> &'static str {
    match bound {
        Bound::Total => {
            "the requests in flight hold as much memory as they may (max_request_memory)"
        }
        Bound::Connection => {
            "the requests of this connection hold as much memory as those of one may, half of max_request_memory"
        }
        Bound::Caller => {
            "the requests of this address hold as much memory as those of one may, three quarters of max_request_memory"
        }
    }
}

/// A call is in flight until its last frame is sent.
struct InFlight {
    _place: Place,
    _weight: Weight,
}

impl Hook for InFlight {}
