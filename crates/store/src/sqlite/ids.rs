//! Which ids no change has: most changes are new, and memory tells so without a read of the file.
//!
//! A Bloom filter over the ids of all changes. That an id is not in it is certain: one process has the file, an id goes
//! in before its change is written, and nothing is said before those of earlier processes are in it as well. That an
//! id is in it may be wrong, which costs a read. No promise rests on it alone: an id is unique in the file.

use std::error::Error as StdError;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::{self, JoinHandle};

use fastbloom::AtomicBloomFilter;
use kabao_journal::ChangeKey;
use rusqlite::Connection;

use super::error::failed;
use super::file::DatabaseFile;
use super::writer::Writer;

/// A filter has room for so many ids at least, in 80 KB.
const ROOM: usize = 1 << 16;
/// Of ids that no change has, this part is looked for in vain when the room is used up.
const IN_VAIN: f64 = 0.01;
/// No change takes less of the file.
const ROW: i64 = 256;
/// So many ids are read before the thread looks whether anybody still needs them.
const CHUNK: usize = 1024;

/// The ids that changes have, as far as memory knows them. Clones are the same.
#[derive(Clone)]
pub(super) struct Ids(Arc<Reading>);

/// Ends the thread that reads with the last one who needs it.
struct Reading {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    file: DatabaseFile,
    /// Keyed anew in each process, so that nobody can choose ids that look alike.
    hasher: RandomState,
    filters: RwLock<Filters>,
    is_closed: AtomicBool,
}

#[derive(Default)]
struct Filters {
    /// Has the id of every change, and answers.
    whole: Option<Arc<Filter>>,
    /// Has those that were written since it is there, and soon all others.
    next: Option<Arc<Filter>>,
    is_reading: bool,
}

struct Filter {
    bits: AtomicBloomFilter,
    count: AtomicUsize,
    room: usize,
}

impl Ids {
    /// Begins to read the ids of a file in which nobody writes yet.
    pub(super) fn start(file: DatabaseFile, database: &Connection) -> rusqlite::Result<Self> {
        let ids = Self::new(file);
        ids.shared().change(|filters| filters.is_reading = true);
        let next = ids.shared().make_next(database)?;
        ids.read_into(next);
        Ok(ids)
    }

    fn new(file: DatabaseFile) -> Self {
        let shared = Arc::new(Shared {
            file,
            hasher: RandomState::new(),
            filters: RwLock::default(),
            is_closed: AtomicBool::new(false),
        });
        Self(Arc::new(Reading {
            shared,
            thread: Mutex::default(),
        }))
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.0.shared
    }

    /// Tells whether a change may have this id; that none has is certain.
    pub(super) fn may_have(&self, key: &ChangeKey) -> bool {
        let whole = self.shared().look(|filters| filters.whole.clone());
        let hash = self.shared().hash(key.account.as_str(), key.id.as_str());
        whole.is_none_or(|whole| whole.bits.contains_hash(hash))
    }

    /// Takes in the id of a change that the thread that writes is about to write.
    pub(super) fn add(&self, key: &ChangeKey) {
        let hash = self.shared().hash(key.account.as_str(), key.id.as_str());
        self.shared().look(|filters| {
            for filter in filters.whole.iter().chain(&filters.next) {
                filter.add(hash);
            }
        });
    }

    /// Begins to read the ids anew if there are more than there is room for.
    pub(super) async fn renew(&self, writer: &Writer) {
        if !self.shared().look(Filters::is_due) || !self.shared().change(Filters::begin) {
            return;
        }
        let shared = Arc::clone(self.shared());
        // Once this is written, so is everything whose id the new filter does not get by itself.
        match writer
            .write(move |database| shared.make_next(database))
            .await
        {
            Ok(next) => self.read_into(next),
            Err(error) => self.shared().give_up(&error),
        }
    }

