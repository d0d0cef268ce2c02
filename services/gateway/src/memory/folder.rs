//! The folder of a store that is not to outlive its process.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// What a store consists of.
const FILES: [&str; 6] = [
    "kabao.db",
    "kabao.db-wal",
    "kabao.db-shm",
    "kabao.db.lock",
    "kabao.db.unfinished",
    "store.key",
];

/// A folder whose store begins anew, or one that goes with this value.
#[derive(Debug)]
pub(crate) struct StoreFolder {
    path: PathBuf,
    is_temporary: bool,
}

/// A store cannot be removed, or its folder cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}", path.display())]
pub(crate) struct FolderError {
    pub(crate) path: PathBuf,
    pub(crate) source: io::Error,
}

impl StoreFolder {
    /// A folder that stays, without the store that an earlier process has left in it. Files of others stay: somebody may
    /// have had a folder of this name.
    pub(crate) fn anew(path: PathBuf) -> Result<Self, FolderError> {
        for name in FILES {
            let path = path.join(name);
            match fs::remove_file(&path) {
                Err(source) if source.kind() != ErrorKind::NotFound => {
                    return Err(FolderError { path, source });
                }
                _ => {}
            }
        }
        Ok(Self {
            path,
            is_temporary: false,
        })
    }

    /// A new folder, which is removed with this value.
    pub(crate) fn temporary() -> Result<Self, FolderError> {
        let nonce = kabao_auth::random_nonce().unwrap_or_default();
        let path = std::env::temp_dir().join(format!("kabao-{nonce}"));
        fs::create_dir(&path).map_err(|source| FolderError {
            path: path.clone(),
            source,
        })?;
        Ok(Self {
            path,
            is_temporary: true,
        })
    }

    /// Returns where it is.
    pub(crate) fn path(&self) -> &Path {
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

#[cfg(test)]
mod tests {
    use kabao_store::{EmbeddedSettings, Store};

    use super::*;

    #[tokio::test]
    async fn a_store_begins_anew_and_what_is_not_of_it_stays() {
        let folder = StoreFolder::temporary().unwrap();
        let path = folder.path().join("store");
        let settings = EmbeddedSettings::new(&path);
        // While it is open it has all its files.
        let store = Store::open(&settings.into()).await.unwrap();
        let foreign = path.join("mine.txt");
        fs::write(&foreign, "precious").unwrap();
        let made = fs::read_dir(&path).unwrap().count();
        assert!(made > 4, "{made}");
        StoreFolder::anew(path.clone()).unwrap();
        drop(store);
        let left = fs::read_dir(&path).unwrap();
        let left: Vec<_> = left.map(|file| file.unwrap().path()).collect();
        assert_eq!(left, [foreign]);
        // Also where there was none.
        StoreFolder::anew(folder.path().join("nothing")).unwrap();
    }
}
