//! The tables, their versions, and what is checked at each start.

use std::path::Path;

use kabao_auth::{DigestKey, SealingKeys};
use kabao_journal::StoreError;
use tokio::task::spawn_blocking;

use super::session::{Session, column};
use super::url::DatabaseUrl;
use crate::unopened::Unopened;
use crate::{digest_key, key_file};

/// What each version adds; the number of statements is the newest version.
///
/// `ended` is 0 as long as a change is open, and its own place from then on, as in the embedded store. A lease is a
/// row as long as it is held: it goes with its owner, and its fence comes from a sequence, so that it grows
/// nevertheless. What is sealed cannot be compressed.
static MIGRATIONS: [&str; 4] = [
    "
    CREATE TABLE meta (
        name text COLLATE \"C\" PRIMARY KEY,
        value bytea NOT NULL
    );
    CREATE TABLE changes (
        sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        fence bigint NOT NULL,
        account text COLLATE \"C\" NOT NULL,
        id text COLLATE \"C\" NOT NULL,
        method text COLLATE \"C\" NOT NULL,
        fingerprint bytea NOT NULL,
        subject bytea,
        state text COLLATE \"C\" NOT NULL,
        ended bigint NOT NULL,
        owner text COLLATE \"C\" NOT NULL,
        create_time bigint NOT NULL,
        update_time bigint NOT NULL,
        plan bytea NOT NULL,
        answer bytea
    );
    ALTER TABLE changes ALTER plan SET STORAGE EXTERNAL, ALTER answer SET STORAGE EXTERNAL;
    CREATE UNIQUE INDEX changes_id ON changes (id, account);
    CREATE UNIQUE INDEX changes_subject ON changes (subject, account, ended) WHERE subject IS NOT NULL;
    CREATE INDEX changes_state ON changes (state, sequence);
    CREATE INDEX changes_ended ON changes (update_time) WHERE ended > 0;
    CREATE TABLE replicas (
        name text COLLATE \"C\" PRIMARY KEY,
        beat bigint NOT NULL,
        patience bigint NOT NULL
    );
    CREATE TABLE leases (
        name text COLLATE \"C\" PRIMARY KEY,
        owner text COLLATE \"C\" NOT NULL REFERENCES replicas ON DELETE CASCADE,
        fence bigint NOT NULL,
        wanted boolean NOT NULL
    );
    CREATE INDEX leases_owner ON leases (owner);
    CREATE SEQUENCE fences;
",
    "
    CREATE TABLE credentials (
        name text COLLATE \"C\" PRIMARY KEY,
        fence bigint NOT NULL,
        payload bytea NOT NULL
    );
    ALTER TABLE credentials ALTER payload SET STORAGE EXTERNAL;
",
    "
    CREATE TABLE limits (
        name text COLLATE \"C\" PRIMARY KEY,
        portions jsonb NOT NULL
    );
",
    "
    ALTER TABLE limits ADD COLUMN used timestamptz NOT NULL DEFAULT now();
",
];

/// Others may be at it, and migrations may take longer than changes.
const BEGIN: &str = "BEGIN; SET LOCAL lock_timeout = '20s'; SET LOCAL statement_timeout = '25s'; \
     SET LOCAL idle_in_transaction_session_timeout = '30s'";

/// One process at a time prepares the store; the number is `kabao` in letters of a telephone.
const LOCK: &str = "SELECT pg_advisory_xact_lock(52226)";

const HAS_SCHEMA: &str = "SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'kabao'";
const HAS_STORE: &str =
    "SELECT FROM pg_catalog.pg_tables WHERE schemaname = 'kabao' AND tablename = 'versions'";
const DIGEST_KEY: &str = "SELECT value FROM meta WHERE name = 'digest_key'";
const VERSION: &str = "SELECT COALESCE(max(version), 0) FROM versions";
const SETTINGS: &str = "SELECT current_setting('server_version_num')::bigint, current_setting('fsync'), \
     current_setting('full_page_writes')";

/// The oldest server whose behaviour is relied on.
const OLDEST_SERVER: i64 = 130_000;

/// What a prepared store is opened with.
pub(super) struct Prepared {
    pub(super) keys: SealingKeys,
    pub(super) digests: DigestKey,
    pub(super) warnings: Vec<String>,
}

/// Brings the tables to the newest version, and reads the keys. Whatever it does, it does in one transaction.
pub(super) async fn prepare(
    session: &mut Session,
    url: &DatabaseUrl,
    key_file: &Path,
) -> Result<Prepared, Unopened> {
    let mut warnings = check_server(session, url).await?;
    session.batch(BEGIN).await?;
    session.rows(LOCK, &[]).await?;
    let has_store = session.first(HAS_STORE, &[]).await?.is_some();
    if !has_store {
        create(session).await?;
    }
    let keys = read_keys(url, key_file, has_store).await?;
    warnings.extend(keys.1);
    migrate(session, url).await?;
    let sealed = session.first(DIGEST_KEY, &[]).await?;
    let sealed = sealed.map(|row| column(&row, 0)).transpose()?;
    let (digests, resealed) = digest_key::read(&keys.0, sealed).map_err(Unopened::Mistake)?;
    if let Some(sealed) = resealed {
        let statement = "INSERT INTO meta (name, value) VALUES ('digest_key', $1) \
             ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        session.execute(statement, &[&sealed]).await?;
    }
    session.batch("COMMIT").await?;
    Ok(Prepared {
        keys: keys.0,
        digests,
        warnings,
    })
}

