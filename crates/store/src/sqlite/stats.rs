//! What is in the file, in numbers.

use std::fs;
use std::path::Path;

use kabao_api::ChangeState;
use kabao_journal::StoreError;
use rusqlite::{Connection, OptionalExtension as _};

use super::error::failed;
use super::file::DatabaseFile;
use super::lock::FileLock;
use super::{beside, require_store, schema};
use crate::settings::EmbeddedSettings;
use crate::table;
use crate::time;
use crate::upkeep::{AccountStats, OpenChange, Stats};

const GROUPS: &str = "SELECT account, state, count(*), min(create_time), max(create_time) FROM changes \
     GROUP BY account, state ORDER BY account, state";

/// state
const OLDEST: &str = "SELECT sequence, account, id, create_time FROM changes WHERE state = $1 \
     ORDER BY sequence LIMIT 1";

struct Group {
    account: String,
    state: String,
    count: i64,
    oldest: i64,
    newest: i64,
}

struct Oldest {
    sequence: i64,
    account: String,
    id: String,
    since: i64,
}

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
    let oldest = groups.iter().map(|group| group.oldest).min();
    let newest = groups.iter().map(|group| group.newest).max();
    let mut open: Option<(Oldest, ChangeState)> = None;
    for state in ChangeState::ALL
        .into_iter()
        .filter(|state| !state.is_final())
    {
        let found = oldest_in(&database, state).map_err(error)?;
        if let Some(found) = found
            && open
                .as_ref()
                .is_none_or(|(least, _)| found.sequence < least.sequence)
        {
            open = Some((found, state));
        }
    }
    let oldest_open = open.map(|(found, state)| {
        Ok::<_, StoreError>(OpenChange {
            key: table::key(found.account, found.id)?,
            state,
            since: time::read(found.since),
        })
    });
    Ok(Stats {
        file: settings.file.clone(),
        holder,
        version,
        file_size: size(file.path()),
        log_size: size(&beside(file.path(), "-wal")),
        accounts: by_account(groups)?,
        oldest: oldest.map(time::read),
        newest: newest.map(time::read),
        oldest_open: oldest_open.transpose()?,
    })
}

fn groups(database: &Connection) -> rusqlite::Result<Vec<Group>> {
    let mut statement = database.prepare(GROUPS)?;
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
    let found = database.query_row(OLDEST, [state.as_str()], |row| {
        Ok(Oldest {
            sequence: row.get(0)?,
            account: row.get(1)?,
            id: row.get(2)?,
            since: row.get(3)?,
        })
    });
    found.optional()
}

fn by_account(groups: Vec<Group>) -> Result<Vec<AccountStats>, StoreError> {
    let mut accounts: Vec<AccountStats> = Vec::new();
    for group in groups {
        let counted = (table::state(&group.state)?, group.count.unsigned_abs());
        match accounts.last_mut() {
            Some(last) if last.account == group.account => last.states.push(counted),
            _ => accounts.push(AccountStats {
                account: group.account,
                states: vec![counted],
            }),
        }
    }
    Ok(accounts)
}

/// A file that is not there is empty: there is no log after a clean end.
fn size(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |file| file.len())
}
