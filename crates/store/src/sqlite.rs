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
mod founding;
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
use crate::opened::Opened;
use crate::sqlite::checkpoint::Checkpoints;
use crate::sqlite::credentials::SqliteCredentials;
use crate::sqlite::error::{failed, not_opened, not_prepared};
use crate::sqlite::file::DatabaseFile;
use crate::sqlite::founding::Founding;
use crate::sqlite::identity::Files;
use crate::sqlite::ids::Ids;
use crate::sqlite::leases::ProcessLeases;
use crate::sqlite::lock::FileLock;
use crate::sqlite::places::Places;
use crate::sqlite::readers::Readers;
use crate::sqlite::table::SqliteTable;
use crate::sqlite::writer::{Parts, Writer};
use crate::unopened::Unopened;
use crate::vitals::{Look, StoreVitals};

/// Opens the store in a file, and makes it if there is none.
pub(crate) async fn open(
    settings: EmbeddedSettings,
    observer: Arc<dyn StoreObserver>,
) -> Result<Opened, Unopened> {
    let opening = tokio::task::spawn_blocking(move || open_blocking(&settings, observer));
    let opened = opening.await;
    opened.map_err(|error| StoreError::new("opening the store was given up").with_source(error))?
}

/// How a store is that was not opened yet.
pub(crate) fn closed(settings: &EmbeddedSettings) -> Look {
    let file = DatabaseFile::new(settings.file.clone(), None);
    look(file, Arc::new(AtomicBool::new(true)))
}

fn open_blocking(
    settings: &EmbeddedSettings,
    observer: Arc<dyn StoreObserver>,
) -> Result<Opened, Unopened> {
    let file = DatabaseFile::new(settings.file.clone(), settings.max_size);
    let founding = Founding::look(&file, &settings.key_file)?;
    let lock = FileLock::take(file.path())?;
    let lost = founding.make_if_missing()?;
    let (keys, warning) = key_file::read(&settings.key_file).map_err(Unopened::Mistake)?;
    file.require_writable()?;
    let files = Files::of(file.path(), &lock)?;
    let mut database = file.open().map_err(not_opened)?;
    let prepared = schema::prepare(&file, &mut database, &keys);
    let (digests, epoch) = prepared.map_err(not_prepared)?;
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
        identity: files.opened(file.path())?,
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
        credentials: Arc::new(Credentials::new(
            credentials,
            keys.clone(),
            Arc::clone(&shared),
        )),
        changes: Arc::new(Changes::new(
            table,
            Seals { keys, digests },
            Arc::clone(&shared),
        )),
        leases: shared,
        portions: None,
        warnings: warning.into_iter().chain(lost).collect(),
        vitals,
    })
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

/// Refuses to look at a store that is not there, or is none: opening would complain about owners and modes, or change it.
fn require_store(file: &DatabaseFile) -> Result<(), StoreError> {
    let path = file.path();
    let found = path.try_exists().map_err(|error| {
        let message = format!("the store {} cannot be reached", path.display());
        StoreError::new(message).with_source(error)
    })?;
    match found {
        true => file.require_header(),
        false => {
            let (what, remedy) = founding::absence(path);
            Err(StoreError::new(format!("{what}; {remedy}")))
        }
    }
}
