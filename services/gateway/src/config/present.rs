//! What a reading of the configuration knows: what is served already, and which files it has read.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use kabao_auth::sha256_hex;

use super::account::AccountSettings;
use super::writers::Writers;
use crate::shared::Shared;
use crate::watch::Marks;

/// What is there already while a configuration is read, and what becomes known of the files.
#[derive(Debug, Default)]
pub(super) struct Present {
    pub(super) shared: Shared,
    /// The accounts that are served, by their ids.
    pub(super) accounts: BTreeMap<String, AccountSettings>,
    files: Mutex<Files>,
    writers: Mutex<Writers>,
}

/// The files that were read: how they looked before, and digests of what was in them.
#[derive(Debug, Default)]
struct Files {
    marks: Marks,
    digests: BTreeMap<PathBuf, String>,
}

/// A file as it was read.
pub(super) struct Contents {
    pub(super) text: String,
    /// The same for the same text.
    pub(super) digest: String,
}

impl Present {
    /// Nothing is read yet; `accounts` are served.
    pub(super) fn new(shared: Shared, accounts: BTreeMap<String, AccountSettings>) -> Self {
        Self {
            shared,
            accounts,
            ..Self::default()
        }
    }

    /// Reads a file, which will be watched.
    pub(super) fn read(&self, path: &Path) -> io::Result<Contents> {
        self.files().marks.note(path);
        self.look(path);
        let text = fs::read_to_string(path)?;
        let digest = sha256_hex(text.as_bytes());
        let mut files = self.files();
        files.digests.insert(path.to_owned(), digest.clone());
        Ok(Contents { text, digest })
    }

    /// Looks at who may write a file that somebody else reads.
    pub(super) fn look(&self, path: &Path) {
        self.writers().look(path);
    }

    /// Lists the entries of a folder, which will be watched, in order.
    pub(super) fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        self.files().marks.note(path);
        let entries = fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path()));
        let mut entries = entries.collect::<io::Result<Vec<_>>>()?;
        entries.sort();
        Ok(entries)
    }

    /// On how many threads it is read: on all processors, but for one if calls go on meanwhile.
    pub(super) fn threads(&self) -> NonZero<usize> {
        let all = thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
        match self.accounts.is_empty() {
            true => all,
            false => NonZero::new(all.get() - 1).unwrap_or(NonZero::<usize>::MIN),
        }
    }

    /// How the files looked before they were read.
    pub(super) fn marks(&self) -> Marks {
        self.files().marks.clone()
    }

    /// The same, once nothing is read any more.
    pub(super) fn into_marks(self) -> Marks {
        let files = self.files.into_inner();
        files.unwrap_or_else(PoisonError::into_inner).marks
    }

    /// Says who else may write these files; `None` if nobody may.
    pub(super) fn doubt(&self) -> Option<String> {
        self.writers().doubt()
    }

    /// The same for the same content of the configuration and of all files.
    pub(super) fn fingerprint(&self, content: &str) -> String {
        let digests = &self.files().digests;
        sha256_hex(format!("{content}\n{digests:?}").as_bytes())
    }

    fn writers(&self) -> MutexGuard<'_, Writers> {
        self.writers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every change leaves them whole.
    fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
