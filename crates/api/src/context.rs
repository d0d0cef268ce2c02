//! What travels with every call besides its arguments.

use std::time::Instant;

use crate::AccountId;

/// Who is called, under which id, and until when.
///
/// The account of the context decides whose credentials are used; there is no default.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallContext {
    /// The account whose credentials are used.
    pub account: AccountId,
    /// The id that names this call in logs, traces and answers (`x-request-id`).
    pub request_id: String,
    /// When the caller stops waiting; `None` leaves only the bounds of the client.
    pub deadline: Option<Instant>,
}

impl CallContext {
    /// Starts a context without a deadline.
    pub fn new(account: AccountId, request_id: impl Into<String>) -> Self {
        Self {
            account,
            request_id: request_id.into(),
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
