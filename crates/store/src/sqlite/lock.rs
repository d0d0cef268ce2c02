//! One process has the file for itself.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::thread;

use kabao_journal::StoreError;

use super::beside;
use crate::place::Holder;
use crate::unopened::Unopened;

/// How often the lock is tried: whoever only looks who has it holds it for some microseconds.
const TRIES: usize = 64;

/// A lock beside the database, which the system gives up when the process ends, however it ends. The file holds the
/// id of the process.
#[derive(Debug)]
pub(super) struct FileLock {
    held: File,
}

impl FileLock {
    /// Takes the lock of a database; makes its folder if there is none.
    pub(super) fn take(database: &Path) -> Result<Self, Unopened> {
        let failed = |error: io::Error| {
            let message = format!("the store {} cannot be locked", database.display());
            StoreError::new(message).with_source(error)
        };
        if let Some(folder) = database.parent()
            && !folder.as_os_str().is_empty()
            && !folder.exists()
        {
            let mut builder = DirBuilder::new();
            builder
                .recursive(true)
                .mode(0o700)
                .create(folder)
                .map_err(failed)?;
        }
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let mut held = options.open(path(database)).map_err(failed)?;
        match patiently(&held) {
            // Whoever has made it may have taken it away in between, and the next one makes another.
            Ok(()) if !has_name(&held, &path(database)).map_err(failed)? => {
                Err(Unopened::Outage(StoreError::refused(format!(
                    "the lock of the store {} was moved away while it was taken",
                    database.display()
                ))))
            }
            Ok(()) => {
                // For people alone; a lock without a name is one all the same.
                if let Err(error) = name_holder(&mut held) {
                    tracing::debug!(%error, "the lock of the store has no name");
                }
                Ok(Self { held })
            }
            Err(TryLockError::WouldBlock) => {
                let process = process_in(&path(database));
                let process = process.map(|id| format!(" (process {id})"));
                let (database, process) = (database.display(), process.unwrap_or_default());
                Err(Unopened::Mistake(StoreError::refused(format!(
                    "the store {database} is used by another process{process}; it serves one"
                ))))
            }
            Err(TryLockError::Error(error)) => Err(failed(error).into()),
        }
    }

    /// Tells which file it is.
    pub(super) fn metadata(&self) -> io::Result<Metadata> {
        self.held.metadata()
    }

    /// Tells who has the lock of a database, without taking it.
    pub(super) fn holder(database: &Path) -> io::Result<Option<Holder>> {
        let path = path(database);
        let lock = match File::open(&path) {
            Ok(lock) => lock,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match lock.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => Ok(Some(Holder {
                process: process_in(&path),
            })),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// Notices a process that takes the lock of a database while somebody reads it.
///
/// A start moves the whole log into the database, and can do that only while nobody reads what is in it: whoever reads
/// for long makes way.
#[derive(Debug)]
pub(super) struct Watch {
    database: PathBuf,
    first: Option<Holder>,
}

impl Watch {
    pub(super) fn begin(database: &Path) -> io::Result<Self> {
        Ok(Self {
            database: database.to_owned(),
            first: FileLock::holder(database)?,
        })
    }

    /// Who had the lock in the beginning.
    pub(super) fn holder(&self) -> Option<Holder> {
        self.first
    }

    /// Tells whether another process has taken the lock since.
    pub(super) fn has_changed(&self) -> bool {
        matches!(FileLock::holder(&self.database), Ok(Some(now)) if Some(now) != self.first)
    }
}

fn patiently(lock: &File) -> Result<(), TryLockError> {
    for _ in 1..TRIES {
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => thread::yield_now(),
            tried => return tried,
        }
    }
    lock.try_lock()
}

/// Tells whether a file still has the name under which it was opened.
fn has_name(file: &File, name: &Path) -> io::Result<bool> {
    let file = file.metadata()?;
    match fs::metadata(name) {
        Ok(named) => Ok((named.dev(), named.ino()) == (file.dev(), file.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Says who has the lock.
fn name_holder(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    writeln!(lock, "{}", std::process::id())
}

/// Reads who has the lock; `None` in the moment before that process has said so.
fn process_in(lock: &Path) -> Option<u32> {
    fs::read_to_string(lock).ok()?.trim().parse().ok()
}

/// The file of the lock.
pub(super) fn path(database: &Path) -> PathBuf {
    beside(database, ".lock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_has_lost_its_name_is_no_lock() {
        let name = format!("kabao-named-{}", std::process::id());
        let file = std::env::temp_dir().join(name);
        fs::write(&file, "").unwrap();
        let opened = File::open(&file).unwrap();
        assert!(has_name(&opened, &file).unwrap());
        fs::remove_file(&file).unwrap();
        assert!(!has_name(&opened, &file).unwrap());
        fs::write(&file, "").unwrap();
        assert!(!has_name(&opened, &file).unwrap());
        fs::remove_file(&file).unwrap();
    }

    #[test]
    fn a_lock_that_is_taken_meanwhile_is_noticed_and_one_that_is_given_up_is_not() {
        let name = format!("kabao-watch-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let database = folder.join("kabao.db");
        let nobody = Watch::begin(&database).unwrap();
        assert_eq!(nobody.holder(), None);
        assert!(!nobody.has_changed());
        let lock = FileLock::take(&database).unwrap();
        assert!(nobody.has_changed());
        let somebody = Watch::begin(&database).unwrap();
        assert!(somebody.holder().is_some() && !somebody.has_changed());
        drop(lock);
        assert!(!nobody.has_changed() && !somebody.has_changed());
        let _lock = FileLock::take(&database).unwrap();
        fs::write(path(&database), "1\n").unwrap();
        assert!(somebody.has_changed(), "by another process");
        fs::remove_dir_all(&folder).unwrap();
    }
}
