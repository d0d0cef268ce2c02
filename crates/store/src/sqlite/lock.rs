//! One process has the file for itself.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use kabao_journal::StoreError;

/// A lock beside the database, which the system gives up when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct FileLock {
    _held: File,
}

impl FileLock {
    /// Takes the lock of a database; makes its folder if there is none.
    pub(super) fn take(database: &Path) -> Result<Self, StoreError> {
        let failed = |error: std::io::Error| {
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
        let held = options.open(path(database)).map_err(failed)?;
        match held.try_lock() {
            Ok(()) => Ok(Self { _held: held }),
            Err(TryLockError::WouldBlock) => {
                let database = database.display();
                Err(StoreError::new(format!(
                    "the store {database} is used by another process; it serves one"
                )))
            }
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}

fn path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}
