//! The stack: services, and around them the layers.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use kabao_proto::kabao::officialaccount::v1::client_signature_service_server::ClientSignatureServiceServer;
use kabao_proto::kabao::v1::account_service_server::AccountServiceServer;
use kabao_proto::kabao::v1::change_service_server::ChangeServiceServer;
use kabao_proto::kabao::v1::media_service_server::MediaServiceServer;
use kabao_proto::kabao::v1::member_service_server::MemberServiceServer;
use kabao_proto::kabao::v1::template_service_server::TemplateServiceServer;
use tonic::body::Body;
use tonic_health::pb::health_server::HealthServer;
use tower_service::Service;

use crate::arrival;
use crate::audit::Audit;
use crate::client_signature::ClientSignatureGrpc;
use crate::family::{FamilyService, Listing};
use crate::generation::Generations;
use crate::layer::{
    Admission, Answer, CallIds, Completion, Concurrency, Deadlines, PART, Panics, Protocol,
    RequestIds, SharedRefusals, Trace, With,
};
use crate::load::Load;
use crate::observer::CallObserver;
use crate::policy::Policy;
use crate::router::{Router, RouterBuilder};
use crate::share::Bounds;
use crate::shed::{self, Looked, Shed};
use crate::sizes::{MAX_MESSAGE_BYTES, MAX_QUESTION_BYTES};
use crate::tokens::Tokens;
use crate::{AccountGrpc, ChangeGrpc, Health, MediaGrpc, MemberGrpc, TemplateGrpc, reflection};

/// Builds the gRPC service of the gateway.
///
/// Messages are limited to 4 MiB, those to health and reflection to 16 KiB. The layers, from the outside: id of the call,
/// id of the change and age of the answer,
/// trace, completion of statuses, protocol checks, panics, admission (who calls, and whether they may),
/// deadlines, concurrency. Around all of them
/// the body of a request is bounded in time.
#[must_use]
pub struct Server {
    generations: Generations,
    deadlines: Deadlines,
    stall: Duration,
    calls: Calls,
    request_memory: usize,
    reflection: bool,
    has_cache: bool,
    observer: Option<Arc<dyn CallObserver>>,
    audit: Option<Arc<dyn Audit>>,
}

/// How many calls at a time, and how many of one; a share that nobody named follows from the whole.
#[derive(Clone, Copy, Debug)]
struct Calls {
    total: usize,
    per_connection: Option<usize>,
    per_caller: Option<usize>,
    health: usize,
}

