//! Commits that fail.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// What goes wrong with the next commits of an embedded store, in order. Clones are the same list.
#[derive(Clone, Debug, Default)]
pub struct CommitFaults(Arc<Mutex<VecDeque<CommitFault>>>);

/// How a commit fails: as it does when the sync of the disk returns an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitFault {
    /// Nothing of it is there.
    NotDone,
    /// All of it is there nevertheless.
    Done,
}

impl CommitFaults {
    /// Lets the next commit fail that has no fault yet.
    pub fn push(&self, fault: CommitFault) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(fault);
    }

    pub(crate) fn commit(
        &self,
        commit: impl FnOnce() -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let fault = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front();
        match fault {
            None => return commit(),
            Some(CommitFault::Done) => commit()?,
            Some(CommitFault::NotDone) => {}
        }
        let error = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_FSYNC);
        Err(rusqlite::Error::SqliteFailure(error, None))
    }
}
