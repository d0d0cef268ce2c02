//! Who has changed what, and who was refused: told once a call, to whoever writes it down.

pub(crate) mod subjects;
mod trail;

use std::fmt;

use kabao_api::{AccountId, CallId, CallerId, ChangeState, Error, Reason, RequestId};
use tonic::Code;

use crate::share::Caller;

pub(crate) use self::trail::{ItemTrail, Trail};

/// Writes down changes and refusals. Implementations return at once and never wait for a disk.
///
/// A change is a call of a method that is in no group but [`Group::Read`](crate::Group::Read), once nothing is wrong
/// with the call itself and its account is found; of a batch, each item is one.
pub trait Audit: Send + Sync {
    /// Makes room for the record of one change. Each success is followed by one record of the kind
    /// [`AuditKind::Change`].
    ///
    /// # Errors
    ///
    /// Why nothing may be changed: what could not be written down must not happen.
    fn admit(&self) -> Result<(), Error>;

    /// Takes a record.
    fn record(&self, record: &AuditRecord<'_>);
}

/// What a record is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditKind {
    /// A call, or an item of a batch, that changes something, at the moment in which its caller heard of the end.
    Change,
    /// A call that was refused because of who called: not known, not allowed to, or not shown a credential.
    Refusal,
    /// The end of a change whose call had ended without it.
    LateEnd,
}

/// What is told of a call. It holds names that are personal data ([`subjects`](Self::subjects)).
#[derive(Clone)]
pub struct AuditRecord<'a> {
    /// What it is of.
    pub kind: AuditKind,
    /// Who called, if that is known.
    pub caller: Option<&'a CallerId>,
    /// From where.
    pub peer: Option<Caller>,
    /// The full name of the method, or `other`.
    pub method: &'static str,
    /// The account that the call names; for a refusal, there may be none of that name.
    pub account: Option<&'a AccountId>,
    /// What is changed: names of resources, codes and openids, as far as the call has them.
    pub subjects: &'a [String],
    /// The id of the call.
    pub call_id: &'a CallId,
    /// The id of the change.
    pub request_id: Option<&'a RequestId>,
    /// The place of an item in its batch.
    pub item: Option<i32>,
    /// What the caller was told; [`Code::Cancelled`] if it was not there any more.
    pub code: Code,
    /// Why.
    pub reason: Option<Reason>,
    /// WeChat's id of the last request of the change that was answered.
    pub upstream_request_id: Option<&'a str>,
    /// How the journal has the change, if it has it.
    pub change: Option<ChangeState>,
    /// Whether the call ended without anybody knowing that nothing was changed. Of such a change a
    /// [`LateEnd`](AuditKind::LateEnd) follows, unless [`change`](Self::change) says it already, or nothing was sent.
    pub may_have_executed: bool,
}

impl fmt::Debug for AuditRecord<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditRecord")
            .field("kind", &self.kind)
            .field("caller", &self.caller)
            .field("method", &self.method)
            .field("account", &self.account)
            .field("subjects", &self.subjects.len())
            .field("call_id", &self.call_id)
            .field("request_id", &self.request_id)
            .field("code", &self.code)
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}
