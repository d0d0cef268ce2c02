//! The database file, and how connections to it are opened.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kabao_journal::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::beside;
use super::error::failed;
use crate::key_file::sync_folder_of;

/// How long one of our connections waits for another one; they only meet at checkpoints.
const BUSY: Duration = Duration::from_secs(5);
/// How long the writer waits for readers to shorten the log. An operator's backup reads for seconds.
const SHORT: Duration = Duration::from_millis(50);
/// The size of a page of a new file. Larger ones would be fewer for a group of changes, but whole pages are written at each of
/// its places: with 8 KiB a tenth fewer changes a second.
const PAGE: u32 = 4096;
/// What the writer keeps of the file, in KiB, as SQLite wants it. A commit after which pages of an index have changed
/// places looks at all of it (their place meanwhile is that of the lock, behind the last page), so four times as much
/// makes a commit dearer than what it saves: what is not here is in the cache of the system.
const CACHE: i32 = -4096;
/// So many statements stay prepared.
const STATEMENTS: usize = 32;
/// How every database of SQLite begins.
const HEADER: &[u8; 16] = b"SQLite format 3\0";

/// Where the database is, and how large it may become.
#[derive(Clone, Debug)]
pub(crate) struct DatabaseFile {
    path: PathBuf,
    max_size: Option<u64>,
}

impl DatabaseFile {
    pub(crate) fn new(path: PathBuf, max_size: Option<u64>) -> Self {
        Self { path, max_size }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What a file is called before it has its tables and so its name: a name that nobody gives to a backup on its way
    /// back, since whatever has it is written anew.
    pub(super) fn unnamed(path: &Path) -> PathBuf {
        beside(path, ".unfinished")
    }

    /// Makes a file that only its owner may read; SQLite gives its mode to those beside it.
    ///
    /// It gets its name once `fill` has put the tables in. So a file of that name without any was cut, and is not
    /// taken for a new one.
    pub(super) fn create(
        &self,
        fill: impl FnOnce(&Self) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let failed = |error: io::Error| {
            let message = format!("the store {} cannot be made", self.path.display());
            StoreError::new(message).with_source(error)
        };
        let unnamed = Self {
            path: Self::unnamed(&self.path),
            max_size: self.max_size,
        };
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(true).mode(0o600);
        // What an earlier try has left behind is used again: without it, nothing would tell a store that was begun from
        // one that is lost, and there may be no room for another one.
        options.open(&unnamed.path).map_err(failed)?;
        fill(&unnamed)?;
        fs::rename(&unnamed.path, &self.path).map_err(failed)?;
        sync_folder_of(&self.path)
    }

    /// Refuses a file that does not begin as a database does. SQLite itself takes one of a few bytes, or of none, for
    /// a new one, and what was remembered would be gone without a word.
    ///
    /// SQLite also removes the log of an empty file, so whoever only looks asks for this first, too.
    pub(super) fn require_header(&self) -> Result<(), StoreError> {
        self.require_header_in(OpenOptions::new().read(true), "read")
    }

    /// The same for whoever writes: SQLite opens a file that may only be read, and blames the disk for it later.
    pub(super) fn require_writable(&self) -> Result<(), StoreError> {
        self.require_header_in(
            OpenOptions::new().read(true).write(true),
            "read and written",
        )
    }

    fn require_header_in(&self, options: &OpenOptions, how: &str) -> Result<(), StoreError> {
        let path = self.path.display();
        let mut header = [0; HEADER.len()];
        let mut read = || {
            // Of a pipe nobody knows when it is opened.
            if !fs::metadata(&self.path)?.is_file() {
                return Err(io::Error::new(
                    ErrorKind::IsADirectory,
                    "it is no regular file",
                ));
            }
            options.open(&self.path)?.read_exact(&mut header)
        };
        match read() {
            Ok(()) if header == *HEADER => Ok(()),
            Err(error) if error.kind() != ErrorKind::UnexpectedEof => {
                let message = format!("the store {path} cannot be {how} by this process");
                Err(StoreError::new(message).with_source(error))
            }
            _ => Err(failed(&self.path, no_database())),
        }
    }

    /// Opens a connection that writes, and makes durable what an earlier one may have left unsynced: what
    /// a failed sync left behind looks written, but its pages count as clean, so nothing would write them again.
    pub(super) fn open(&self) -> Result<Connection, StoreError> {
        self.open_writing()
            .map_err(|error| failed(&self.path, error))
    }

    /// Opens a connection that only reads.
    pub(crate) fn open_reading(&self) -> rusqlite::Result<Connection> {
        let database = self.connect()?;
        database.pragma_update(None, "query_only", true)?;
        Ok(database)
    }

    /// Opens a connection that reads beside the process that has the file. It leaves the log alone, also if it is the
    /// last one that closes the file: only a start of the store makes durable anew what it goes on from.
    pub(super) fn open_beside(&self) -> rusqlite::Result<Connection> {
        let database = self.open_reading()?;
        database.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        Ok(database)
    }

    /// Opens a connection for checkpoints.
    pub(super) fn connect(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let database = Connection::open_with_flags(&self.path, flags)?;
        database.busy_timeout(BUSY)?;
        database.set_prepared_statement_cache_capacity(STATEMENTS);
        database.pragma_update(None, "synchronous", "FULL")?;
        database.pragma_update(None, "temp_store", "MEMORY")?;
        database.pragma_update(None, "trusted_schema", false)?;
        database.pragma_update(None, "foreign_keys", true)?;
        database.pragma_update(None, "wal_autocheckpoint", 0)?;
        database.pragma_update(None, "cell_size_check", true)?;
        Ok(database)
    }

    fn open_writing(&self) -> rusqlite::Result<Connection> {
        let database = self.connect()?;
        database.pragma_update(None, "page_size", PAGE)?;
        database.pragma_update(None, "cache_size", CACHE)?;
        let mode: String =
            database.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
        if mode != "wal" {
            return Err(rusqlite::Error::InvalidQuery);
        }
        if let Some(size) = self.max_size {
            let page: u32 = database.pragma_query_value(None, "page_size", |row| row.get(0))?;
            let pages = i64::try_from(size / u64::from(page))
                .unwrap_or(i64::MAX)
                .max(1);
            database.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
        }
        truncate_log(&database)?;
        Ok(database)
    }
}

/// The error of a file that is none of ours.
pub(super) fn no_database() -> rusqlite::Error {
    let error = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_NOTADB);
    rusqlite::Error::SqliteFailure(error, None)
}

/// Moves everything from the log into the database and empties it, unless somebody reads meanwhile: changes wait for
/// this, and so it waits for nobody for long.
pub(super) fn shorten_log(database: &Connection) -> rusqlite::Result<()> {
    database.busy_timeout(SHORT)?;
    let shortened = truncate_log(database);
    database.busy_timeout(BUSY)?;
    shortened
}

/// Moves everything from the log into the database, syncs both, and empties the log.
pub(super) fn truncate_log(database: &Connection) -> rusqlite::Result<()> {
    let busy: i64 = database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    match busy {
        0 => Ok(()),
        _ => Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY),
            None,
        )),
    }
}
