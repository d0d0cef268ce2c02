//! One span, one closing event and one observation for every call.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, LazyLock};

use http::{HeaderMap, Request, StatusCode};
use kabao_api::Reason;
use prost::Message as _;
use prost_types::FileDescriptorSet;
use tokio::time::Instant;
use tonic::body::Body;
use tonic::{Code, Status};
use tracing::{Instrument, Span};

use super::body::{Hook, hooked};
use super::refusals::{Refused, SharedRefusals, marked};
use super::{Admission, Answer, Inner, Judged, Layer, call_id, is_grpc};
use crate::access::Certified;
use crate::audit::{Audit, Trail};
use crate::generation::Generations;
use crate::load::Class;
use crate::observer::{CallObserver, Sender};
use crate::share::Peer;

/// Where a caller says below which span it makes a call (W3C Trace Context).
pub(crate) const TRACEPARENT: &str = "traceparent";

/// Records method, code and time of every call; nothing of its content. What is written down of a call is begun and
/// ended here as well.
#[derive(Clone)]
pub(crate) struct Trace {
    generations: Generations,
    observer: Option<Arc<dyn CallObserver>>,
    audit: Option<Arc<dyn Audit>>,
    refusals: SharedRefusals,
}

impl Trace {
    pub(crate) fn new(
        generations: Generations,
        observer: Option<Arc<dyn CallObserver>>,
        audit: Option<Arc<dyn Audit>>,
        refusals: SharedRefusals,
    ) -> Self {
        Self {
            generations,
            observer,
            audit,
            refusals,
        }
    }

    /// Returns who sends a call that says below which span it was made; whoever that is decides whether it is traced.
    /// What is found out for it is not found out again.
    fn sender(&self, request: &mut Request<Body>) -> Sender {
        if !request.headers().contains_key(TRACEPARENT) {
            return Sender::Stranger;
        }
        if Class::of(request.uri().path()) != Class::Call || !is_grpc(request) {
            // Open to everybody, so nobody says who they are; the connection may.
            let generation = self.generations.current();
            let certified = request.extensions().get::<Certified>();
            return match certified {
                Some(Certified(Ok(_))) => Sender::Known,
                None if !generation.asks_for_names() => Sender::Nameless,
                _ => Sender::Stranger,
            };
        }
        let judgement = Admission::judge(&self.generations, request);
        let sender = match &judgement {
            Ok(access) if access.caller().is_none() => Sender::Nameless,
            Ok(_) | Err((Some(_), _)) => Sender::Known,
            Err((None, _)) => Sender::Stranger,
        };
        request.extensions_mut().insert(Judged::new(judgement));
        sender
    }

    /// Begins what is written down of a call of the API.
    fn trail(&self, label: &'static str, request: &mut Request<Body>) -> Trail {
        let Some(audit) = &self.audit else {
            return Trail::default();
        };
        if Class::of(request.uri().path()) != Class::Call {
            return Trail::default();
        }
        let extensions = request.extensions_mut();
        let peer = extensions.get::<Peer>().map(|peer| peer.caller);
        let trail = Trail::new(Arc::clone(audit), label, call_id(extensions), peer);
        extensions.insert(trail.clone());
        trail
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trace")
    }
}

impl Layer for Trace {
    fn serve<S: Inner>(&self, mut request: Request<Body>, inner: &mut S) -> Answer {
        let label = LABELS.label(request.uri().path());
        let trail = self.trail(label, &mut request);
        let sender = self.sender(&mut request);
        let path = request.uri().path();
        let (service, method) = split(path);
        let span = tracing::info_span!(
            "grpc",
            otel.kind = "server",
            rpc.system = "grpc",
            rpc.service = service,
            rpc.method = method,
            request_id = %call_id(request.extensions()),
            caller = tracing::field::Empty,
            account = tracing::field::Empty,
        );
        if let Some(observer) = &self.observer {
            observer.arrived(label, request.headers(), sender, &span);
        }
        let mut observed = Observed {
            observer: self.observer.clone(),
            trail,
            reason: None,
            span: span.clone(),
            started: Instant::now(),
            label,
            code: None,
            is_quiet: Class::of(path) != Class::Call,
            untold: None,
        };
        let refusals = self.refusals.clone();
        let answer = span.in_scope(|| inner.call(request));
        let observing = async move {
            let response = answer.await?;
            observed.code = code_of(response.status());
            observed.headers(response.headers());
            observed.reason = response.extensions().get().copied();
            observed.is_quiet |= response.extensions().get::<Refused>().is_some();
            if let Some(reason) = marked(response.extensions()) {
                let turn = refusals.turn(Instant::now());
                observed.is_quiet |= turn.is_none();
                observed.untold = turn.map(|untold| (reason, untold));
            }
            Ok(response.map(|body| hooked(body, observed)))
        };
        Box::pin(observing.instrument(span))
    }
}

