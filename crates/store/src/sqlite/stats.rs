//! What is in the file, in numbers.

use std::fs;
use std::path::Path;

use kabao_api::ChangeState;
use kabao_journal::StoreError;
use rusqlite::{Connection, OptionalExtension as _};

use super::error::failed;
use super::file::DatabaseFile;
use super::lock::FileLock;
use super::settings::EmbeddedSettings;
use super::{beside, require_store, schema};
use crate::place::Place;
use crate::sql;
use crate::stats::{self, Group, Oldest, Stats};

/// Counts.
pub(crate) fn stats(settings: &EmbeddedSettings) -> Result<Stats, StoreError> {
    let file = DatabaseFile::new(settings.file.clone(), None);
    require_store(&file)?;
    let error = |error| failed(file.path(), error);
    let holder = FileLock::holder(file.path()).map_err(|error| {
        let message = format!(
            "the lock of the store {} cannot be read",
            file.path().display()
        );
        StoreError::new(message).with_source(error)
    })?;
    let database = file.open_beside().map_err(error)?;
    let version = schema::known_version(&file, &database)?;
    let groups = groups(&database).map_err(error)?;
    let mut open = Vec::new();
    for state in stats::open_states() {
        let found = oldest_in(&database, state).map_err(error)?;
        open.extend(found.map(|found| (found, state)));
    }
    Ok(Stats {
        place: Place::File(settings.file.clone()),
        holder,
        replicas: None,
        version,
        size: size(file.path()),
        log_size: Some(size(&beside(file.path(), "-wal"))),
        counts: stats::sum(groups, open)?,
    })
}

fn groups(database: &Connection) -> rusqlite::Result<Vec<Group>> {
    let mut statement = database.prepare(sql::GROUPS)?;
    let groups = statement.query_map([], |row| {
        Ok(Group {
            account: row.get(0)?,
            state: row.get(1)?,
            count: row.get(2)?,
            oldest: row.get(3)?,
            newest: row.get(4)?,
        })
    })?;
    groups.collect()
}

fn oldest_in(database: &Connection, state: ChangeState) -> rusqlite::Result<Option<Oldest>> {
    let found = database.query_row(sql::OLDEST_IN, [state.as_str()], |row| {
        Ok(Oldest {
            sequence: row.get(0)?,
            account: row.get(1)?,
            id: row.get(2)?,
            since: row.get(3)?,
        })
    });
    found.optional()
}

/// A file that is not there is empty: there is no log after a clean end.
fn size(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |file| file.len())
}
