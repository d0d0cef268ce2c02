//! What an operator does with a store, beside the process that has it: check, back up, count.
//!
//! Everything here only reads, takes no lock, and leaves the log of the database alone, so a gateway may run meanwhile,
//! start or stop.

use std::error::Error as _;
use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use kabao_api::ChangeState;
use kabao_journal::{ChangeKey, StoreError};
use tokio::task::spawn_blocking;

use crate::settings::StoreSettings;
use crate::{postgres, sqlite};

/// A store in the hands of an operator.
#[derive(Clone, Debug)]
pub struct Upkeep {
    settings: StoreSettings,
}

/// Where a store lies.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// A file of SQLite.
    File(PathBuf),
    /// A database of PostgreSQL: server and name.
    Database(String),
}

/// The process that has a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Holder {
    /// Its id; not known in the moment before the process has told it.
    pub process: Option<u32>,
}

/// What a check has found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// The store.
    pub place: Place,
    /// Who has it at the moment, if it is a file.
    pub holder: Option<Holder>,
    /// The version of its tables, if they can be read.
    pub version: Option<u32>,
    /// How many changes were looked at.
    pub changes: u64,
    /// What is wrong; nothing if it is empty.
    pub faults: Vec<Fault>,
}

/// One thing that is wrong. Names files and changes, never what is in them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// What.
    pub what: String,
    /// What helps.
    pub remedy: String,
}

/// A copy that was made.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Backup {
    /// The file.
    pub file: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// How many changes it holds.
    pub changes: u64,
    /// The key file, without which nothing in the copy can be read; it is not part of the copy.
    pub key_file: PathBuf,
    /// What an operator should be told: keys that do not fit.
    pub warnings: Vec<String>,
}

/// What is in a store, in numbers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stats {
    /// The store.
    pub place: Place,
    /// Who has it at the moment, if it is a file.
    pub holder: Option<Holder>,
    /// How many replicas are registered, if it is a database; one that was killed is among them for a while.
    pub replicas: Option<u64>,
    /// The version of its tables.
    pub version: u32,
    /// The size of the file, or of the tables with their indexes, in bytes.
    pub size: u64,
    /// The size of the log beside a file in bytes.
    pub log_size: Option<u64>,
    /// What was counted.
    pub counts: Counts,
}

/// Changes, counted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Counts {
    /// By account, in the order of their names.
    pub accounts: Vec<AccountStats>,
    /// When the oldest change that is remembered was made.
    pub oldest: Option<SystemTime>,
    /// When the newest one was made.
    pub newest: Option<SystemTime>,
    /// The change that has been open for the longest time.
    pub oldest_open: Option<OpenChange>,
}

/// The changes of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccountStats {
    /// The account.
    pub account: String,
    /// How many changes are in each state that occurs.
    pub states: Vec<(ChangeState, u64)>,
}

/// A change that has not ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OpenChange {
    /// Its account and id.
    pub key: ChangeKey,
    /// How far it got.
    pub state: ChangeState,
    /// When it was made.
    pub since: SystemTime,
}

impl Upkeep {
    /// Names the store; nothing is opened yet.
    pub fn new(settings: impl Into<StoreSettings>) -> Self {
        Self {
            settings: settings.into(),
        }
    }

    /// Looks for everything that is wrong: modes of files, the key file, the version, the structure of the database,
    /// and whether every payload opens. Reads all that there is.
    ///
    /// # Errors
    /// If the check itself cannot be done. What it finds is in the report.
    pub async fn check(&self) -> Result<Report, StoreError> {
        match self.settings.clone() {
            StoreSettings::Embedded(settings) => {
                done(spawn_blocking(move || sqlite::check(&settings)).await)
            }
            StoreSettings::Postgres(settings) => Ok(postgres::check(&settings).await),
        }
    }

    /// Copies the store as it is at one moment into a new file that only its owner may read. The file gets its name
    /// when it is complete, passes a check of its structure, and is on the disk.
    ///
    /// # Errors
    /// If there is such a file already, the store cannot be read, or the copy cannot be written. Nothing of the copy
    /// is left behind then. A database has tools of its own for that; this only says which.
    pub async fn backup(&self, target: &Path) -> Result<Backup, StoreError> {
        let settings = match self.settings.clone() {
            StoreSettings::Embedded(settings) => settings,
            StoreSettings::Postgres(settings) => {
                return Err(StoreError::refused(format!(
                    "the store is in the database {}, which is copied by its own tools, such as \
                     `pg_dump --schema=kabao`; the keys in {} are not in such a copy",
                    settings.url,
                    settings.key_file.display()
                )));
            }
        };
        let target = target.to_owned();
        done(spawn_blocking(move || sqlite::backup(&settings, &target)).await)?
    }

    /// Counts what is in the store.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn stats(&self) -> Result<Stats, StoreError> {
        match self.settings.clone() {
            StoreSettings::Embedded(settings) => {
                done(spawn_blocking(move || sqlite::stats(&settings)).await)?
            }
            StoreSettings::Postgres(settings) => postgres::stats(&settings).await,
        }
    }
}

impl Fault {
    pub(crate) fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            remedy: remedy.into(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => file.display().fmt(f),
            Self::Database(name) => write!(f, "the database {name}"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what, self.remedy)
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.process {
            Some(id) => write!(f, "process {id}"),
            None => f.write_str("a process"),
        }
    }
}

fn done<T>(joined: Result<T, tokio::task::JoinError>) -> Result<T, StoreError> {
    joined.map_err(|error| StoreError::new("work on the store was given up").with_source(error))
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // Writing to a text does not fail.
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    text
}
