//! The key file of the audit log.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use kabao_auth::{DigestKey, Plaintext};

use super::hash::Hash;
use crate::files::loose;

const HEAD: &str = "# Keys of Kabao's audit log: the first one writes, every one verifies. Whoever has one can forge records and find members in them.\n";

/// The keys: the first one writes, every one verifies.
#[derive(Clone, Debug)]
pub(crate) struct AuditKeys(Vec<AuditKey>);

/// One key, by which records are chained and names are hidden.
#[derive(Clone, Debug)]
pub(crate) struct AuditKey {
    key: DigestKey,
    id: String,
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    #[error("the key file {} of the audit log cannot be read", .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
    #[error("the key file {} of the audit log cannot be made", .0.display())]
    NotMade(PathBuf, #[source] io::Error),
    #[error("the key file {} of the audit log holds no usable key: a line must be 32 bytes in base64 or hexadecimal digits", .0.display())]
    Unusable(PathBuf, #[source] kabao_auth::Error),
    #[error("a new key cannot be made")]
    Randomness(#[source] kabao_auth::Error),
    #[error("others can forge records of the audit log: the key file {0}")]
    Loose(String),
}

impl AuditKeys {
    /// Reads the key file.
    ///
    /// # Errors
    ///
    /// [`KeyError`], also if others may read or write it, as for all secrets.
    pub(crate) fn read(path: &Path) -> Result<Self, KeyError> {
        let unreadable = |error| KeyError::Unreadable(path.to_owned(), error);
        let text = Plaintext::from(fs::read(path).map_err(unreadable)?);
        if let Some(fault) = loose(path) {
            return Err(KeyError::Loose(fault));
        }
        let keys = text.to_str().and_then(DigestKey::parse);
        let keys = keys.map_err(|error| KeyError::Unusable(path.to_owned(), error))?;
        Ok(Self(keys.into_iter().map(AuditKey::new).collect()))
    }

    /// Reads the key file; makes one with a new key if there is none.
    pub(crate) fn read_or_make(path: &Path) -> Result<Self, KeyError> {
        match make(path) {
            Ok(()) => {}
            Err(KeyError::NotMade(_, error)) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        Self::read(path)
    }

    /// The one that writes.
    pub(crate) fn current(&self) -> Option<&AuditKey> {
        self.0.first()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &AuditKey> {
        self.0.iter()
    }

    /// The one of an id.
    pub(crate) fn of_id(&self, id: &str) -> Option<&AuditKey> {
        self.0.iter().find(|key| key.id == id)
    }

    #[cfg(test)]
    pub(crate) fn of(texts: &[&str]) -> Self {
        let keys = DigestKey::parse(&texts.join("\n")).unwrap();
        Self(keys.into_iter().map(AuditKey::new).collect())
    }
}

impl AuditKey {
    fn new(key: DigestKey) -> Self {
        let id = Hash::of(key.digest("audit key", &[])).shortened(4);
        Self { key, id }
    }

    /// Tells keys apart and says nothing of them.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The proof of a line: of everything in it that stands before the proof, the hash of the line before included.
    pub(crate) fn seal(&self, line: &str) -> Hash {
        Hash::of(self.key.digest("audit record", &[line.as_bytes()]))
    }

    /// What stands for a name: 128 bits in hexadecimal digits.
    pub(crate) fn name(&self, name: &str) -> String {
        Hash::of(self.key.digest("audit name", &[name.as_bytes()])).shortened(16)
    }
}

/// Makes a key file that only its owner may read.
fn make(path: &Path) -> Result<(), KeyError> {
    let failed = |error| KeyError::NotMade(path.to_owned(), error);
    let line = kabao_auth::SealingKeys::generate_line().map_err(KeyError::Randomness)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(path).map_err(failed)?;
    file.write_all(HEAD.as_bytes()).map_err(failed)?;
    file.write_all(line.as_bytes()).map_err(failed)?;
    file.write_all(b"\n").map_err(failed)?;
    file.sync_all().map_err(failed)
}
