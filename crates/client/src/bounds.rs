//! How long a call may take, and whose limit that is.

use std::time::Duration;

use kabao_api::{CallContext, Error, Reason};
use tokio::time::Instant;

/// When the wait for a call ends: at the caller's deadline or at the client's own limit.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) deadline: Instant,
    pub(crate) by_caller: bool,
}

impl Bounds {
    /// Starts the client's own limit; the caller's deadline counts if it is nearer.
    pub(crate) fn open(context: &CallContext, limit: Duration) -> Self {
        let own = Instant::now() + limit;
        let asked = context
            .deadline
            .map(Instant::from_std)
            .filter(|asked| *asked < own);
        Self {
            deadline: asked.unwrap_or(own),
            by_caller: asked.is_some(),
        }
    }

    pub(crate) fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Fails if less time is left than an attempt needs.
    pub(crate) fn require_time(&self, needed: Duration) -> Result<(), Error> {
        if self.remaining() > needed {
            Ok(())
        } else {
            Err(self.timed_out("before the request was sent"))
        }
    }

    /// The error of a wait that ended, for a call that only reads or was not sent.
    pub(crate) fn timed_out(&self, when: &str) -> Error {
        if self.by_caller {
            Error::new(
                Reason::DeadlineExceeded,
                format!("the deadline passed {when}"),
            )
        } else {
            Error::new(
                Reason::UpstreamTimeout,
                format!("the client's own time limit passed {when}"),
            )
        }
    }
}

/// The error of what was not sent because its caller had left; a journal hears it, the caller does
/// not.
pub(crate) fn caller_left() -> Error {
    Error::new(
        Reason::Cancelled,
        "the caller left before the request was sent",
    )
}
