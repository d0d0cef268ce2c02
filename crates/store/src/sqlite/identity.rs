//! Which files a store is in: another one may get its name while it is open.
//!
//! SQLite goes on with the file that it has opened, whatever becomes of the name. What it writes then is there for
//! this process alone, and the next one would remember nothing of it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use kabao_journal::StoreError;

use super::{beside, lock};

/// The database, its log, and the lock that says who has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    database: Inode,
    log: Inode,
    lock: Inode,
}

/// A file, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Inode {
    device: u64,
    number: u64,
}

impl Identity {
    /// Sees which files an open database is in.
    pub(super) fn of(database: &Path) -> Result<Self, StoreError> {
        let log = beside(database, "-wal");
        let seen = || {
            Ok(Self {
                database: Inode::of(database)?,
                log: Inode::of(&log)?,
                lock: Inode::of(&lock::path(database))?,
            })
        };
        seen().map_err(|error: io::Error| {
            let message = format!("the store {} cannot be looked at", database.display());
            StoreError::refused(message).with_source(error)
        })
    }

    /// Refuses files that have the names and are others, and names that no file has.
    pub(super) fn require(self, database: &Path) -> Result<(), StoreError> {
        self.require_database(database)?;
        require(self.log, &beside(database, "-wal"))
    }

    /// The same without the log, which has an end when nobody has the database open. Where the lock has lost its name,
    /// another process may have taken one, and writes as if it were alone.
    pub(super) fn require_database(self, database: &Path) -> Result<(), StoreError> {
        require(self.database, database)?;
        require(self.lock, &lock::path(database))
    }
}

impl Inode {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self {
            device: metadata.dev(),
            number: metadata.ino(),
        })
    }
}

fn require(expected: Inode, path: &Path) -> Result<(), StoreError> {
    let path_shown = path.display();
    match Inode::of(path) {
        Ok(found) if found == expected => Ok(()),
        Ok(_) => Err(StoreError::refused(format!(
            "{path_shown} is another file than the store was opened with; put the right one back, or restart the gateway"
        ))),
        Err(error) => Err(StoreError::refused(format!(
            "{path_shown} of the store is gone; put it back, or restart the gateway"
        ))
        .with_source(error)),
    }
}
