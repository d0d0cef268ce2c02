//! Where the memory of changes lies.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use kabao_sandbox::Directory;

use super::DevError;

/// The folder of the store: part of the folder of keys, or one that goes with this value.
#[derive(Debug)]
pub(crate) struct StoreFolder {
    path: PathBuf,
    is_temporary: bool,
}

impl StoreFolder {
    pub(super) fn of(directory: Option<&Directory>) -> Result<Self, DevError> {
        match directory {
            Some(directory) => Self::anew(directory.path().join("store")),
            None => Self::temporary(),
        }
    }

    /// The sandbox begins anew with each start, and a memory of what it has forgotten would only mislead.
    fn anew(path: PathBuf) -> Result<Self, DevError> {
        match fs::remove_dir_all(&path) {
            Err(source) if source.kind() != ErrorKind::NotFound => {
                Err(DevError::File { path, source })
            }
            _ => Ok(Self {
                path,
                is_temporary: false,
            }),
        }
    }

    fn temporary() -> Result<Self, DevError> {
        let nonce = kabao_auth::random_nonce().unwrap_or_default();
        let path = std::env::temp_dir().join(format!("kabao-{nonce}"));
        fs::create_dir(&path).map_err(|source| DevError::File {
            path: path.clone(),
            source,
        })?;
        Ok(Self {
            path,
            is_temporary: true,
        })
    }

    /// Returns where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for StoreFolder {
    fn drop(&mut self) {
        if self.is_temporary {
            // What cannot be removed is in a folder that the system empties.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}
