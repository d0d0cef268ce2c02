//! The tables, their versions, and what is checked at each start.

use kabao_auth::{DigestKey, SealingKeys};
use kabao_journal::StoreError;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

use super::error::failed;
use super::file::{DatabaseFile, no_database, truncate_log};
use crate::digest_key;

/// What each version adds; the number of statements is the newest version.
///
/// `ended` is 0 as long as a change is open, and its own place from then on. The third version keeps answers, and
/// finds changes, as `statements` says; the fourth one makes the slices of subjects smaller.
pub(super) const MIGRATIONS: [&str; 4] = [
    "
    CREATE TABLE meta (
        name TEXT NOT NULL PRIMARY KEY,
        value ANY NOT NULL
    ) STRICT;
    CREATE TABLE changes (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        fence INTEGER NOT NULL,
        account TEXT NOT NULL,
        id TEXT NOT NULL,
        method TEXT NOT NULL,
        fingerprint BLOB NOT NULL,
        subject BLOB,
        state TEXT NOT NULL,
        ended INTEGER NOT NULL,
        owner TEXT NOT NULL,
        create_time INTEGER NOT NULL,
        update_time INTEGER NOT NULL,
        plan BLOB NOT NULL,
        answer BLOB
    ) STRICT;
    CREATE UNIQUE INDEX changes_id ON changes (id, account);
    CREATE UNIQUE INDEX changes_subject ON changes (subject, account, ended) WHERE subject IS NOT NULL;
    CREATE INDEX changes_state ON changes (state);
    CREATE INDEX changes_ended ON changes (update_time) WHERE ended > 0;
    INSERT INTO meta VALUES ('epoch', 0);
",
    "
    CREATE TABLE credentials (
        name TEXT NOT NULL PRIMARY KEY,
        fence INTEGER NOT NULL,
        payload BLOB NOT NULL
    ) STRICT;
",
    "
    CREATE TABLE answers (
        sequence INTEGER NOT NULL PRIMARY KEY REFERENCES changes ON DELETE CASCADE,
        answer BLOB NOT NULL
    ) STRICT;
    DROP INDEX changes_subject;
    DROP INDEX changes_state;
    CREATE UNIQUE INDEX changes_open ON changes (subject, account) WHERE ended = 0;
    CREATE INDEX changes_subject ON changes (sequence >> 10, subject) WHERE subject IS NOT NULL;
    CREATE INDEX changes_rejected ON changes (state) WHERE state = 'REJECTED';
",
    "
    DROP INDEX changes_subject;
    CREATE INDEX changes_subject ON changes (sequence >> 8, subject) WHERE subject IS NOT NULL;
",
];

/// Puts the tables into a new file, and leaves nothing of it in a log.
pub(super) fn create(file: &DatabaseFile, database: &mut Connection) -> Result<(), StoreError> {
    let error = |error| failed(file.path(), error);
    let transaction = database
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(error)?;
    migrate(file, &transaction, 0)?;
    transaction.commit().map_err(error)?;
    truncate_log(database).map_err(error)
}

/// Brings the tables to the newest version, and returns the key of the digests and the number of this start.
pub(super) fn prepare(
    file: &DatabaseFile,
    database: &mut Connection,
    keys: &SealingKeys,
) -> Result<(DigestKey, i64), StoreError> {
    let error = |error| failed(file.path(), error);
    let transaction = database
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(error)?;
    let version = version(file, &transaction)?;
    migrate(file, &transaction, version)?;
    let sealed = sealed_digest_key(&transaction).map_err(error)?;
    let (key, resealed) = digest_key::read(keys, sealed)?;
    if let Some(sealed) = resealed {
        let statement = "INSERT INTO meta VALUES ('digest_key', ?1) \
             ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        transaction.execute(statement, [sealed]).map_err(error)?;
    }
    let epoch = count_up(&transaction).map_err(error)?;
    transaction.commit().map_err(error)?;
    Ok((key, epoch))
}

/// Counts the starts; a write that shows whether the store takes any.
pub(super) fn count_up(database: &Connection) -> rusqlite::Result<i64> {
    let statement = "UPDATE meta SET value = value + 1 WHERE name = 'epoch' RETURNING value";
    database.query_row(statement, [], |row| row.get(0))
}

/// Returns the version of a file that is only read.
///
/// # Errors
/// If it is damaged, or this program does not know the version.
pub(super) fn known_version(file: &DatabaseFile, database: &Connection) -> Result<u32, StoreError> {
    let version = version(file, database)?;
    missing(file, version)?;
    Ok(version)
}

/// Reads the key of the digests, which shows whether the keys are those of the store.
pub(super) fn digest_key(
    file: &DatabaseFile,
    database: &Connection,
    keys: &SealingKeys,
) -> Result<DigestKey, StoreError> {
    let sealed = sealed_digest_key(database).map_err(|error| failed(file.path(), error))?;
    let sealed = sealed.ok_or_else(|| {
        let file = file.path().display();
        StoreError::new(format!(
            "the store {file} has lost the key of its digests; restore it from a backup"
        ))
    })?;
    Ok(digest_key::read(keys, Some(sealed))?.0)
}

fn sealed_digest_key(database: &Connection) -> rusqlite::Result<Option<Vec<u8>>> {
    let sealed = "SELECT value FROM meta WHERE name = 'digest_key'";
    let sealed = database.query_row(sealed, [], |row| row.get(0));
    sealed.optional()
}

/// The version of a file that has its name; one without tables has lost them.
fn version(file: &DatabaseFile, database: &Connection) -> Result<u32, StoreError> {
    let error = |error| failed(file.path(), error);
    let version = database
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(error)?;
    match version {
        0 => Err(error(no_database())),
        version => Ok(version),
    }
}

fn migrate(file: &DatabaseFile, database: &Connection, version: u32) -> Result<(), StoreError> {
    let error = |error| failed(file.path(), error);
    for (version, migration) in (version + 1..).zip(missing(file, version)?) {
        database.execute_batch(migration).map_err(error)?;
        database
            .pragma_update(None, "user_version", version)
            .map_err(error)?;
    }
    Ok(())
}

/// The migrations that a file of a version lacks.
fn missing(file: &DatabaseFile, version: u32) -> Result<&'static [&'static str], StoreError> {
    let known = usize::try_from(version).ok();
    known.and_then(|known| MIGRATIONS.get(known..)).ok_or_else(|| {
        StoreError::new(format!(
            "the store {} is of version {version}, and this program knows none above {}; use the program that wrote it",
            file.path().display(),
            MIGRATIONS.len(),
        ))
    })
}
