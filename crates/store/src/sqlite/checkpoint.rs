//! Checkpoints beside the commits: they move what the log holds into the database.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use kabao_journal::StoreError;
use rusqlite::Connection;
use rusqlite::hooks::Wal;

use super::file::DatabaseFile;

/// There is one after so many pages in the log (16 MiB): what many changes have written there in turn is moved once.
const DUE_PAGES: i64 = 4096;
/// With more pages than that in the log (64 MiB), because somebody has read for long, the writer cuts it.
const LONG_PAGES: i64 = 16_384;

/// The thread that makes checkpoints, on a connection of its own.
pub(super) struct Checkpoints {
    due: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    /// How many pages the last commit has left in the log.
    log: Arc<AtomicI64>,
    /// How many there were when a checkpoint was asked for.
    asked: i64,
    left: Arc<Left>,
}

/// What a checkpoint has left to the writer.
#[derive(Default)]
struct Left {
    rest: AtomicBool,
    too_long: AtomicBool,
}

impl Checkpoints {
    pub(super) fn start(file: DatabaseFile) -> Result<Self, StoreError> {
        let (due, receiver) = sync_channel(1);
        let left = Arc::<Left>::default();
        let shared = Arc::clone(&left);
        let thread = thread::Builder::new()
            .name("store-checkpoints".to_owned())
            .spawn(move || run(&file, &receiver, &shared));
        let thread = thread.map_err(|error| {
            StoreError::new("the thread of checkpoints cannot be started").with_source(error)
        })?;
        Ok(Self {
            due: Some(due),
            thread: Some(thread),
            log: Arc::default(),
            asked: 0,
            left,
        })
    }

    /// Has the connection that writes tell how long each commit makes the log.
    pub(super) fn watch(&self, database: &mut Connection) -> rusqlite::Result<()> {
        let log = Arc::clone(&self.log);
        database.wal_hook(Some(move |_: &mut Wal, pages| {
            log.store(i64::from(pages), Ordering::Relaxed);
            Ok(())
        }))
    }

    /// Asks for a checkpoint if the commits since the last one have made the log so much longer.
    pub(super) fn committed(&mut self) {
        let pages = self.log.load(Ordering::Relaxed);
        // After a checkpoint of everything it begins anew.
        self.asked = self.asked.min(pages);
        if pages - self.asked >= DUE_PAGES
            && let Some(due) = &self.due
        {
            self.asked = pages;
            // One that is under way or waits is as good.
            let _ = due.try_send(());
        }
    }

    /// Tells, once, that the writer has to shorten the log.
    pub(super) fn is_log_too_long(&self) -> bool {
        self.left.too_long.swap(false, Ordering::Relaxed)
    }

    /// Tells, once, that the writer may move what came into the log during the last checkpoint.
    pub(super) fn has_rest(&self) -> bool {
        self.left.rest.swap(false, Ordering::Relaxed)
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.due = None;
        if let Some(thread) = self.thread.take() {
            // A thread that has panicked has nothing to say any more.
            let _ = thread.join();
        }
    }
}

fn run(file: &DatabaseFile, due: &Receiver<()>, left: &Left) {
    let mut kept = None;
    while due.recv().is_ok() {
        let made = match kept.take() {
            Some(database) => Ok(database),
            None => file.connect(),
        };
        match made.and_then(|database| Ok((checkpoint(&database)?, database))) {
            Ok((pages, database)) => {
                left.too_long.store(pages > LONG_PAGES, Ordering::Relaxed);
                left.rest.store(true, Ordering::Relaxed);
                kept = Some(database);
            }
            // What it did not move stays in the log, and the next one moves it.
            Err(error) => tracing::warn!(%error, "a checkpoint of the store failed"),
        }
    }
}

/// Moves what can be moved without waiting for anybody; returns the length of the log in pages.
///
/// If that was all, the next write begins at the start of the log, over what was moved: a write into a file that does not
/// grow costs its sync a third less.
pub(super) fn checkpoint(database: &Connection) -> rusqlite::Result<i64> {
    database.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1))
}
