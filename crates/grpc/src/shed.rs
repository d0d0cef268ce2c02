//! Calls that an account refuses because it has too much to do, before anything is begun for them.
//!
//! Under overload most calls are refused, and what layers, services and clients begin for a call costs many times what it
//! takes to see that it is in vain. So while calls are being refused, a call is looked at first: who calls and whether they
//! may, what is asked for, and whether the account would refuse it. Whatever is not certain, or is anything else than that,
//! takes the way of all calls, and finds everything as if nobody had looked. So does one refusal a second, which the log
//! tells of, and who sends a trace along, so that a span tells of it. What a journal may know of a change is never certain
//! here, so a repeat is answered whether there is room or not.

mod asked;
mod begun;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as HttpBody;
use kabao_api::{Account, CallContext, Error};
use tokio::time::Instant;
use tonic::body::Body;
use tracing::Span;

use self::asked::{Asked, Reader};
use self::begun::Begun;
use crate::access::Access;
use crate::audit::{Audit, Trail};
use crate::call::{self, Expected};
use crate::generation::Generations;
use crate::idempotency::Idempotency;
use crate::layer::{
    Admission, CallIds, Deadlines, Judged, Settled, SharedRefusals, TRACEPARENT, age, is_grpc,
};
use crate::observer::{CallObserver, Sender};
use crate::share::Peer;
use crate::status::Refusal;

/// What says that a message is compressed.
const ENCODING: &str = "grpc-encoding";

/// Answers calls that are refused anyway.
#[derive(Clone)]
pub(crate) struct Shed(Arc<Inner>);

struct Inner {
    parts: Parts,
    /// The methods that are looked at, by their paths.
    methods: HashMap<&'static str, Reader>,
}

impl fmt::Debug for Shed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shed")
    }
}

/// What became of a call that was looked at.
pub(crate) enum Looked<B: HttpBody> {
    Refused(Response<Body>),
    /// It goes on as it came.
    Passed(Request<Begun<B>>),
}

/// What a server hands over to whatever looks at its calls.
pub(crate) struct Parts {
    pub(crate) generations: Generations,
    pub(crate) deadlines: Deadlines,
    pub(crate) has_cache: bool,
    pub(crate) ids: CallIds,
    pub(crate) refusals: SharedRefusals,
    pub(crate) observer: Option<Arc<dyn CallObserver>>,
    pub(crate) audit: Option<Arc<dyn Audit>>,
}

impl Shed {
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(Inner {
            parts,
            methods: asked::methods(),
        }))
    }

    /// Looks at a call that has just arrived.
    pub(crate) fn look<B>(&self, request: Request<B>) -> Looked<B>
    where
        B: HttpBody<Data = Bytes> + Unpin,
    {
        let now = Instant::now();
        let mut request = request.map(Begun::new);
        // Calm days end here.
        if !self.0.parts.refusals.are_being_told(now) {
            return Looked::Passed(request);
        }
        match self.0.refuse(&mut request, now) {
            Some(answer) => Looked::Refused(answer),
            None => Looked::Passed(request),
        }
    }
}

/// A call that somebody may make.
struct Call<'c> {
    label: &'static str,
    reader: Reader,
    context: CallContext,
    access: &'c Access,
    account: &'c Account,
    asked: Asked,
    idempotency: Idempotency,
    peer: Option<Peer>,
}

impl Inner {
    fn refuse<B>(&self, request: &mut Request<Begun<B>>, now: Instant) -> Option<Response<Body>>
    where
        B: HttpBody<Data = Bytes> + Unpin,
    {
        let (&path, &reader) = self.methods.get_key_value(request.uri().path())?;
        let headers = request.headers();
        if !is_grpc(request)
            || [ENCODING, TRACEPARENT]
                .iter()
                .any(|name| headers.contains_key(*name))
        {
            return None;
        }
        let deadline = self.parts.deadlines.work_until(headers)?;
        let judgement = Admission::judge(&self.parts.generations, request);
        let answer = match &judgement {
            Ok(access) => self.refuse_of(request, (path, reader), deadline, access, now),
            Err(_) => None,
        };
        if answer.is_none() {
            request.extensions_mut().insert(Judged::new(judgement));
        }
        answer
    }

    /// Refuses a call of somebody who may make it.
    fn refuse_of<B>(
        &self,
        request: &mut Request<Begun<B>>,
        (path, reader): (&'static str, Reader),
        deadline: std::time::Instant,
        access: &Access,
        now: Instant,
    ) -> Option<Response<Body>>
    where
        B: HttpBody<Data = Bytes> + Unpin,
    {
        let message = request.body_mut().whole()?;
        let idempotency = Idempotency::begin(request.headers(), Settled::default());
        let asked = reader.read(&message, &idempotency)?;
        let account = access
            .account(&self.parts.generations, &asked.account)
            .ok()?;

        let (id, echo) = self.parts.ids.of(request.headers());
        let peer = request.extensions().get::<Peer>().copied();
        let mut context = call::context(access, peer, asked.account.clone(), id);
        context.deadline = Some(deadline);
        context.request_id.clone_from(&asked.request_id);
        context.freshness = self.parts.has_cache.then(|| age::wanted(request.headers()));
        let Some(error) = asked.refusal(&account, &context) else {
            request.extensions_mut().insert(Expected);
            return None;
        };
        let call = Call {
            label: path.trim_start_matches('/'),
            reader,
            context,
            access,
            account: &account,
            asked,
            idempotency,
            peer,
        };
        let trail = call.write_down(self.parts.audit.as_ref(), &error)?;

        self.parts.refusals.add();
        let (code, mut answer) = Refusal {
            id: &call.context.call_id,
            account: Some(&call.context.account),
            rename: call.reader.rename(),
        }
        .answer(&error);
        trail.end(code, None);
        if let Some(observer) = &self.parts.observer {
            observer.arrived(
                call.label,
                request.headers(),
                Sender::Stranger,
                &Span::none(),
            );
            observer.ended(call.label, code, now.elapsed(), &Span::none());
        }
        call.idempotency.settled().tell(answer.headers_mut());
        CallIds::sign(answer.headers_mut(), echo);
        Some(answer)
    }
}

impl Call<'_> {
    /// Begins the record of a change that is refused, which gets its id before; `None` if there is no room for it.
    fn write_down(&self, audit: Option<&Arc<dyn Audit>>, error: &Error) -> Option<Trail> {
        if !self.asked.is_change {
            return Some(Trail::default());
        }
        let given = self.asked.request_id.clone();
        let id = self.idempotency.settle(self.account, given);
        let Some(audit) = audit else {
            return Some(Trail::default());
        };
        let call_id = self.context.call_id.clone();
        let caller = self.peer.map(|peer| peer.caller);
        let trail = Trail::new(Arc::clone(audit), self.label, call_id, caller);
        if let Some(caller) = self.access.caller() {
            trail.caller(caller);
        }
        trail.account(&self.context.account);
        trail.begin(id.as_ref(), || self.asked.subjects()).ok()?;
        trail.failed(error);
        Some(trail)
    }
}
