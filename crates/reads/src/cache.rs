//! Answers that are kept for a while, and what must not be kept.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kabao_api::AccountId;
use kabao_models::AnyAnswer;
use tokio::time::Instant;

use crate::flights::Key;

/// What has ended is looked for so often at most.
const SWEEP: Duration = Duration::from_secs(1);

/// How long answers are kept, by operation; what is not named is never kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lifetimes(HashMap<&'static str, Duration>);

impl Lifetimes {
    /// Keeps the answers of an operation for so long.
    pub fn keep(&mut self, operation: &'static str, lifetime: Duration) {
        self.0.insert(operation, lifetime);
    }

    /// Tells whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns of how many operations answers are kept.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn of(&self, operation: &str) -> Option<Duration> {
        self.0.get(operation).copied()
    }
}

/// The answers that a process keeps, of all accounts. Clones are the same.
#[derive(Clone)]
pub struct Cache(Arc<Inner>);

struct Inner {
    lifetimes: Lifetimes,
    max_answers: usize,
    table: Mutex<Table>,
    hits: AtomicU64,
    misses: AtomicU64,
    dropped: AtomicU64,
}

#[derive(Default)]
struct Table {
    answers: HashMap<Place, Kept>,
    /// Reads whose answers are to be kept.
    reads: HashMap<u64, Reading>,
    /// Writes under way.
    writes: HashMap<u64, Subject>,
    numbers: u64,
    swept: Option<Instant>,
}

/// Which answer: of which client, to which read. A client has the credentials of its account; one that takes its place
/// begins anew.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) client: u64,
    pub(crate) key: Key,
}

/// What a read or a write is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) account: AccountId,
    /// `None` is more than one member, or what is no member.
    pub(crate) member: Option<String>,
}

struct Kept {
    answer: Box<dyn AnyAnswer>,
    subject: Subject,
    read: Instant,
    lifetime: Duration,
}

struct Reading {
    subject: Subject,
    begun: Instant,
    /// A write of its subject was under way meanwhile.
    is_spoiled: bool,
}

/// What became of looking for an answer.
pub(crate) enum Found {
    Kept(Box<dyn AnyAnswer>, Duration),
    Missing,
}

/// What a look at a cache shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Reads that were answered out of it.
    pub hits: u64,
    /// Reads whose answers it could have had.
    pub misses: u64,
    /// Answers that were dropped for a write, or to make room.
    pub dropped: u64,
    /// Answers that it has.
    pub answers: usize,
}

impl Cache {
    /// Keeps nothing yet, and so many answers at most.
    pub fn new(lifetimes: Lifetimes, max_answers: usize) -> Self {
        Self(Arc::new(Inner {
            lifetimes,
            max_answers: max_answers.max(1),
            table: Mutex::default(),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }))
    }

    /// Looks at it.
    pub fn counts(&self) -> Counts {
        Counts {
            hits: self.0.hits.load(Ordering::Relaxed),
            misses: self.0.misses.load(Ordering::Relaxed),
            dropped: self.0.dropped.load(Ordering::Relaxed),
            answers: self.table().answers.len(),
        }
    }

    /// Returns for how long answers of an operation are kept.
    pub(crate) fn lifetime(&self, operation: &str) -> Option<Duration> {
        self.0.lifetimes.of(operation)
    }

    /// A number that no other client has.
    pub(crate) fn client(&self) -> u64 {
        self.table().number()
    }

    pub(crate) fn find(&self, place: &Place) -> Found {
        let now = Instant::now();
        let mut table = self.table();
        table.sweep(now);
        let kept = table.answers.get(place);
        let kept = kept.filter(|kept| now < kept.read + kept.lifetime);
        let found = kept.map(|kept| (kept.answer.copied(), now - kept.read));
        drop(table);
        match found {
            Some((answer, age)) => {
                self.0.hits.fetch_add(1, Ordering::Relaxed);
                Found::Kept(answer, age)
            }
            None => {
                self.0.misses.fetch_add(1, Ordering::Relaxed);
                Found::Missing
            }
        }
    }

