//! The places of new changes.

use std::sync::atomic::{AtomicI64, Ordering};

use rusqlite::{Connection, OptionalExtension as _};

use super::statements::{RESERVE, RESERVE_FIRST, RESERVED};

/// So many places are reserved at once: the database notes the last one, which is a page more in a commit.
const BLOCK: i64 = 4096;

/// Counts the places of new changes, for the thread that writes. None is used twice, whatever was forgotten and however
/// the process ended: those that were reserved are passed over by the next one.
///
/// Nothing is lost if a reservation is undone with its transaction: the table notes a higher place by itself.
#[derive(Debug)]
pub(super) struct Places {
    last: AtomicI64,
    reserved: AtomicI64,
}

impl Places {
    /// Goes on after all places of earlier processes.
    pub(super) fn of(database: &Connection) -> rusqlite::Result<Self> {
        let last: Option<i64> = database
            .query_row(RESERVED, [], |row| row.get(0))
            .optional()?;
        let last = last.unwrap_or_default();
        Ok(Self {
            last: last.into(),
            reserved: last.into(),
        })
    }

    /// The place of the next change.
    pub(super) fn next(&self, database: &Connection) -> rusqlite::Result<i64> {
        let next = self.last.load(Ordering::Relaxed) + 1;
        if next > self.reserved.load(Ordering::Relaxed) {
            let reserved = next + BLOCK;
            if database.prepare_cached(RESERVE)?.execute([reserved])? == 0 {
                database.execute(RESERVE_FIRST, [reserved])?;
            }
            self.reserved.store(reserved, Ordering::Relaxed);
        }
        Ok(next)
    }

    /// A change has that place.
    pub(super) fn take(&self, place: i64) {
        self.last.store(place, Ordering::Relaxed);
    }
}
