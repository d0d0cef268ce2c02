//! A copy of the file as it is at one moment, beside the process that may have it.
//!
//! The copy is made of pages, by SQLite's backup interface and in one read transaction: without that it would begin anew
//! whenever a running gateway has written between two steps, and `VACUUM INTO`, which writes everything anew, would
//! read for several times as long. As long as it takes, the log of the gateway cannot be shortened, and grows; a
//! gateway that starts meanwhile comes first.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use kabao_auth::random_nonce;
use kabao_journal::StoreError;
use rusqlite::backup::{Backup as Copy, StepResult};
use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};

use super::error::failed;
use super::file::DatabaseFile;
use super::lock::Watch;
use super::settings::EmbeddedSettings;
use super::{beside, require_store, schema};
use crate::key_file::{self, sync_folder_of};
use crate::report::Backup;

/// So many pages are copied before it is looked whether a gateway opens the store: 1 MiB.
const PAGES: i32 = 256;

/// What SQLite may put beside the unfinished copy.
const COMPANIONS: [&str; 4] = ["", "-journal", "-wal", "-shm"];

/// Makes a copy.
pub(crate) fn backup(settings: &EmbeddedSettings, target: &Path) -> Result<Backup, StoreError> {
    let file = DatabaseFile::new(settings.file.clone(), None);
    require_store(&file)?;
    if target.symlink_metadata().is_ok() {
        return Err(exists(target));
    }
    let watch = Watch::begin(file.path()).map_err(|error| {
        let message = format!("the lock of {} cannot be read", file.path().display());
        StoreError::new(message).with_source(error)
    })?;
    let mut warnings = Vec::new();
    let unfinished = Unfinished::create(target)?;
    let source = file
        .open_beside()
        .map_err(|error| failed(file.path(), error))?;
    schema::known_version(&file, &source)?;
    let mut copy = unfinished.open()?;
    let copied =
        copy_pages(&source, &mut copy, &watch).map_err(|error| blamed(&file, target, error))?;
    if !copied {
        return Err(StoreError::new(
            "a gateway opens the store, and the backup has made way for it; run it again",
        ));
    }
    drop(source);
    let changes = finish(&copy).map_err(|error| blamed(&file, target, error))?;
    let copied = DatabaseFile::new(unfinished.path.clone(), None);
    let fits = key_file::read(&settings.key_file)
        .and_then(|(keys, _)| schema::digest_key(&copied, &copy, &keys));
    if let Err(error) = fits {
        warnings.push(error.to_string());
    }
    drop(copy);
    let size = unfinished.publish(target)?;
    Ok(Backup {
        file: target.to_owned(),
        size,
        changes,
        key_file: settings.key_file.clone(),
        warnings,
    })
}

/// Copies what is there now; false if a gateway opens the store meanwhile.
fn copy_pages(source: &Connection, copy: &mut Connection, watch: &Watch) -> rusqlite::Result<bool> {
    let snapshot = source.unchecked_transaction()?;
    snapshot.query_row("SELECT count(*) FROM meta", [], |_| Ok(()))?;
    let backup = Copy::new(source, copy)?;
    loop {
        match backup.step(PAGES)? {
            StepResult::Done => return Ok(true),
            StepResult::More if watch.has_changed() => return Ok(false),
            StepResult::More => {}
            _ => {
                let busy = ffi::Error::new(ffi::SQLITE_BUSY);
                return Err(rusqlite::Error::SqliteFailure(busy, None));
            }
        }
    }
}

/// Makes one file of the copy, checks it, and counts what is in it.
fn finish(copy: &Connection) -> rusqlite::Result<u64> {
    let corrupt = |found: String| {
        let corrupt = ffi::Error::new(ffi::SQLITE_CORRUPT);
        rusqlite::Error::SqliteFailure(corrupt, Some(found))
    };
    let mode: String =
        copy.pragma_update_and_check(None, "journal_mode", "DELETE", |row| row.get(0))?;
    if mode != "delete" {
        return Err(corrupt(mode));
    }
    let found: String = copy.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found != "ok" {
        return Err(corrupt(found));
    }
    let count: i64 = copy.query_row("SELECT count(*) FROM changes", [], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

/// A copy without its name, which is removed unless it gets that.
struct Unfinished {
    path: PathBuf,
}

impl Unfinished {
    fn create(target: &Path) -> Result<Self, StoreError> {
        let nonce = random_nonce().map_err(|error| {
            StoreError::new("an unfinished backup cannot be named").with_source(error)
        })?;
        let path = beside(target, &format!(".{nonce}.unfinished"));
        let mut options = OpenOptions::new();
        let options = options.write(true).create_new(true).mode(0o600);
        options
            .open(&path)
            .map_err(|error| unwritten(target, error))?;
        Ok(Self { path })
    }

    fn open(&self) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = Connection::open_with_flags(&self.path, flags);
        opened.map_err(|error| failed(&self.path, error))
    }

    /// Syncs the copy and gives it its name, if nobody else has taken that meanwhile.
    fn publish(self, target: &Path) -> Result<u64, StoreError> {
        let synced = File::open(&self.path).and_then(|file| {
            file.sync_all()?;
            Ok(file.metadata()?.len())
        });
        let size = synced.map_err(|error| unwritten(target, error))?;
        // A second name, not a new one: that would take the place of a file that is there.
        match fs::hard_link(&self.path, target) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(exists(target));
            }
            // Some file systems have one name a file.
            Err(_) if target.symlink_metadata().is_err() => {
                fs::rename(&self.path, target).map_err(|error| unwritten(target, error))?;
            }
            Err(_) => return Err(exists(target)),
        }
        drop(self);
        sync_folder_of(target)?;
        Ok(size)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        for companion in COMPANIONS {
            // What is not there need not go.
            let _ = fs::remove_file(beside(&self.path, companion));
        }
    }
}

/// A damaged copy is that of a damaged store; everything else is about the copy.
fn blamed(file: &DatabaseFile, target: &Path, error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => failed(file.path(), error),
        _ => {
            let message = format!("the backup {} cannot be written", target.display());
            StoreError::new(message).with_source(error)
        }
    }
}

fn exists(target: &Path) -> StoreError {
    StoreError::new(format!(
        "{} is there already and is not overwritten; name another file",
        target.display()
    ))
}

fn unwritten(target: &Path, error: io::Error) -> StoreError {
    let message = format!("the backup {} cannot be written", target.display());
    StoreError::new(message).with_source(error)
}
