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
/// With more pages than that in the log (64 MiB), the writer waits for a checkpoint of its own: under load that never
/// pauses, those beside it never get to the end of the log.
const LOG_PAGES: i64 = 16_384;

/// The thread that makes checkpoints, on a connection of its own.
pub(super) struct Checkpoints {
    due: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    writes: usize,
    too_long: Arc<AtomicBool>,
}

impl Checkpoints {
    pub(super) fn start(file: DatabaseFile) -> Result<Self, StoreError> {
        let (due, receiver) = sync_channel(1);
        let too_long = Arc::new(AtomicBool::new(false));
        let shared = Arc::clone(&too_long);
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
            too_long,
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
        self.too_long.swap(false, Ordering::Relaxed)
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

fn run(file: &DatabaseFile, due: &Receiver<()>, too_long: &AtomicBool) {
    let mut kept = None;
    while due.recv().is_ok() {
        let made = match kept.take() {
            Some(database) => Ok(database),
            None => file.connect(),
        };
        match made.and_then(|database| Ok((checkpoint(&database)?, database))) {
            Ok((pages, database)) => {
                too_long.store(pages > LOG_PAGES, Ordering::Relaxed);
                kept = Some(database);
            }
            // What it did not move stays in the log, and the next one moves it.
            Err(error) => tracing::warn!(%error, "a checkpoint of the store failed"),
        }
    }
}

/// Moves what can be moved without waiting for anybody; returns the length of the log in pages.
fn checkpoint(database: &Connection) -> rusqlite::Result<i64> {
    database.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1))
}
