//! Until when nobody can have taken over what this process holds.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

/// A point of time that each sign of life moves on.
#[derive(Debug, Default)]
pub(super) struct Freshness(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    until: Option<Instant>,
    has_left: bool,
}

impl Freshness {
    /// Says until when; never from now on if there is none.
    pub(super) fn set_until(&self, until: Option<Instant>) {
        let mut state = self.lock();
        state.until = until.filter(|_| !state.has_left);
    }

    /// Never again, whatever is said later.
    pub(super) fn leave(&self) {
        *self.lock() = State {
            until: None,
            has_left: true,
        };
    }

    /// Returns until when.
    pub(super) fn until(&self) -> Option<Instant> {
        self.lock().until
    }

    /// Tells whether that is still to come.
    pub(super) fn is_fresh(&self) -> bool {
        self.until().is_some_and(|until| Instant::now() < until)
    }

    /// Every step leaves the state whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
