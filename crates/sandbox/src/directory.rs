//! A directory belongs to one process at a time.
//!
//! Two sandboxes in one directory would write each other's keys and addresses over, and their
//! clients would sign for one and talk to the other. The lock is the operating system's: it ends
//! with the process, however that ends, so a file left behind locks nobody out.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::StartError;

const LOCK: &str = "lock";

/// A directory that no other sandbox uses, for as long as this value or a clone of it lives.
#[derive(Clone, Debug)]
pub struct Directory {
    path: PathBuf,
    _lock: Arc<File>,
}

impl Directory {
    /// Takes a directory for this process, and creates it if it is missing. `DIRECTORY/lock` holds
    /// the id of the process.
    ///
    /// # Errors
    ///
    /// Fails if another sandbox uses the directory, which [`StartError::is_in_use`] tells, or if
    /// the lock cannot be written.
    pub fn claim(path: impl Into<PathBuf>) -> Result<Self, StartError> {
        let path = path.into();
        fs::create_dir_all(&path).map_err(|source| StartError::file(&path, source))?;
        let file = path.join(LOCK);
        let failed = |source| StartError::file(&file, source);
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&file)
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StartError::in_use(&path, owner(&lock))),
            // Some network file systems have no locks; there, the user must take care.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                tracing::warn!(directory = %path.display(), "the file system has no locks");
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let name_owner = |lock: &mut File| {
            lock.set_len(0)?;
            lock.rewind()?;
            writeln!(lock, "{}", std::process::id())?;
            lock.flush()
        };
        name_owner(&mut lock).map_err(failed)?;
        Ok(Self {
            path,
            _lock: Arc::new(lock),
        })
    }

    /// Returns the directory.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Reads who holds the lock; `None` in the moment before that process has said so.
fn owner(mut lock: &File) -> Option<u32> {
    let mut text = String::new();
    lock.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("kabao-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    #[test]
    fn a_directory_in_use_is_refused_with_its_path_and_its_owner_until_it_is_free() {
        let folder = folder("claim");
        let first = Directory::claim(&folder).unwrap();
        let clone = first.clone();
        for _ in 0..2 {
            let error = Directory::claim(&folder).unwrap_err();
            assert!(error.is_in_use());
            assert_eq!(
                error.to_string(),
                format!(
                    "{} is in use by process {}; end that one, or choose another directory",
                    folder.display(),
                    std::process::id()
                )
            );
        }
        drop(first);
        assert!(Directory::claim(&folder).unwrap_err().is_in_use());
        drop(clone);
        Directory::claim(&folder).unwrap();
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_lock_that_a_dead_process_left_locks_nobody_out() {
        let folder = folder("stale");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(LOCK), "4000000000 and more of an old text\n").unwrap();
        let claimed = Directory::claim(&folder).unwrap();
        let text = fs::read_to_string(claimed.path().join(LOCK)).unwrap();
        assert_eq!(text, format!("{}\n", std::process::id()));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_no_directory_in_use() {
        let folder = folder("file");
        fs::write(&folder, "").unwrap();
        let error = Directory::claim(&folder).unwrap_err();
        assert!(!error.is_in_use());
        assert!(error.to_string().contains("cannot use the file"), "{error}");
        fs::remove_file(&folder).unwrap();
    }
}