async fn check_server(session: &mut Session, url: &DatabaseUrl) -> Result<Vec<String>, Unopened> {
    let row = session.first(SETTINGS, &[]).await?;
    let row = row.ok_or_else(|| StoreError::new("the database does not tell its settings"))?;
    let version: i64 = column(&row, 0)?;
    if version < OLDEST_SERVER {
        return Err(Unopened::Mistake(StoreError::refused(format!(
            "the database {url} is PostgreSQL {}; the store needs {} or later",
            version / 10_000,
            OLDEST_SERVER / 10_000
        ))));
    }
    let is_off = |setting: &str| setting == "off";
    let mut warnings = Vec::new();
    for (index, name) in [(1, "fsync"), (2, "full_page_writes")] {
        if is_off(column(&row, index)?) {
            warnings.push(format!(
                "the database {url} runs with {name} off: a change that was confirmed may be forgotten when its machine \
                 stops"
            ));
        }
    }
    Ok(warnings)
}

async fn create(session: &mut Session) -> Result<(), StoreError> {
    if session.first(HAS_SCHEMA, &[]).await?.is_none() {
        let created = session.batch("CREATE SCHEMA kabao").await;
        created.map_err(|error| {
            StoreError::refused(format!(
                "{error}; let its owner run: CREATE SCHEMA kabao AUTHORIZATION the user of the URL"
            ))
        })?;
    }
    session
        .batch("CREATE TABLE kabao.versions (version bigint PRIMARY KEY)")
        .await
}

async fn migrate(session: &mut Session, url: &DatabaseUrl) -> Result<(), Unopened> {
    let (version, missing) = version(session, url).await?;
    for (version, migration) in (version + 1..).zip(missing) {
        session.batch(migration).await?;
        session
            .execute("INSERT INTO versions VALUES ($1)", &[&version])
            .await?;
    }
    Ok(())
}

/// Returns the version of a store that this program knows.
pub(super) async fn known_version(
    session: &mut Session,
    url: &DatabaseUrl,
) -> Result<u32, StoreError> {
    if session.first(HAS_STORE, &[]).await?.is_none() {
        return Err(StoreError::refused(format!(
            "the database {url} has no store; a gateway makes it at its first start"
        )));
    }
    let (version, _) = version(session, url).await.map_err(Unopened::into_error)?;
    Ok(u32::try_from(version).unwrap_or_default())
}

/// Reads the key of the digests, which shows whether the keys are those of the store.
pub(super) async fn digest_key(
    session: &mut Session,
    url: &DatabaseUrl,
    keys: &SealingKeys,
) -> Result<DigestKey, StoreError> {
    let sealed = session.first(DIGEST_KEY, &[]).await?;
    let sealed = sealed.map(|row| column(&row, 0)).transpose()?;
    let sealed = sealed.ok_or_else(|| {
        StoreError::refused(format!(
            "the store in the database {url} has lost the key of its digests; restore it from a backup"
        ))
    })?;
    Ok(digest_key::read(keys, Some(sealed))?.0)
}

/// The version of the tables, and what is missing.
async fn version(
    session: &mut Session,
    url: &DatabaseUrl,
) -> Result<(i64, &'static [&'static str]), Unopened> {
    let row = session.first(VERSION, &[]).await?;
    let version: i64 = row.map_or(Ok(0), |row| column(&row, 0))?;
    let known = usize::try_from(version).ok();
    let missing = known.and_then(|known| MIGRATIONS.get(known..));
    let missing = missing.ok_or_else(|| {
        Unopened::Mistake(StoreError::refused(format!(
            "the store in the database {url} is of version {version}, and this program knows none above {}; use the \
             program that wrote it",
            MIGRATIONS.len(),
        )))
    })?;
    Ok((version, missing))
}

/// Reads the key file. It is made only together with the store: another one would open nothing.
async fn read_keys(
    url: &DatabaseUrl,
    file: &Path,
    has_store: bool,
) -> Result<(SealingKeys, Vec<String>), Unopened> {
    if has_store && !file.exists() {
        return Err(Unopened::Mistake(StoreError::refused(format!(
            "the key file {} is missing, and the database {url} has a store already, which opens with its own keys \
             only: copy the key file from a replica that uses this store, or name another database",
            file.display()
        ))));
    }
    let path = file.to_owned();
    let database = url.to_string();
    let read = spawn_blocking(move || {
        let is_new = !path.exists();
        if is_new {
            key_file::create_key_file(&path)?;
        }
        let (keys, warning) = key_file::read(&path).map_err(Unopened::Mistake)?;
        let made = match (has_store, is_new) {
            (true, _) => None,
            (false, true) => Some(format!(
                "the key file {} has been made with a new store: keep a copy, and give it to every other replica",
                path.display()
            )),
            (false, false) => Some(format!(
                "the database {database} had no store, and one has been made, though its keys were there: if there was \
                 one, changes made before are not remembered"
            )),
        };
        Ok((keys, made.into_iter().chain(warning).collect()))
    });
    let read = read.await;
    read.map_err(|error| StoreError::new("reading the keys was given up").with_source(error))?
}
