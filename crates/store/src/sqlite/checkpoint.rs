//! Checkpoints beside the commits: they move what the log holds into the database.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use kabao_journal::StoreError;
use rusqlite::Connection;

use super::file::DatabaseFile;

/// After so many writes there is one.
const WRITES: usize = 512;
/// With more pages than that in the log (64 MiB), because somebody has read for long, the writer cuts it.
const LOG_PAGES: i64 = 16_384;

/// The thread that makes checkpoints, on a connection of its own.
pub(super) struct Checkpoints {
    due: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    writes: usize,
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
            writes: 0,
            left,
        })
    }

    /// Counts writes, and asks for a checkpoint now and then.
    pub(super) fn written(&mut self, writes: usize) {
        self.writes += writes;
        if self.writes >= WRITES
            && let Some(due) = &self.due
        {
            self.writes = 0;
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
                left.too_long.store(pages > LOG_PAGES, Ordering::Relaxed);
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
