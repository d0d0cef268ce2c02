//! What travels with every call besides its arguments.

use std::time::Instant;

use crate::{AccountId, CallId, Progress};

/// Who is called, under which id, and until when.
///
/// The account of the context decides whose credentials are used; there is no default.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CallContext {
    /// The account whose credentials are used.
    pub account: AccountId,
    /// What names this call in logs, traces and answers.
    pub call_id: CallId,
    /// When the caller stops waiting; `None` leaves only the bounds of the client.
    pub deadline: Option<Instant>,
    progress: Progress,
    repeatable: bool,
}

impl CallContext {
    /// Starts a context without a deadline.
    pub fn new(account: AccountId, call_id: CallId) -> Self {
        Self {
            account,
            call_id,
            deadline: None,
            progress: Progress::default(),
            repeatable: true,
        }
    }

    /// Sets when the caller stops waiting.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
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

    /// Returns how far the method got that this call is part of.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Tells whether the caller could ask for this very change once more.
    pub fn is_repeatable(&self) -> bool {
        self.repeatable
    }
}
