//! Which files a store is in: another one may get its name while it is open.
//!
//! SQLite goes on with the file that it has opened, whatever becomes of the name. What it writes then is there for
//! this process alone, and the next one would remember nothing of it.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use kabao_journal::StoreError;

use super::lock::FileLock;
use super::{beside, lock};

/// The database, its log, and the lock that says who has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    files: Files,
    log: Inode,
}

/// What is there before the database is opened: itself, and the lock that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Files {
    database: Inode,
    lock: Inode,
    /// How long the database was when it had been opened: it never becomes shorter.
    size: u64,
}

/// A file, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Inode {
    device: u64,
    number: u64,
}

impl Files {
    /// Sees which file is about to be opened under a lock.
    pub(super) fn of(database: &Path, lock: &FileLock) -> Result<Self, StoreError> {
        let seen = || {
            Ok(Self {
                database: Inode::of(&fs::metadata(database)?),
                lock: Inode::of(&lock.metadata()?),
                size: 0,
            })
        };
        seen().map_err(|error| unseen(database, error))
    }

    /// Sees which files a database is in that has been opened since. If another one has got its name meanwhile, nobody
    /// knows which of the two that was, and what is looked at later would be the wrong one.
    pub(super) fn opened(self, database: &Path) -> Result<Identity, StoreError> {
        let look = |file: &Path| fs::metadata(file).map_err(|error| unseen(database, error));
        let (log, size) = (look(&beside(database, "-wal"))?, look(database)?.len());
        self.require(database)?;
        Ok(Identity {
            files: Self { size, ..self },
            log: Inode::of(&log),
        })
    }

    /// Refuses files that have the names and are others, and names that no file has. Where the lock has lost its name,
    /// another process may have taken one, and writes as if it were alone.
    pub(super) fn require(self, database: &Path) -> Result<(), StoreError> {
        if require(self.database, database)?.len() < self.size {
            return Err(StoreError::refused(format!(
                "{} is shorter than it was, so that changes are missing; restore it, and restart the gateway",
                database.display()
            )));
        }
        require(self.lock, &lock::path(database)).map(drop)
    }
}

impl Identity {
    /// What is left of it when nobody has the database open, which is the end of its log.
    pub(super) fn files(self) -> Files {
        self.files
    }

    /// Refuses files that have the names and are others, and names that no file has.
    pub(super) fn require(self, database: &Path) -> Result<(), StoreError> {
        self.files.require(database)?;
        require(self.log, &beside(database, "-wal")).map(drop)
    }
}

fn unseen(database: &Path, error: io::Error) -> StoreError {
    let message = format!("the store {} cannot be looked at", database.display());
    StoreError::refused(message).with_source(error)
}

impl Inode {
    fn of(file: &Metadata) -> Self {
        Self {
            device: file.dev(),
            number: file.ino(),
        }
    }
}

fn require(expected: Inode, path: &Path) -> Result<Metadata, StoreError> {
    let path_shown = path.display();
    match fs::metadata(path) {
        Ok(found) if Inode::of(&found) == expected => Ok(found),
        Ok(_) => Err(StoreError::refused(format!(
            "{path_shown} is another file than the store was opened with; put the right one back, or restart the gateway"
        ))),
        Err(error) => Err(StoreError::refused(format!(
            "{path_shown} of the store is gone; put it back, or restart the gateway"
        ))
        .with_source(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A check of a large file takes its time, and somebody may restore a backup meanwhile.
    #[test]
    fn a_file_that_gets_the_name_while_the_database_is_opened_is_not_taken_for_it() {
        let name = format!("kabao-identity-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let database = folder.join("kabao.db");
        let lock = FileLock::take(&database).unwrap();
        for file in ["kabao.db", "kabao.db-wal", "backup"] {
            fs::write(folder.join(file), file).unwrap();
        }
        let files = Files::of(&database, &lock).unwrap();
        files.opened(&database).unwrap().require(&database).unwrap();
        fs::rename(&database, folder.join("away")).unwrap();
        fs::rename(folder.join("backup"), &database).unwrap();
        let error = files.opened(&database).unwrap_err().to_string();
        assert!(error.contains("another file"), "{error}");
        // Nor the lock of somebody else.
        fs::rename(folder.join("away"), &database).unwrap();
        fs::remove_file(lock::path(&database)).unwrap();
        let other = FileLock::take(&database).unwrap();
        assert!(files.opened(&database).is_err());
        assert!(
            Files::of(&database, &lock)
                .unwrap()
                .opened(&database)
                .is_err()
        );
        Files::of(&database, &other)
            .unwrap()
            .opened(&database)
            .unwrap();
        fs::remove_dir_all(&folder).unwrap();
    }
}
