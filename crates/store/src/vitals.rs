//! How a store is, when somebody looks.

use std::sync::Arc;
use std::time::Duration;

/// How a store is at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreVitals {
    /// Whether it takes changes, as far as is known: it is open, and the handle of a file has not ended by a failure, or
    /// signs of life get through to a database.
    pub takes_changes: bool,
    /// The sizes of a file, if it is one.
    pub file: Option<FileVitals>,
    /// The connections to a database, if it is one.
    pub database: Option<DatabaseVitals>,
}

/// Looks how a store is.
pub(crate) type Look = Arc<dyn Fn() -> StoreVitals + Send + Sync>;

/// How large the files of an embedded store are, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileVitals {
    /// The database.
    pub size: u64,
    /// The log beside it.
    pub log_size: u64,
}

/// The connections to a database, without that of the heartbeat and that of shared limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DatabaseVitals {
    /// How long ago the last sign of life began that got through; `None` if this replica was taken for dead and is about
    /// to go on under another name.
    pub heartbeat_age: Option<Duration>,
    /// How many connections are in use, or about to be.
    pub used: usize,
    /// How many are open and wait for use.
    pub idle: usize,
    /// How many there may be.
    pub most: usize,
}

impl StoreVitals {
    /// Of an embedded store.
    pub const fn of_file(takes_changes: bool, size: u64, log_size: u64) -> Self {
        Self {
            takes_changes,
            file: Some(FileVitals { size, log_size }),
            database: None,
        }
    }

    /// Of a store in a database.
    pub const fn of_database(takes_changes: bool, database: DatabaseVitals) -> Self {
        Self {
            takes_changes,
            file: None,
            database: Some(database),
        }
    }
}

impl DatabaseVitals {
    /// Connections of which `used` and `idle` are open, and nobody's sign of life.
    pub const fn new(used: usize, idle: usize, most: usize) -> Self {
        Self {
            heartbeat_age: None,
            used,
            idle,
            most,
        }
    }
}