    /// Notes that a read begins whose answer is to be kept.
    pub(crate) fn read(&self, subject: Subject) -> Read<'_> {
        let mut table = self.table();
        let is_spoiled = table.writes.values().any(|write| write.concerns(&subject));
        let number = table.number();
        let reading = Reading {
            subject,
            begun: Instant::now(),
            is_spoiled,
        };
        table.reads.insert(number, reading);
        Read {
            cache: self,
            number,
        }
    }

    /// Notes that a write begins. From now on until it has ended, and by what was read before or meanwhile, nobody is
    /// answered out of the cache.
    pub(crate) fn write(&self, subject: Subject) -> Write<'_> {
        let mut table = self.table();
        let dropped = table.spoil(&subject);
        let number = table.number();
        table.writes.insert(number, subject);
        drop(table);
        self.count(&dropped);
        Write {
            cache: self,
            number,
        }
    }

    fn count(&self, dropped: &[Kept]) {
        let number = u64::try_from(dropped.len()).unwrap_or(u64::MAX);
        self.0.dropped.fetch_add(number, Ordering::Relaxed);
    }

    /// The table is whole after each of its own operations.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A read under way whose answer is to be kept.
pub(crate) struct Read<'c> {
    cache: &'c Cache,
    number: u64,
}

impl Read<'_> {
    /// Keeps its answer, unless a write has come between.
    pub(crate) fn keep(self, place: Place, answer: &dyn AnyAnswer, lifetime: Duration) {
        let mut table = self.cache.table();
        let Some(reading) = table.reads.remove(&self.number) else {
            return;
        };
        if reading.is_spoiled {
            return;
        }
        let mut dropped = Vec::new();
        while table.answers.len() >= self.cache.0.max_answers && !table.answers.contains_key(&place)
        {
            match table.drop_oldest() {
                Some(oldest) => dropped.push(oldest),
                None => break,
            }
        }
        let kept = Kept {
            answer: answer.copied(),
            subject: reading.subject,
            // What it says may be as old as that.
            read: reading.begun,
            lifetime,
        };
        let before = table.answers.insert(place, kept);
        drop(table);
        self.cache.count(&dropped);
        drop(before);
    }
}

impl Drop for Read<'_> {
    fn drop(&mut self) {
        self.cache.table().reads.remove(&self.number);
    }
}

/// A write under way.
pub(crate) struct Write<'c> {
    cache: &'c Cache,
    number: u64,
}

impl Drop for Write<'_> {
    fn drop(&mut self) {
        let mut table = self.cache.table();
        let Some(subject) = table.writes.remove(&self.number) else {
            return;
        };
        let dropped = table.spoil(&subject);
        drop(table);
        self.cache.count(&dropped);
    }
}

impl Subject {
    /// Whether a write of this changes what that read tells.
    fn concerns(&self, read: &Self) -> bool {
        self.account == read.account
            && match (&self.member, &read.member) {
                (Some(written), Some(read)) => written == read,
                _ => true,
            }
    }
}

impl Table {
    fn number(&mut self) -> u64 {
        self.numbers = self.numbers.wrapping_add(1);
        self.numbers
    }

    /// Takes out what a write makes untrue, and sees to it that reads under way are not kept.
    fn spoil(&mut self, written: &Subject) -> Vec<Kept> {
        for reading in self.reads.values_mut() {
            reading.is_spoiled |= written.concerns(&reading.subject);
        }
        let untrue = self
            .answers
            .extract_if(|_, kept| written.concerns(&kept.subject));
        untrue.map(|(_, kept)| kept).collect()
    }

    fn sweep(&mut self, now: Instant) {
        if self.swept.is_some_and(|swept| now < swept + SWEEP) {
            return;
        }
        self.swept = Some(now);
        self.answers
            .retain(|_, kept| now < kept.read + kept.lifetime);
    }

    fn drop_oldest(&mut self) -> Option<Kept> {
        let oldest = self.answers.iter().min_by_key(|(_, kept)| kept.read);
        let place = oldest.map(|(place, _)| place.clone())?;
        self.answers.remove(&place)
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("lifetimes", &self.0.lifetimes)
            .field("counts", &self.counts())
            .finish()
    }
}
