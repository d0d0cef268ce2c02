//! Where the memory of changes lies.

use std::fs;
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
            Some(directory) => Ok(Self {
                path: directory.path().join("store"),
                is_temporary: false,
            }),
            None => Self::temporary(),
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