/// What clients of gRPC make of an HTTP status that is not gRPC at all; nothing yet for 200.
fn code_of(status: StatusCode) -> Option<Code> {
    match status.as_u16() {
        200 => None,
        400 => Some(Code::Internal),
        401 => Some(Code::Unauthenticated),
        403 => Some(Code::PermissionDenied),
        404 => Some(Code::Unimplemented),
        429 | 502 | 503 | 504 => Some(Code::Unavailable),
        _ => Some(Code::Unknown),
    }
}

/// Splits a path into service and method. Paths that cannot be ours are not repeated: anybody may
/// write anything there.
fn split(path: &str) -> (&str, &str) {
    let word = |text: &str| {
        text.len() <= 100
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_')
    };
    match path.strip_prefix('/').and_then(|path| path.split_once('/')) {
        Some((service, method)) if word(service) && word(method) => (service, method),
        _ => ("(other)", "(other)"),
    }
}

/// A call from its first byte to its last.
struct Observed {
    observer: Option<Arc<dyn CallObserver>>,
    trail: Trail,
    /// Why a layer has answered in place of the service.
    reason: Option<Reason>,
    span: Span,
    started: Instant,
    label: &'static str,
    code: Option<Code>,
    /// Whether its end is told in detail only: health and reflection are open to whoever reaches the port, and of calls
    /// that are refused there is a line a second.
    is_quiet: bool,
    /// Why it was refused, and how many others were that have no line of their own.
    untold: Option<(Reason, u64)>,
}

impl Observed {
    fn headers(&mut self, headers: &HeaderMap) {
        // The number is enough: reading the whole status would copy its details.
        if let Some(status) = headers.get(Status::GRPC_STATUS) {
            self.code = Some(Code::from_bytes(status.as_bytes()));
        }
    }
}

impl Hook for Observed {
    fn trailers(&mut self, trailers: &mut HeaderMap) {
        self.headers(trailers);
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        // Without a status the caller went away, or the server is stopping.
        let code = self.code.unwrap_or(Code::Cancelled);
        let elapsed = self.started.elapsed();
        self.trail.end(code, self.reason);
        // Whole microseconds.
        let elapsed_ms = (elapsed.as_secs_f64() * 1e6).round() / 1e3;
        let is_quiet = self.is_quiet;
        let (refused, untold) = self.untold.unzip();
        let refused = refused.map(Reason::as_str);
        self.span.in_scope(|| {
            if is_quiet {
                tracing::debug!(code = ?code, elapsed_ms, "call finished");
            } else {
                tracing::info!(code = ?code, elapsed_ms, refused, untold, "call finished");
            }
        });
        if let Some(observer) = &self.observer {
            observer.ended(self.label, code, elapsed, &self.span);
        }
    }
}

static LABELS: LazyLock<Methods> = LazyLock::new(Methods::of_the_api);

/// The methods that exist, as full names such as `kabao.v1.MemberService/GetMember`.
#[derive(Debug)]
struct Methods(BTreeSet<&'static str>);

impl Methods {
    /// What calls of methods that do not exist are counted as (gRFC A66).
    const OTHER: &'static str = "other";

    /// Services that stand beside the API and that its descriptors do not hold.
    const STANDARD: [&'static str; 4] = [
        "grpc.health.v1.Health/Check",
        "grpc.health.v1.Health/Watch",
        "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    ];

    /// Every method of the descriptors, health and reflection. The names are kept for the rest of the
    /// process.
    fn of_the_api() -> Self {
        let files = FileDescriptorSet::decode(kabao_proto::DESCRIPTOR_SET).unwrap_or_default();
        let services = files.file.iter().flat_map(|file| {
            let service = move |service| (file.package(), service);
            file.service.iter().map(service)
        });
        let names = services.flat_map(|(package, service)| {
            service.method.iter().map(move |method| {
                let name = format!("{package}.{}/{}", service.name(), method.name());
                &*Box::leak(name.into_boxed_str())
            })
        });
        Self(names.chain(Self::STANDARD).collect())
    }

    /// The label for a request path.
    fn label(&self, path: &str) -> &'static str {
        path.strip_prefix('/')
            .and_then(|name| self.0.get(name))
            .copied()
            .unwrap_or(Self::OTHER)
    }
}

#[cfg(test)]
mod tests;
