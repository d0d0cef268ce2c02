//! What a failure means to the caller, coarsely.

/// The coarse class of an [`Error`](crate::Error), one to one with the
/// canonical codes of gRPC.
///
/// Programs that need more than "try again, fix the call, or call a person"
/// read the [`Reason`](crate::Reason).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The caller went away.
    Cancelled,
    /// Nobody knows whether a write took effect.
    Unknown,
    /// The call itself is wrong; repeating it unchanged is pointless.
    InvalidArgument,
    /// Time ran out before the answer came.
    DeadlineExceeded,
    /// The account, template, member or other thing does not exist.
    NotFound,
    /// The thing exists already.
    AlreadyExists,
    /// The caller or the account may not do this.
    PermissionDenied,
    /// Nobody knows who calls.
    Unauthenticated,
    /// A limit is reached: ours or WeChat's.
    ResourceExhausted,
    /// The state of the account, the template or the member forbids this.
    FailedPrecondition,
    /// Another call is in the way; repeating this one later may succeed.
    Aborted,
    /// The family cannot do this.
    Unimplemented,
    /// Something that must not happen has happened.
    Internal,
    /// WeChat cannot be reached or does not answer; trying later may help.
    Unavailable,
}
