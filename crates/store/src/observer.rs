//! What a store tells whoever counts.

use std::time::Duration;

use kabao_journal::StoreError;

/// Hears how a store works. Implementations must return at once: the thread that writes waits for them.
pub trait StoreObserver: Send + Sync {
    /// A transaction of the embedded store was committed, or its commit failed.
    fn commit_ended(&self, commit: Commit) {
        let _ = commit;
    }

    /// A write of the embedded store has failed, as its caller was told.
    fn write_failed(&self, failure: Failure) {
        let _ = failure;
    }

    /// A caller has got a connection to the database after so long, or none.
    fn connection_taken(&self, took: Duration, failure: Option<Failure>) {
        let _ = (took, failure);
    }

    /// The database has answered what it was asked for, or has not. `operation` is one of a fixed few; `took` begins
    /// once there is a connection.
    fn operation_ended(&self, operation: &'static str, took: Duration, failure: Option<Failure>) {
        let _ = (operation, took, failure);
    }
}

/// One transaction of the embedded store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Commit {
    /// How many writes shared it.
    pub writes: usize,
    /// How long the commit took, with the sync of the disk.
    pub took: Duration,
    /// Why it failed; `None` for a success.
    pub failure: Option<Failure>,
}

/// How something failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Failure {
    /// Nothing was done, and nothing will be.
    Refused,
    /// It may have been done.
    Unknown,
    /// Nobody waited for it any more.
    Cancelled,
}

/// Hears nothing.
pub(crate) struct Silent;

impl Commit {
    /// Says how many writes shared a transaction, how long its commit took, and how it failed.
    pub const fn new(writes: usize, took: Duration, failure: Option<Failure>) -> Self {
        Self {
            writes,
            took,
            failure,
        }
    }
}

impl Failure {
    /// Returns the name in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::Cancelled => "cancelled",
        }
    }

    pub(crate) fn of(error: &StoreError) -> Self {
        match error.is_refusal() {
            true => Self::Refused,
            false => Self::Unknown,
        }
    }
}

impl StoreObserver for Silent {}