    /// Reads what the file has, beside whatever goes on.
    fn read_into(&self, next: Arc<Filter>) {
        let shared = Arc::clone(self.shared());
        let thread = thread::Builder::new()
            .name("store-ids".to_owned())
            .spawn(move || shared.read_into(&next));
        match thread {
            Ok(thread) => *self.0.lock() = Some(thread),
            Err(error) => self.shared().give_up(&error),
        }
    }
}

impl Reading {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<JoinHandle<()>>> {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.shared.is_closed.store(true, Ordering::Relaxed);
        if let Some(thread) = self.lock().take() {
            // A thread that has panicked has nothing to say any more.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn hash(&self, account: &str, id: &str) -> u64 {
        self.hasher.hash_one((account, id))
    }

    /// Every step leaves the filters whole.
    fn look<T>(&self, look: impl FnOnce(&Filters) -> T) -> T {
        look(&self.filters.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change<T>(&self, change: impl FnOnce(&mut Filters) -> T) -> T {
        change(&mut self.filters.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts a filter in place that has room for as many ids again as the file can have.
    fn make_next(&self, database: &Connection) -> rusqlite::Result<Arc<Filter>> {
        let room = usize::try_from(most_rows(database)?).unwrap_or_default();
        let next = Arc::new(Filter::new(ROOM.max(room.saturating_mul(2))));
        self.change(|filters| filters.next = Some(Arc::clone(&next)));
        Ok(next)
    }

    fn read_into(&self, next: &Arc<Filter>) {
        let read = self.file.open_reading();
        match read.and_then(|database| self.read_all(&database, next)) {
            Ok(()) => self.change(|filters| {
                filters.whole = filters.next.take();
                filters.is_reading = false;
            }),
            Err(error) => self.give_up(&failed(self.file.path(), error)),
        }
    }

    fn read_all(&self, database: &Connection, next: &Filter) -> rusqlite::Result<()> {
        let mut statement = database.prepare("SELECT account, id FROM changes")?;
        let mut rows = statement.query([])?;
        let mut count = 0_usize;
        while let Some(row) = rows.next()? {
            let (account, id) = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
            next.add(self.hash(account, id));
            count += 1;
            if count.is_multiple_of(CHUNK) && self.is_closed.load(Ordering::Relaxed) {
                let interrupted = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_INTERRUPT);
                return Err(rusqlite::Error::SqliteFailure(interrupted, None));
            }
        }
        Ok(())
    }

    /// Without a new filter the old one goes on, or each id is looked for in the file.
    fn give_up(&self, error: &(dyn StdError + 'static)) {
        if !self.is_closed.load(Ordering::Relaxed) {
            tracing::warn!(error, "the ids of changes could not be read");
        }
        self.change(|filters| filters.is_reading = false);
    }
}

impl Filters {
    /// Tells whether the ids have to be read. A filter that was given up is tried again when it is full.
    fn is_due(&self) -> bool {
        let newest = self.next.as_ref().or(self.whole.as_ref());
        !self.is_reading && newest.is_none_or(|newest| newest.is_full())
    }

    /// One at a time reads them.
    fn begin(&mut self) -> bool {
        let is_due = self.is_due();
        self.is_reading |= is_due;
        is_due
    }
}

impl Filter {
    fn new(room: usize) -> Self {
        Self {
            bits: AtomicBloomFilter::with_false_pos(IN_VAIN).expected_items(room),
            count: AtomicUsize::new(0),
            room,
        }
    }

    fn add(&self, hash: u64) {
        self.bits.insert_hash(hash);
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    fn is_full(&self) -> bool {
        self.count.load(Ordering::Relaxed) > self.room
    }
}

/// As many changes as the file can have at most: as many as there are places between the first and the last one, and
/// as fit into its pages. Counting them would read the whole index.
fn most_rows(database: &Connection) -> rusqlite::Result<i64> {
    let places = "SELECT COALESCE((SELECT max(sequence) FROM changes) - (SELECT min(sequence) FROM changes) + 1, 0)";
    let places: i64 = database.query_row(places, [], |row| row.get(0))?;
    let size = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
    let size: i64 = database.query_row(size, [], |row| row.get(0))?;
    Ok(places.min(size / ROW))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str) -> ChangeKey {
        ChangeKey {
            account: "acme".parse().unwrap(),
            id: id.parse().unwrap(),
        }
    }

    /// A file of an earlier process, and what it is read with.
    struct Fixture {
        file: DatabaseFile,
        database: Connection,
    }

    impl Fixture {
        fn new(name: &str) -> Self {
            let name = format!("kabao-ids-{}-{name}", std::process::id());
            let path = std::env::temp_dir().join(name);
            let _ = std::fs::remove_file(&path);
            let database = Connection::open(&path).unwrap();
            let tables = "CREATE TABLE changes (sequence INTEGER PRIMARY KEY, account TEXT, id TEXT); \
                 INSERT INTO changes VALUES (1, 'acme', 'before'), (2, 'acme', 'before-too')";
            database.execute_batch(tables).unwrap();
            Self {
                file: DatabaseFile::new(path, None),
                database,
            }
        }
    }

    impl Drop for Fixture {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(self.file.path());
        }
    }

    impl Ids {
        fn wait(&self) {
            let thread = self.0.lock().take();
            thread.unwrap().join().unwrap();
        }

        fn filter(&self) -> Arc<Filter> {
            self.shared().look(|filters| filters.whole.clone()).unwrap()
        }
    }

    #[test]
    fn until_the_ids_of_before_are_read_any_may_be_there() {
        let fixture = Fixture::new("unread");
        let ids = Ids::new(fixture.file.clone());
        let next = ids.shared().make_next(&fixture.database).unwrap();
        ids.add(&key("now"));
        for id in ["before", "now", "never"] {
            assert!(ids.may_have(&key(id)), "{id}");
        }
        ids.read_into(next);
        ids.wait();
        for id in ["before", "before-too", "now"] {
            assert!(ids.may_have(&key(id)), "{id}");
        }
        assert!(!ids.may_have(&key("never")));
        let elsewhere = ChangeKey {
            account: "other".parse().unwrap(),
            ..key("before")
        };
        assert!(!ids.may_have(&elsewhere));
    }

    #[test]
    fn what_is_added_is_there_at_once() {
        let fixture = Fixture::new("added");
        let ids = Ids::start(fixture.file.clone(), &fixture.database).unwrap();
        ids.wait();
        assert!(!ids.may_have(&key("new")));
        ids.add(&key("new"));
        assert!(ids.may_have(&key("new")));
    }

    #[test]
    fn a_full_filter_goes_on_until_one_with_more_room_is_there() {
        let fixture = Fixture::new("full");
        let ids = Ids::start(fixture.file.clone(), &fixture.database).unwrap();
        ids.wait();
        let full = ids.filter();
        full.count.store(ROOM + 1, Ordering::Relaxed);
        assert!(ids.shared().change(Filters::begin));
        assert!(!ids.shared().change(Filters::begin), "one is enough");
        let next = ids.shared().make_next(&fixture.database).unwrap();
        ids.add(&key("meanwhile"));
        assert!(ids.may_have(&key("before")) && !ids.may_have(&key("never")));
        ids.read_into(next);
        ids.wait();
        assert!(!Arc::ptr_eq(&full, &ids.filter()));
        for id in ["before", "before-too", "meanwhile"] {
            assert!(ids.may_have(&key(id)), "{id}");
        }
        assert!(!ids.may_have(&key("never")) && !ids.shared().look(Filters::is_due));
    }

    #[test]
    fn ids_that_cannot_be_read_are_looked_for_in_the_file() {
        let fixture = Fixture::new("gone");
        let missing = DatabaseFile::new(fixture.file.path().with_extension("missing"), None);
        let ids = Ids::start(missing, &fixture.database).unwrap();
        ids.wait();
        assert!(ids.may_have(&key("never")));
    }
}
