//! One call: its bounds, and how far it got.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use kabao_api::{AccountId, CallContext, CallId, Error, Reason};
use kabao_models::{AnyEndpoint, Effect, Operation};
use tokio::time::Instant;

use crate::settings::Settings;

/// What one call sends, as far as decisions depend on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sending {
    pub(crate) operation: &'static Operation,
    /// Whether sending it twice does no more than sending it once.
    pub(crate) is_repeatable: bool,
    /// The members that its answer is documented to have.
    pub(crate) answer_members: &'static [&'static str],
}

impl Sending {
    pub(crate) fn of(request: &dyn AnyEndpoint) -> Self {
        Self {
            operation: request.operation(),
            is_repeatable: request.is_safe_to_repeat(),
            answer_members: request.answer_members(),
        }
    }

    /// Tells whether an attempt whose fate is open may have changed something.
    pub(crate) fn is_write(&self) -> bool {
        self.operation.effect == Effect::Write
    }
}

/// The bounds of one call and what names it in logs.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) sending: Sending,
    pub(crate) account: AccountId,
    pub(crate) id: CallId,
    /// When the wait ends: the caller's deadline or the client's own bound.
    pub(crate) deadline: Instant,
    /// Whether it is the caller's.
    by_caller: bool,
    pub(crate) progress: Progress,
}

impl Call {
    pub(crate) fn open(context: &CallContext, sending: Sending, settings: &Settings) -> Self {
        let bound = Instant::now() + settings.call_timeout;
        let asked = context
            .deadline
            .map(Instant::from_std)
            .filter(|asked| *asked < bound);
        Self {
            sending,
            account: context.account.clone(),
            id: context.call_id.clone(),
            deadline: asked.unwrap_or(bound),
            by_caller: asked.is_some(),
            progress: Progress::default(),
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

const IDLE: u8 = 0;
const IN_FLIGHT: u8 = 1;
const ABANDONED: u8 = 2;

/// How far a write got. The caller that stops waiting and the task that sends agree on it through
/// one atomic, so a write is either abandoned before it is sent or known to be in flight.
#[derive(Clone, Default)]
pub(crate) struct Progress(Arc<AtomicU8>);

impl Progress {
    /// Announces that a request leaves now; false if the caller has abandoned the call.
    pub(crate) fn begin(&self) -> bool {
        match self
            .0
            .compare_exchange(IDLE, IN_FLIGHT, Ordering::AcqRel, Ordering::Acquire)
        {
            Ok(_) => true,
            Err(state) => state == IN_FLIGHT,
        }
    }

    /// Takes that back: it is proved that the attempt did nothing.
    pub(crate) fn settle(&self) {
        let _ = self
            .0
            .compare_exchange(IN_FLIGHT, IDLE, Ordering::AcqRel, Ordering::Acquire);
    }

    /// Stops the call if nothing is in flight, and tells whether it did.
    pub(crate) fn abandon(&self) -> bool {
        self.0
            .compare_exchange(IDLE, ABANDONED, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// Tells whether something may have run.
    pub(crate) fn is_in_flight(&self) -> bool {
        self.0.load(Ordering::Acquire) == IN_FLIGHT
    }
}

/// Abandons a call when its caller goes away.
pub(crate) struct AbandonOnDrop(pub(crate) Progress);

impl Drop for AbandonOnDrop {
    fn drop(&mut self) {
        let _ = self.0.abandon();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_abandoned_call_sends_nothing_and_a_call_in_flight_is_not_abandoned() {
        let progress = Progress::default();
        assert!(progress.abandon());
        assert!(!progress.begin());

        let progress = Progress::default();
        assert!(progress.begin());
        assert!(!progress.abandon() && progress.is_in_flight());
        progress.settle();
        drop(AbandonOnDrop(progress.clone()));
        assert!(!progress.begin());
    }
}
