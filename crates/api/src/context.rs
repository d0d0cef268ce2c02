//! What travels with every call besides its arguments.

use std::time::Instant;

use crate::{AccountId, CallId};

/// Who is called, under which id, and until when.
///
/// The account of the context decides whose credentials are used; there is no default.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallContext {
    /// The account whose credentials are used.
    pub account: AccountId,
    /// What names this call in logs, traces and answers.
    pub call_id: CallId,
    /// When the caller stops waiting; `None` leaves only the bounds of the client.
    pub deadline: Option<Instant>,
}

impl CallContext {
    /// Starts a context without a deadline.
    pub fn new(account: AccountId, call_id: CallId) -> Self {
        Self {
            account,
            call_id,
            deadline: None,
        }
    }

    /// Sets when the caller stops waiting.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }
}
