//! Who calls, and whether the policy lets them use the method at all: before anything of the body is read.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Request};
use kabao_api::{CallerId, Error};
use tokio::time::Instant;
use tonic::body::Body;

use super::refusals::{Refusals, Refused};
use super::{Answer, Inner, Layer, at_once, call_id};
use crate::access::{Access, Certified, bearer, denied, unknown};
use crate::audit::Trail;
use crate::generation::{Generation, Generations};
use crate::load::Class;
use crate::policy;
use crate::status;
use crate::tokens::Tokens;

const NOBODY: &str = "the call names no caller; it needs a bearer token in the metadata key `authorization`, or a client certificate";
const UNREADABLE: &str = "the metadata key `authorization` must hold one `Bearer TOKEN`";
const NO_HOLDER: &str = "the bearer token is none that the gateway knows";

/// Admits those who are known and may use the method; for which account is seen where that is looked up.
///
/// Health and reflection are open to everybody.
#[derive(Clone)]
pub(crate) struct Admission {
    generations: Generations,
    refusals: Arc<Mutex<Refusals>>,
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission")
            .field("generations", &self.generations)
            .finish_non_exhaustive()
    }
}

impl Admission {
    /// Admits the holders of tokens and whoever a certificate names, as far as the policy of the present generation
    /// says; without both, everybody.
    pub(crate) fn new(generations: Generations) -> Self {
        Self {
            generations,
            refusals: Arc::default(),
        }
    }

    /// Returns what a call may do that has just arrived, in the present generation.
    pub(crate) fn judge<B>(generations: &Generations, request: &Request<B>) -> Judgement {
        let certified = request.extensions().get::<Certified>();
        let token = Self::shown(request.headers());
        // Once, so that a call sees one configuration from here to its end.
        let generation = generations.current();
        let access = Self::admit(&generation, request.uri().path(), token, certified)?;
        Ok(access.of(generation))
    }

    /// Returns what the call may do.
    fn admit(
        generation: &Generation,
        path: &str,
        token: Option<Result<HeaderValue, ()>>,
        certified: Option<&Certified>,
    ) -> Result<Access, (Option<CallerId>, Error)> {
        let holders = generation.holders();
        let shown = token.as_ref().and_then(|token| token.as_ref().ok());
        let shown = shown.filter(|_| holders.is_some()).cloned();
        let caller = Self::caller(holders, token, certified).map_err(|why| (None, unknown(why)))?;
        // What no service has is for the router to say; a policy that names it cannot be read.
        let method = policy::method_of(path).unwrap_or_default();
        let Some(policy) = generation.rules() else {
            return match (caller, holders) {
                (None, Some(_)) => Err((None, unknown(NOBODY))),
                (caller, _) => Ok(Access::free(caller).calling(method).shown(shown)),
            };
        };
        let Some(caller) = caller else {
            return Err((None, unknown(NOBODY)));
        };
        if method.is_empty() || policy.allows(&caller, method) {
            let access = Access::bound(caller, Arc::clone(policy), method);
            return Ok(access.shown(shown));
        }
        let error = denied(format!("the policy does not let this caller use {method}"));
        Err((Some(caller), error))
    }

    /// Returns who calls. A token says more than the certificate of a connection, which may be that of a proxy, and
    /// does not excuse one that is not good any more.
    fn caller(
        holders: Option<&dyn Tokens>,
        token: Option<Result<HeaderValue, ()>>,
        certified: Option<&Certified>,
    ) -> Result<Option<CallerId>, &'static str> {
        match (holders, token, certified) {
            (_, _, Some(Certified(Err(why)))) => Err(why),
            (Some(tokens), Some(token), _) => {
                let token = token.map_err(|()| UNREADABLE)?;
                let token = bearer(&token).ok_or(UNREADABLE)?;
                tokens.holder(token).ok_or(NO_HOLDER).map(Some)
            }
            (_, _, Some(Certified(Ok(caller)))) => Ok(Some(caller.clone())),
            (_, _, None) => Ok(None),
        }
    }

    /// Returns the token that a call shows, and leaves it there; an `Err` if there are several.
    fn shown(headers: &HeaderMap) -> Option<Result<HeaderValue, ()>> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let value = values.next()?;
        Some(match values.next() {
            None => Ok(value.clone()),
            Some(_) => Err(()),
        })
    }

    /// Refuses a call; the log has a line a second of them.
    fn refuse(&self, caller: Option<&CallerId>, error: &Error, request: &Request<Body>) -> Answer {
        note(caller, request.extensions());
        let turn = self
            .refusals
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .turn(Instant::now());
        if let Some(untold) = turn {
            let caller = caller.map(CallerId::as_str);
            let reason = error.reason().as_str();
            let message = error.message();
            tracing::warn!(caller, reason, untold, "a call was refused: {message}");
        }
        let mut response = status::refusal(error, &call_id(request.extensions()));
        response.extensions_mut().insert(Refused);
        at_once(response)
    }
}

impl Layer for Admission {
    fn serve<S: Inner>(&self, mut request: Request<Body>, inner: &mut S) -> Answer {
        if Class::of(request.uri().path()) != Class::Call {
            return inner.call(request);
        }
        let judged = request.extensions_mut().remove::<Judged>();
        let judged = judged
            .and_then(Judged::take)
            .unwrap_or_else(|| Self::judge(&self.generations, &request));
        // Nobody behind this needs it.
        request.headers_mut().remove(AUTHORIZATION);
        match judged {
            Ok(access) => {
                note(access.caller(), request.extensions());
                if let Some(caller) = access.caller() {
                    tracing::Span::current().record("caller", caller.as_str());
                }
                request.extensions_mut().insert(access);
                inner.call(request)
            }
            Err((caller, error)) => self.refuse(caller.as_ref(), &error, &request),
        }
    }
}

/// What a call may do, or who calls, if that is known, and why it may not.
type Judgement = Result<Access, (Option<CallerId>, Error)>;

/// A judgement that was made before the layer was reached, which does not make it again: a token may have to be verified
/// for it, and one that is refused is counted. Clones share it.
#[derive(Clone)]
pub(crate) struct Judged(Arc<Mutex<Option<Judgement>>>);

impl Judged {
    pub(crate) fn new(judgement: Judgement) -> Self {
        Self(Arc::new(Mutex::new(Some(judgement))))
    }

    fn take(self) -> Option<Judgement> {
        let mut judgement = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        judgement.take()
    }
}

/// Says who calls to whoever writes it down.
fn note(caller: Option<&CallerId>, extensions: &http::Extensions) {
    if let (Some(caller), Some(trail)) = (caller, extensions.get::<Trail>()) {
        trail.caller(caller);
    }
}
