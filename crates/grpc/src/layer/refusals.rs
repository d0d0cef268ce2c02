//! Refused calls, of which there may be very many: a line of the log tells of them now and then.

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::Extensions;
use kabao_api::Reason;
use tokio::time::Instant;
use tonic::Status;

/// Marks the answers to calls that were refused by a layer, which tells of them itself: there may be very many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refused;

/// Marks the status of a call that is one of many that are refused; nobody is shown it.
#[derive(Debug)]
struct OneOfMany(Reason);

impl fmt::Display for OneOfMany {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl Error for OneOfMany {}

/// Says of a status that there may be very many like it, for this reason.
pub(crate) fn mark(status: &mut Status, reason: Reason) {
    status.set_source(Arc::new(OneOfMany(reason)));
}

/// Returns the reason of a status of which there may be very many.
pub(super) fn marked(answer: &Extensions) -> Option<Reason> {
    let source = answer.get::<Status>()?.source()?;
    let OneOfMany(reason) = source.downcast_ref()?;
    Some(*reason)
}

/// Counts refusals between lines of the log.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    told: Option<Instant>,
    untold: u64,
}

impl Refusals {
    /// There is a line in this time; the rest is counted.
    const INTERVAL: Duration = Duration::from_secs(1);

    /// Returns how many refusals a line stands for besides its own; `None` if it is not time for one.
    pub(super) fn turn(&mut self, now: Instant) -> Option<u64> {
        if self.is_early(now) {
            self.add();
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.untold))
    }

    fn is_early(&self, now: Instant) -> bool {
        let is_early = |told| now.saturating_duration_since(told) < Self::INTERVAL;
        self.told.is_some_and(is_early)
    }

    fn add(&mut self) {
        self.untold = self.untold.saturating_add(1);
    }
}

/// The refusals of a server that are told of together. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedRefusals(Arc<Mutex<Refusals>>);

impl SharedRefusals {
    /// As [`Refusals::turn`].
    pub(super) fn turn(&self, now: Instant) -> Option<u64> {
        self.lock().turn(now)
    }

    /// Tells whether there was a line of late, so that it is not time for the next one.
    pub(crate) fn are_being_told(&self, now: Instant) -> bool {
        self.lock().is_early(now)
    }

    /// Counts one of which the next line tells.
    pub(crate) fn add(&self) {
        self.lock().add();
    }

    /// Every change leaves the count whole.
    fn lock(&self) -> MutexGuard<'_, Refusals> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_have_a_line_a_second_and_none_is_forgotten() {
        let mut refusals = Refusals::default();
        let start = Instant::now();
        assert_eq!(refusals.turn(start), Some(0));
        for _ in 0..1000 {
            assert_eq!(refusals.turn(start), None);
        }
        assert_eq!(refusals.turn(start + Refusals::INTERVAL), Some(1000));
        assert_eq!(refusals.turn(start + 2 * Refusals::INTERVAL), Some(0));
    }
}
