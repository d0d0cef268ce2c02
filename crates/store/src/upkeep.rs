//! What an operator does with a store, beside the process that has it: check, back up, count.
//!
//! Everything here only reads, takes no lock, and leaves the log of the database alone, so a gateway may run meanwhile,
//! start or stop.

use std::path::Path;

use kabao_journal::StoreError;
use tokio::task::spawn_blocking;

use crate::report::{Backup, Report};
use crate::settings::StoreSettings;
use crate::stats::Stats;
use crate::{postgres, sqlite};

/// A store in the hands of an operator.
#[derive(Clone, Debug)]
pub struct Upkeep {
    settings: StoreSettings,
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

fn done<T>(joined: Result<T, tokio::task::JoinError>) -> Result<T, StoreError> {
    joined.map_err(|error| StoreError::new("work on the store was given up").with_source(error))
}
