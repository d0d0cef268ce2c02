//! Where a store lies and how long it is waited for.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::postgres::DatabaseUrl;

/// The name of the file of the embedded store in its folder.
const FILE: &str = "kabao.db";
/// The name of the key file beside it.
const KEY_FILE: &str = "store.key";
/// How long one read or write may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Which store to open.
#[derive(Clone, Debug)]
pub enum StoreSettings {
    /// A file of SQLite, which one process has for itself.
    Embedded(EmbeddedSettings),
    /// A database of PostgreSQL, which several processes share.
    Postgres(PostgresSettings),
}

/// Where an embedded store lies, what seals it, and how long it is waited for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EmbeddedSettings {
    /// The file of SQLite, which one process has for itself.
    pub file: PathBuf,
    /// The file of the keys that seal payloads. With a store that is made anew, it is made, too.
    pub key_file: PathBuf,
    /// How long one read or write may take; 5 seconds.
    pub timeout: Duration,
    /// How large the file may become, in bytes; as large as the disk if there is no bound.
    pub max_size: Option<u64>,
    /// How long after a failed commit the file is opened anew at the earliest; a second.
    pub reopen_pause: Duration,
    /// What goes wrong with commits.
    #[cfg(feature = "testing")]
    pub commit_faults: crate::testing::CommitFaults,
}

/// Which database a store lies in, what seals it, and how long it is waited for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PostgresSettings {
    /// Where the database is, and how to get in.
    pub url: DatabaseUrl,
    /// The file of the keys that seal payloads: the same for all processes. With a store that is made anew, it is
    /// made if there is none.
    pub key_file: PathBuf,
    /// How long one read or write may take, with the wait for a connection; 5 seconds.
    pub timeout: Duration,
    /// How many connections serve changes at most; 16. One more is for the heartbeat.
    pub connections: u32,
    /// How long this process may show no sign of life before others take over what it holds; 6 seconds.
    ///
    /// It gives a sign six times as often, and sends nothing any more when none has got through for half as long. Its
    /// own is published, so processes with different values may share a store.
    pub takeover_after: Duration,
}

impl StoreSettings {
    /// An embedded store in a folder, with its key file beside it.
    pub fn embedded(folder: &Path) -> Self {
        Self::Embedded(EmbeddedSettings::new(folder))
    }

    /// Returns the file of the keys that seal payloads.
    pub fn key_file(&self) -> &Path {
        match self {
            Self::Embedded(settings) => &settings.key_file,
            Self::Postgres(settings) => &settings.key_file,
        }
    }
}

impl EmbeddedSettings {
    /// A store in a folder, with its key file beside it.
    pub fn new(folder: &Path) -> Self {
        Self {
            file: folder.join(FILE),
            key_file: folder.join(KEY_FILE),
            timeout: TIMEOUT,
            max_size: None,
            reopen_pause: Duration::from_secs(1),
            #[cfg(feature = "testing")]
            commit_faults: crate::testing::CommitFaults::default(),
        }
    }
}

impl PostgresSettings {
    /// A store in a database, sealed with the keys of a file.
    pub fn new(url: DatabaseUrl, key_file: impl Into<PathBuf>) -> Self {
        Self {
            url,
            key_file: key_file.into(),
            timeout: TIMEOUT,
            connections: 16,
            takeover_after: Duration::from_secs(6),
        }
    }

    /// How often a sign of life is given.
    pub(crate) fn heartbeat(&self) -> Duration {
        self.takeover_after / 6
    }

    /// How long after the last sign of life nothing is sent any more: long before anybody takes over.
    pub(crate) fn stale_after(&self) -> Duration {
        self.takeover_after / 2
    }
}

impl From<EmbeddedSettings> for StoreSettings {
    fn from(settings: EmbeddedSettings) -> Self {
        Self::Embedded(settings)
    }
}

impl From<PostgresSettings> for StoreSettings {
    fn from(settings: PostgresSettings) -> Self {
        Self::Postgres(settings)
    }
}
