//! The embedded store: one file of SQLite, which one process has for itself.
//!
//! One thread writes. Whatever waits for it goes into one transaction, so many writes share one sync of the disk, and
//! nobody is answered before that has returned. Reads have connections of their own, and so do checkpoints, which
//! therefore do not delay a commit. An error of a commit ends the handle: what its sync left behind is not known, so
//! nothing goes on from it. A new handle first makes everything durable anew that it goes on from, and passes a check.

mod backup;
mod check;
mod checkpoint;
mod credentials;
mod error;
mod file;
mod identity;
mod ids;
mod leases;
mod lock;
mod places;
mod queue;
mod readers;
mod schema;
mod settings;
mod statements;
mod stats;
mod table;
mod writer;

pub(crate) use backup::backup;
pub(crate) use check::check;
pub(crate) use stats::stats;

pub use settings::EmbeddedSettings;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kabao_journal::{Leases, StoreError};

use crate::changes::{Changes, Seals};
use crate::credentials::Credentials;
use crate::key_file;
use crate::observer::StoreObserver;
use crate::sqlite::checkpoint::Checkpoints;
use crate::sqlite::credentials::SqliteCredentials;
use crate::sqlite::error::failed;
use crate::sqlite::file::DatabaseFile;
use crate::sqlite::identity::Identity;
use crate::sqlite::ids::Ids;
use crate::sqlite::leases::ProcessLeases;
use crate::sqlite::lock::FileLock;
use crate::sqlite::places::Places;
use crate::sqlite::readers::Readers;
use crate::sqlite::table::SqliteTable;
use crate::sqlite::writer::{Parts, Writer};
use crate::vitals::{Look, StoreVitals};

/// What opening gives.
pub(crate) struct Opened {
    pub(crate) changes: Changes<SqliteTable>,
    pub(crate) leases: Arc<dyn Leases>,
    pub(crate) credentials: Credentials<SqliteCredentials>,
    pub(crate) warnings: Vec<String>,
    pub(crate) vitals: Look,
}

/// Opens the store in a file, and makes it if there is none.
pub(crate) async fn open(
    file: PathBuf,
    settings: EmbeddedSettings,
    observer: Arc<dyn StoreObserver>,
) -> Result<Opened, StoreError> {
    let opening = tokio::task::spawn_blocking(move || open_blocking(file, &settings, observer));
    let opened = opening.await;
    opened.map_err(|error| StoreError::new("opening the store was given up").with_source(error))?
}

fn open_blocking(
    file: PathBuf,
    settings: &EmbeddedSettings,
    observer: Arc<dyn StoreObserver>,
) -> Result<Opened, StoreError> {
    let lock = FileLock::take(&file)?;
    let is_new = !file.exists();
    if is_new {
        require_no_log(&file)?;
    }
    let is_lost = is_new && settings.key_file.exists();
    let lost = is_lost.then(|| {
        format!(
            "the store {} was not there and has been made anew, though its keys were: if there was one, changes made before are not remembered",
            file.display()
        )
    });
    if is_new && !is_lost {
        key_file::create_key_file(&settings.key_file)?;
    }
    let (keys, warning) = key_file::read(&settings.key_file)?;
    let file = DatabaseFile::new(file, settings.max_size);
    if is_new {
        file.create(|file| {
            let mut database = file.open()?;
            schema::create(file, &mut database)
        })?;
    }
    file.require_header()?;
    let mut database = file.open()?;
    let (digests, epoch) = schema::prepare(&file, &mut database, &keys)?;
    let error = |error| failed(file.path(), error);
    let places = Places::of(&database).map_err(error)?;
    let ids = Ids::start(file.clone(), &database).map_err(error)?;
    let leases = Arc::new(ProcessLeases::new(epoch)?);
    let is_ended = Arc::new(AtomicBool::new(false));
    let checkpoints = Checkpoints::start(file.clone())?;
    checkpoints.watch(&mut database).map_err(error)?;
    let parts = Parts {
        is_ended: Arc::clone(&is_ended),
        observer,
        checkpoints,
        database,
        identity: Identity::of(file.path())?,
        file: file.clone(),
        reopen_pause: settings.reopen_pause,
        #[cfg(feature = "testing")]
        faults: settings.commit_faults.clone(),
        lock,
    };
    let writer = Arc::new(Writer::start(parts, settings.timeout)?);
    let vitals = look(file.clone(), is_ended);
    let readers = Arc::new(Readers::new(file, settings.timeout));
    let held = Arc::clone(&leases);
    let credentials = SqliteCredentials::new(Arc::clone(&readers), Arc::clone(&writer), held);
    let table = SqliteTable::new(ids, places, readers, writer, Arc::clone(&leases));
    let shared: Arc<dyn Leases> = leases;
    Ok(Opened {
        credentials: Credentials::new(credentials, keys.clone(), Arc::clone(&shared)),
        changes: Changes::new(table, Seals { keys, digests }, Arc::clone(&shared)),
        leases: shared,
        warnings: warning.into_iter().chain(lost).collect(),
        vitals,
    })
}

/// A log whose database is gone would be played into the one that is made in its place.
fn require_no_log(database: &Path) -> Result<(), StoreError> {
    let log = beside(database, "-wal");
    match fs::metadata(&log).map(|metadata| metadata.len()) {
        Ok(1..) => Err(StoreError::new(format!(
            "the store {} is not there, and its log {} is; put the store back, or move its log away as well to begin with \
             an empty one",
            database.display(),
            log.display()
        ))),
        _ => Ok(()),
    }
}

/// A file that cannot be looked at has no size.
fn look(file: DatabaseFile, is_ended: Arc<AtomicBool>) -> Look {
    Arc::new(move || {
        let size = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
        let log = beside(file.path(), "-wal");
        let takes_changes = !is_ended.load(Ordering::Relaxed);
        StoreVitals::of_file(takes_changes, size(file.path()), size(&log))
    })
}

/// A file beside another one, whose name goes on with `suffix`.
fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Refuses to look at a store that is not there: opening would complain about owners and modes.
fn require_store(file: &DatabaseFile) -> Result<(), StoreError> {
    let path = file.path();
    let found = path.try_exists().map_err(|error| {
        let message = format!("the store {} cannot be reached", path.display());
        StoreError::new(message).with_source(error)
    })?;
    match found {
        true => Ok(()),
        false => Err(StoreError::new(format!(
            "there is no store {}; name another one, a gateway makes it at its first start",
            path.display()
        ))),
    }
}
