//! Reads that an account refuses because it has too much to do, before anything is begun for them.
//!
//! Under overload most calls are refused, and what layers, services and clients begin for a call costs many times what it
//! takes to see that it is in vain. So while calls are being refused, a read is looked at first: who calls and whether they
//! may, what is asked for, and whether the account would refuse it. Whatever is not certain, or is anything else than that,
//! takes the way of all calls, and finds everything as if nobody had looked. So does one refusal a second, which the log
//! tells of, and who sends a trace along, so that a span tells of it.

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::{Buf, Bytes};
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use kabao_api::{CallContext, CallerKey};
use kabao_models::Effect;
use tokio::time::Instant;
use tonic::body::Body;
use tracing::Span;

use crate::access::Access;
use crate::generated::METHODS;
use crate::generation::Generations;
use crate::idempotency;
use crate::layer::{
    Admission, CallIds, Deadlines, Judged, SharedRefusals, TRACEPARENT, age, is_grpc,
};
use crate::method::Method;
use crate::observer::{CallObserver, Sender};
use crate::share::Peer;
use crate::status::Refusal;
use crate::wire::{self, account_id};

/// What says that a message is compressed.
const ENCODING: &str = "grpc-encoding";

/// Flag and length before a message.
const PREFIX: usize = 5;

/// Answers calls that are refused anyway.
#[derive(Clone)]
pub(crate) struct Shed(Arc<Inner>);

struct Inner {
    generations: Generations,
    /// Reading methods by their paths.
    methods: HashMap<&'static str, &'static Method>,
    deadlines: Deadlines,
    has_cache: bool,
    ids: CallIds,
    refusals: SharedRefusals,
    observer: Option<Arc<dyn CallObserver>>,
}

impl fmt::Debug for Shed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shed")
    }
}

/// Marks a call for which a place is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected;

/// What became of a call that was looked at.
pub(crate) enum Looked<B: HttpBody> {
    Refused(Response<Body>),
    /// It goes on as it came.
    Passed(Request<Begun<B>>),
}

impl Shed {
    pub(crate) fn new(
        generations: Generations,
        deadlines: Deadlines,
        has_cache: bool,
        ids: CallIds,
        refusals: SharedRefusals,
        observer: Option<Arc<dyn CallObserver>>,
    ) -> Self {
        let reads = METHODS.iter().filter(|method| {
            let operation = method.operation;
            operation.effect == Effect::Read && !operation.credential && operation.upload.is_none()
        });
        Self(Arc::new(Inner {
            generations,
            methods: reads.map(|method| (method.path, method)).collect(),
            deadlines,
            has_cache,
            ids,
            refusals,
            observer,
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
        if !self.0.refusals.are_being_told(now) {
            return Looked::Passed(request);
        }
        match self.0.refuse(&mut request, now) {
            Some(answer) => Looked::Refused(answer),
            None => Looked::Passed(request),
        }
    }
}

impl Inner {
    fn refuse<B>(&self, request: &mut Request<Begun<B>>, now: Instant) -> Option<Response<Body>>
    where
        B: HttpBody<Data = Bytes> + Unpin,
    {
        let method = *self.methods.get(request.uri().path())?;
        let headers = request.headers();
        if !is_grpc(request)
            || [ENCODING, TRACEPARENT]
                .iter()
                .any(|name| headers.contains_key(*name))
        {
            return None;
        }
        let deadline = self.deadlines.work_until(headers)?;
        let judgement = Admission::judge(&self.generations, request);
        let answer = match &judgement {
            Ok(access) => self.refuse_of(request, method, deadline, access, now),
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
        method: &'static Method,
        deadline: std::time::Instant,
        access: &Access,
        now: Instant,
    ) -> Option<Response<Body>>
    where
        B: HttpBody<Data = Bytes> + Unpin,
    {
        let asked = wire::read_request(method.operation, &request.body_mut().whole()?).ok()?;
        let id = account_id(&asked.account).ok()?;
        let account = access.account(&self.generations, &id).ok()?;
        if account.family != method.operation.family {
            return None;
        }
        let asked = asked.finish().ok()?;

        let (call_id, echo) = self.ids.of(request.headers());
        let mut context = CallContext::new(id, call_id).with_deadline(deadline);
        context.turns_of = match access.caller() {
            Some(caller) => Some(CallerKey::new(caller.as_str())),
            None => request
                .extensions()
                .get()
                .map(|peer: &Peer| CallerKey::from(peer.caller)),
        };
        context.caller = access.caller().cloned();
        context.freshness = self.has_cache.then(|| age::wanted(request.headers()));
        let Some(error) = account.upstream.refusal(&context, &*asked) else {
            request.extensions_mut().insert(Expected);
            return None;
        };

        self.refusals.add();
        let status = Refusal {
            id: &context.call_id,
            account: Some(&context.account),
            rename: Some(idempotency::in_metadata),
        }
        .status(&error);
        if let Some(observer) = &self.observer {
            let label = method.path.trim_start_matches('/');
            observer.arrived(label, request.headers(), Sender::Stranger, &Span::none());
            observer.ended(label, status.code(), now.elapsed(), &Span::none());
        }
        let mut answer = status.into_http();
        CallIds::sign(answer.headers_mut(), echo);
        Some(answer)
    }
}

/// The body of a request whose beginning was looked at.
pub(crate) struct Begun<B: HttpBody> {
    first: Option<Result<Frame<Bytes>, B::Error>>,
    body: B,
}

impl<B> Begun<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
{
    fn new(body: B) -> Self {
        Self { first: None, body }
    }

    /// Returns the only message, if it is there already and as it is.
    fn whole(&mut self) -> Option<Bytes> {
        if self.first.is_none() && !self.body.is_end_stream() {
            // Whoever reads the body afterwards asks once more to be woken.
            let mut unheard = Context::from_waker(Waker::noop());
            match Pin::new(&mut self.body).poll_frame(&mut unheard) {
                Poll::Ready(frame) => self.first = frame,
                Poll::Pending => return None,
            }
        }
        if !self.body.is_end_stream() {
            return None;
        }
        let mut data = self.first.as_ref()?.as_ref().ok()?.data_ref()?.clone();
        if data.remaining() < PREFIX || data.get_u8() != 0 {
            return None;
        }
        let length = usize::try_from(data.get_u32()).ok()?;
        (data.len() == length).then_some(data)
    }
}

impl<B> HttpBody for Begun<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Unpin,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        match this.first.take() {
            Some(first) => Poll::Ready(Some(first)),
            None => Pin::new(&mut this.body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let first = self.first.as_ref().and_then(|first| first.as_ref().ok());
        let first = first.and_then(Frame::data_ref).map_or(0, Bytes::len);
        let first = u64::try_from(first).unwrap_or(u64::MAX);
        let rest = self.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(first));
        if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(first)) {
            hint.set_upper(upper);
        }
        hint
    }
}
