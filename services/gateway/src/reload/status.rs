//! What operators see of reloads.

use std::sync::{Arc, Mutex, PoisonError};

/// How it is with the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Status {
    /// When the generation that is served was loaded, in seconds since 1970.
    pub(crate) loaded_at: i64,
    /// How many mistakes what was read last has; 0 if it is served.
    pub(crate) mistakes: u64,
    /// How many settings are not as the files say until the process is started again.
    pub(crate) waiting: u64,
    pub(crate) applied: u64,
    pub(crate) unchanged: u64,
    pub(crate) refused: u64,
}

/// The status as it is at any moment; it keeps nobody alive. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct StatusBoard(Arc<Mutex<Status>>);

impl StatusBoard {
    pub(crate) fn status(&self) -> Status {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Status)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
