//! Who watches calls from outside the facade: metrics and traces.

use std::time::Duration;

use http::HeaderMap;
use tonic::Code;
use tracing::Span;

use crate::share::Bound;

/// What is known of whoever sends a call, when it arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A token or a certificate says who it is.
    Known,
    /// Nothing does, and no call needs that.
    Nameless,
    /// Nothing does, and so the call will be refused, unless it is one of those that are open to everybody.
    Stranger,
}

/// Watches every call from its arrival to its last frame, e.g. to count and to trace.
///
/// One place decides how a call ended, and says the same to the log and to the observer.
pub trait CallObserver: Send + Sync {
    /// A call has arrived. `span` stands around all that happens to it, the log's and the observer's alike; nothing has
    /// entered it yet, so it may still be put below a span of the caller.
    ///
    /// `method` is a full name such as `kabao.v1.MemberService/GetMember`, or `other` for what the
    /// API does not have (gRFC A66): callers cannot invent values.
    ///
    /// `sender` is looked at only if the call says below which span it was made (`traceparent`), since that is what it
    /// matters for; of others it is [`Sender::Stranger`].
    fn arrived(&self, method: &'static str, headers: &HeaderMap, sender: Sender, span: &Span);

    /// The call has ended with `code`; a caller who went away ends it with [`Code::Cancelled`].
    fn ended(&self, method: &'static str, code: Code, took: Duration, span: &Span);

    /// A call was refused because of `bound`. `class` is `calls`, `health` or `reflection`.
    fn refused(&self, class: &'static str, bound: Bound) {
        let _ = (class, bound);
    }
}

/// Returns the name of a code as the gRPC specification spells it.
pub const fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
