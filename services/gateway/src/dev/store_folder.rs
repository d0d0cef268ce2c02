//! Where the memory of changes lies.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use kabao_sandbox::Directory;

use super::DevError;

/// What a store consists of.
const FILES: [&str; 6] = [
    "kabao.db",
    "kabao.db-wal",
    "kabao.db-shm",
    "kabao.db.lock",
    "kabao.new",
    "store.key",
];

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

    /// The sandbox begins anew with each start, and a memory of what it has forgotten would only mislead. Files of
    /// others stay: somebody may have had a folder of this name.
    fn anew(path: PathBuf) -> Result<Self, DevError> {
        for name in FILES {
            let path = path.join(name);
            match fs::remove_file(&path) {
                Err(source) if source.kind() != ErrorKind::NotFound => {
                    return Err(DevError::File { path, source });
                }
                _ => {}
            }
        }
        Ok(Self {
            path,
            is_temporary: false,
        })
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
