//! Until when nobody can have taken over what this process holds.

use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

/// A point of time that each sign of life moves on.
#[derive(Debug, Default)]
pub(super) struct Freshness(Mutex<Option<Instant>>);

impl Freshness {
    /// Says until when; never from now on if there is none.
    pub(super) fn set_until(&self, until: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    /// Returns until when.
    pub(super) fn until(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whether that is still to come.
    pub(super) fn is_fresh(&self) -> bool {
        self.until().is_some_and(|until| Instant::now() < until)
    }
}
