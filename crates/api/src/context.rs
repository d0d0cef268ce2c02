//! What travels with every call besides its arguments.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::{
    AccountId, CallId, CallerId, CallerKey, Entry, Freshness, Progress, RequestId, Urgency, Witness,
};

/// Who is called, under which id, and until when.
///
/// The account of the context decides whose credentials are used; there is no default.
#[derive(Clone)]
#[non_exhaustive]
pub struct CallContext {
    /// The account whose credentials are used.
    pub account: AccountId,
    /// What names this call in logs, traces and answers.
    pub call_id: CallId,
    /// Who asked for it; `None` where nobody has to say so.
    pub caller: Option<CallerId>,
    /// When the caller stops waiting; `None` leaves only the bounds of the client.
    pub deadline: Option<Instant>,
    /// Identifies the intended change, where the call itself has no field for it: an operation of a
    /// family, an upload.
    pub request_id: Option<RequestId>,
    /// Among whom turns are shared; all that have none are one caller.
    pub turns_of: Option<CallerKey>,
    /// How many turns that caller gets for one of another caller, 1 to 1000; 1 unless it is said.
    pub weight: u32,
    /// Whether it makes way for other calls.
    pub urgency: Urgency,
    /// How old the answer to a read may be, and where its age is told; `None` reads anew.
    pub freshness: Option<Freshness>,
    expected: Expected,
    progress: Progress,
    repeatable: bool,
    entry: Option<Arc<dyn Entry>>,
    witness: Option<Arc<dyn Witness>>,
}

/// For which calls of a context a place is kept.
#[derive(Clone)]
enum Expected {
    No,
    /// For the only one.
    Yes,
    /// For the first one, as long as that has not come.
    First(Arc<AtomicBool>),
}

impl CallContext {
    /// Starts a context without a deadline.
    pub fn new(account: AccountId, call_id: CallId) -> Self {
        Self {
            account,
            call_id,
            caller: None,
            deadline: None,
            request_id: None,
            turns_of: None,
            weight: 1,
            urgency: Urgency::Interactive,
            freshness: None,
            expected: Expected::No,
            progress: Progress::default(),
            repeatable: true,
            entry: None,
            witness: None,
        }
    }

    /// Says who asked for it.
    #[must_use]
    pub fn with_caller(mut self, caller: CallerId) -> Self {
        self.caller = Some(caller);
        self
    }

    /// Sets when the caller stops waiting.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Identifies the intended change.
    #[must_use]
    pub fn with_request_id(mut self, request_id: RequestId) -> Self {
        self.request_id = Some(request_id);
        self
    }

    /// Says whose turns it takes.
    #[must_use]
    pub fn with_turns_of(mut self, caller: CallerKey) -> Self {
        self.turns_of = Some(caller);
        self
    }

    /// Says how many turns its caller gets for one of another caller, 1 to 1000.
    #[must_use]
    pub fn with_weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }

    /// Says that the answer to a read may come out of a cache, and where its age is told.
    #[must_use]
    pub fn with_freshness(mut self, freshness: Freshness) -> Self {
        self.freshness = Some(freshness);
        self
    }

    /// Says that it is one of many calls, which make way for those that somebody waits for.
    #[must_use]
    pub fn in_bulk(mut self) -> Self {
        self.urgency = Urgency::Bulk;
        self
    }

    /// Says that [`Upstream::refusal`](crate::Upstream::refusal) was asked about the one call that is made with this
    /// context, and has kept a place for it.
    #[must_use]
    pub fn expected(mut self) -> Self {
        self.expected = Expected::Yes;
        self
    }

    /// The same for the first of the calls that are made with this context and its clones.
    #[must_use]
    pub fn first_expected(mut self) -> Self {
        self.expected = Expected::First(Arc::new(AtomicBool::new(true)));
        self
    }

    /// Says that a journal follows the change that the call is part of.
    #[must_use]
    pub fn with_entry(mut self, entry: Arc<dyn Entry>) -> Self {
        self.entry = Some(entry);
        self
    }

    /// Says who writes down what becomes of the change that the call is part of.
    #[must_use]
    pub fn with_witness(mut self, witness: Arc<dyn Witness>) -> Self {
        self.witness = Some(witness);
        self
    }

    /// Says that it is part of another change than the one that is written down of its caller.
    #[must_use]
    pub fn without_witness(mut self) -> Self {
        self.witness = None;
        self
    }

    /// Starts to follow a write method that goes on without its caller.
    #[must_use]
    pub fn detached(mut self) -> Self {
        self.progress = Progress::followed();
        self
    }

    /// Says that whoever calls could not ask for this very change once more, because it does not know
    /// the request number or would start from another value. A failure of unknown outcome is not
    /// called retryable then, whatever the operation is.
    #[must_use]
    pub fn unrepeatable(mut self) -> Self {
        self.repeatable = false;
        self
    }

    /// Tells whether a place is kept for the next call.
    pub fn is_expected(&self) -> bool {
        match &self.expected {
            Expected::No => false,
            Expected::Yes => true,
            Expected::First(is_to_come) => is_to_come.load(Ordering::Relaxed),
        }
    }

    /// The same for whoever makes that call now, so that the place is nobody else's.
    pub fn take_expected(&self) -> bool {
        match &self.expected {
            Expected::No => false,
            Expected::Yes => true,
            Expected::First(is_to_come) => is_to_come.swap(false, Ordering::Relaxed),
        }
    }

    /// Returns the journal's entry, if a journal follows the change.
    pub fn entry(&self) -> Option<&Arc<dyn Entry>> {
        self.entry.as_ref()
    }

    /// Returns who writes down what becomes of the change, if anybody does.
    pub fn witness(&self) -> Option<&Arc<dyn Witness>> {
        self.witness.as_ref()
    }

    /// Returns how far the method got that this call is part of.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Tells whether the caller could ask for this very change once more.
    pub fn is_repeatable(&self) -> bool {
        self.repeatable
    }
}

impl fmt::Debug for CallContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallContext")
            .field("account", &self.account)
            .field("call_id", &self.call_id)
            .field("caller", &self.caller)
            .field("deadline", &self.deadline)
            .field("request_id", &self.request_id)
            .field("urgency", &self.urgency)
            .field("repeatable", &self.repeatable)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_kept_for_one_call() {
        let context = || CallContext::new("demo".parse().unwrap(), "r-1".parse().unwrap());
        assert!(!context().is_expected() && !context().take_expected());
        let only = context().expected();
        assert!(only.is_expected() && only.take_expected());
        let first = context().first_expected();
        let clone = first.clone();
        assert!(first.is_expected() && clone.is_expected());
        assert!(clone.take_expected());
        assert!(!first.is_expected() && !first.take_expected());
    }
}