impl Calls {
    fn bounds(self) -> Bounds {
        let Self { total, .. } = self;
        Bounds {
            total,
            per_connection: self.per_connection.unwrap_or((total / 2).max(1)),
            per_caller: self.per_caller.unwrap_or((total - total / 4).max(1)),
        }
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("deadlines", &self.deadlines)
            .field("calls", &self.calls)
            .field("reflection", &self.reflection)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// The time of a call whose caller names none.
    pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(10);

    /// The time that no call exceeds unless [`max_deadline`](Self::max_deadline) says otherwise.
    pub const MAX_DEADLINE: Duration = Duration::from_secs(60);

    /// The time that no stream of answers exceeds unless
    /// [`max_stream_deadline`](Self::max_stream_deadline) says otherwise: enough for a batch of 10,000
    /// changes at the ten calls a second that WeChat allows the slowest family.
    pub const MAX_STREAM_DEADLINE: Duration = Duration::from_secs(3600);

    /// How long a call waits for the rest of its request unless [`stall`](Self::stall) says otherwise.
    pub const STALL: Duration = Duration::from_secs(10);

    /// How many bytes requests in flight may hold together unless
    /// [`max_request_memory`](Self::max_request_memory) says otherwise.
    pub const REQUEST_MEMORY: usize = 64 * 1024 * 1024;

    /// Starts with the defaults: [`DEFAULT_DEADLINE`](Self::DEFAULT_DEADLINE),
    /// [`MAX_DEADLINE`](Self::MAX_DEADLINE), [`STALL`](Self::STALL), [`MAX_STREAM_DEADLINE`](Self::MAX_STREAM_DEADLINE), 1024
    /// calls in flight, of these a half of one connection and three quarters of one caller, 1024
    /// health checks and watches, reflection on.
    ///
    /// It serves accounts to everybody, or [`Generations`] that somebody replaces.
    pub fn builder(generations: impl Into<Generations>) -> Self {
        Self {
            generations: generations.into(),
            deadlines: Deadlines {
                default: Self::DEFAULT_DEADLINE,
                max: Self::MAX_DEADLINE,
                max_stream: Self::MAX_STREAM_DEADLINE,
            },
            stall: Self::STALL,
            calls: Calls {
                total: 1024,
                per_connection: None,
                per_caller: None,
                health: 1024,
            },
            request_memory: Self::REQUEST_MEMORY,
            reflection: true,
            has_cache: false,
            observer: None,
            audit: None,
        }
    }

    /// Tells callers of answers that come out of a cache how old they are, and heeds that some want none of these. Without
    /// it every answer is read anew.
    pub fn cached_answers(mut self) -> Self {
        self.has_cache = true;
        self
    }

    /// Tells `observer` of every call.
    pub fn observer(mut self, observer: Arc<dyn CallObserver>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Takes the holders of `tokens` for callers in the present generation: [`Generation::tokens`](crate::Generation::tokens).
    pub fn tokens(self, tokens: Arc<dyn Tokens>) -> Self {
        let present = (*self.generations.current()).clone();
        self.generations.replace(present.tokens(Some(tokens)));
        self
    }

    /// Tells `audit` of every change and of every caller who is refused.
    pub fn audit(mut self, audit: Arc<dyn Audit>) -> Self {
        self.audit = Some(audit);
        self
    }

    /// Sets the policy of the present generation: [`Generation::policy`](crate::Generation::policy).
    pub fn policy(self, policy: Arc<Policy>) -> Self {
        let present = (*self.generations.current()).clone();
        self.generations.replace(present.policy(Some(policy)));
        self
    }

    /// Sets the time for calls whose caller names no `grpc-timeout`.
    pub fn default_deadline(mut self, timeout: Duration) -> Self {
        self.deadlines.default = timeout;
        self
    }

    /// Sets the time that no call exceeds, whatever its caller wants.
    pub fn max_deadline(mut self, timeout: Duration) -> Self {
        self.deadlines.max = timeout;
        self
    }

    /// Sets the time that no stream of answers exceeds (batches, watches), whatever its caller wants;
    /// callers that name none get it whole.
    pub fn max_stream_deadline(mut self, timeout: Duration) -> Self {
        self.deadlines.max_stream = timeout;
        self
    }

    /// Sets how long a call waits for the rest of its request: for all of a message that is alone, for the
    /// next piece of a stream. After that it ends with `DEADLINE_EXCEEDED`, whatever time its caller gave it.
    pub fn stall(mut self, patience: Duration) -> Self {
        self.stall = patience;
        self
    }

    /// Sets how many calls may be in flight over all connections; more are refused with
    /// `RESOURCE_EXHAUSTED`. Health checks and reflection do not count: they have places of their own.
    pub fn max_calls(mut self, calls: usize) -> Self {
        self.calls.total = calls;
        self
    }

    /// Sets how many of them one connection may have; a half by default, so twice as many as it has
    /// streams at a time: a client that gives up calls and begins others has both for a moment. The
    /// listener says which connection that is by a [`Peer`](crate::Peer) in the extensions of the request.
    pub fn max_calls_per_connection(mut self, calls: usize) -> Self {
        self.calls.per_connection = Some(calls);
        self
    }

    /// Sets how many of them one caller may have on all its connections; three quarters by default.
    pub fn max_calls_per_caller(mut self, calls: usize) -> Self {
        self.calls.per_caller = Some(calls);
        self
    }

    /// Sets how many bytes the requests of calls in flight may hold together, of each what it has beyond 64 KiB; one
    /// connection half of that, one caller three quarters. A request above it is refused with `RESOURCE_EXHAUSTED`.
    pub fn max_request_memory(mut self, bytes: usize) -> Self {
        self.request_memory = bytes;
        self
    }

    /// Sets how many health checks and watches there may be at a time. A watch stays for as long as its
    /// connection, so there should be as many as connections.
    pub fn max_health_calls(mut self, calls: usize) -> Self {
        self.calls.health = calls;
        self
    }

    /// Leaves server reflection out.
    pub fn without_reflection(mut self) -> Self {
        self.reflection = false;
        self
    }

    /// Returns the service for the listeners, and the handle that says how it is.
    pub fn into_service(self) -> (GrpcService, Health) {
        let health = Health::new();
        let mut router = RouterBuilder::default();
        let accounts = AccountGrpc::new(self.generations.clone());
        router
            .add(AccountServiceServer::new(accounts).max_encoding_message_size(MAX_MESSAGE_BYTES));
        let changes = ChangeGrpc::new(self.generations.clone());
        router.add(ChangeServiceServer::new(changes).max_encoding_message_size(MAX_MESSAGE_BYTES));
        let members = MemberGrpc::new(self.generations.clone());
        router.add(MemberServiceServer::new(members).max_encoding_message_size(MAX_MESSAGE_BYTES));
        let templates = TemplateGrpc::new(self.generations.clone());
        router.add(
            TemplateServiceServer::new(templates).max_encoding_message_size(MAX_MESSAGE_BYTES),
        );
        let media = MediaGrpc::new(self.generations.clone());
        router.add(MediaServiceServer::new(media).max_encoding_message_size(MAX_MESSAGE_BYTES));
        let signatures = ClientSignatureGrpc::new(self.generations.clone());
        router.add(
            ClientSignatureServiceServer::new(signatures)
                .max_encoding_message_size(MAX_MESSAGE_BYTES),
        );
        let family = FamilyService::new(self.generations.clone());
        for service in family.services() {
            match service {
                Listing::Listed(name) => router.add_named(name, family.clone()),
                Listing::Unlisted(name) => router.add_unlisted(name, family.clone()),
            }
        }
        let checks = HealthServer::new(health.service(router.names().to_vec()));
        router.add(checks.max_decoding_message_size(MAX_QUESTION_BYTES));
        if self.reflection {
            reflection::register(&mut router);
        }

        let (refusals, ids) = (SharedRefusals::default(), CallIds::new());
        let shed = Shed::new(shed::Parts {
            generations: self.generations.clone(),
            deadlines: self.deadlines,
            has_cache: self.has_cache,
            ids: ids.clone(),
            refusals: refusals.clone(),
            observer: self.observer.clone(),
            audit: self.audit.clone(),
        });
        let load = Load::new(
            self.calls.bounds(),
            self.calls.health,
            self.request_memory / PART,
        );
        let concurrency = Concurrency::new(load.clone(), self.observer.clone());
        let service = With::new(concurrency, router.build());
        let service = With::new(self.deadlines, service);
        let service = With::new(Admission::new(self.generations.clone()), service);
        let service = With::new(Panics, service);
        let service = With::new(Protocol::default(), service);
        let service = With::new(Completion, service);
        let trace = Trace::new(self.generations, self.observer, self.audit, refusals);
        let service = With::new(trace, service);
        let has_cache = self.has_cache;
        let service = With::new(RequestIds { has_cache }, service);
        let stack = With::new(ids, service);
        let service = GrpcService {
            shed,
            stack,
            load,
            stall: self.stall,
        };
        (service, health)
    }
}

type Stack =
    With<CallIds, With<RequestIds, With<Trace, With<Completion, With<Protocol, Guarded>>>>>;
type Guarded = With<Panics, With<Admission, With<Deadlines, With<Concurrency, Router>>>>;

/// All services with their layers: one `tower` service, cheap to clone for every connection.
///
/// It takes the requests of hyper as they are and never fails: failures are statuses.
#[derive(Clone, Debug)]
pub struct GrpcService {
    shed: Shed,
    stack: Stack,
    load: Load,
    stall: Duration,
}

impl GrpcService {
    /// Returns how many calls are in flight.
    pub fn load(&self) -> &Load {
        &self.load
    }
}

impl<B> Service<Request<B>> for GrpcService
where
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send + Unpin,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = GrpcFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.stack.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> GrpcFuture {
        match self.shed.look(request) {
            Looked::Refused(answer) => GrpcFuture(State::Answered(Some(answer))),
            Looked::Passed(request) => {
                let request = arrival::bounded(request, self.stall);
                GrpcFuture(State::Running(self.stack.call(request)))
            }
        }
    }
}

/// The answer to one call.
pub struct GrpcFuture(State);

enum State {
    /// At once; `None` once it was taken.
    Answered(Option<Response<Body>>),
    Running(Answer),
}

impl GrpcFuture {
    /// Tells whether the answer is there already.
    pub fn is_answered(&self) -> bool {
        matches!(self.0, State::Answered(Some(_)))
    }
}

impl Future for GrpcFuture {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Running(answer) => answer.as_mut().poll(cx),
            State::Answered(answer) => match answer.take() {
                Some(answer) => Poll::Ready(Ok(answer)),
                // It is over.
                None => Poll::Pending,
            },
        }
    }
}

impl std::fmt::Debug for GrpcFuture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GrpcFuture")
    }
}
