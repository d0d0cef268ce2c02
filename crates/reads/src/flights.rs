//! Reads that are in flight, and who waits for them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use kabao_api::Error;
use kabao_models::{AnyAnswer, AnyEndpoint, archive};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tracing::Instrument as _;

/// Nobody joins a read that is older: what hangs must not collect all that come after it.
const JOINABLE: Duration = Duration::from_secs(2);
/// A read that takes longer than this is a slow one.
const SLOW: Duration = Duration::from_millis(500);
/// So many may wait for others' reads of an account before nobody joins a slow one: each of them holds one of the
/// places that all accounts share.
pub(crate) const CROWD: usize = 256;

/// What became of a read.
pub(crate) type Landed = Result<Box<dyn AnyAnswer>, Error>;

/// Which read: two of one key would be told the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) operation: &'static str,
    /// The request in all its parts. It may hold personal data.
    pub(crate) content: Vec<u8>,
}

/// The reads of one account that others may join.
#[derive(Default)]
pub(crate) struct Flights(Mutex<Table>);

#[derive(Default)]
struct Table {
    flights: HashMap<Key, Boarding>,
    next: u64,
    /// Who waits for a read that somebody else has started.
    joined: usize,
}

/// What comes of the wish to read.
pub(crate) enum Boarded {
    /// A read was started.
    Own(Arc<Flight>),
    /// One that is in flight already.
    Joined(Arc<Flight>, Seat),
    /// It is slow, and enough wait for slow ones.
    Full,
    /// There is none, and one that was started would be refused at once.
    Refused(Error),
}

/// The place of somebody who waits for a read of somebody else.
pub(crate) struct Seat(Arc<Flights>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.table().joined -= 1;
    }
}

/// A read that others may join.
struct Boarding {
    number: u64,
    flight: Weak<Flight>,
    /// The member that it is about, if it is about one.
    member: Option<String>,
    started: Instant,
}

impl Key {
    pub(crate) fn of(request: &dyn AnyEndpoint) -> Self {
        Self {
            operation: request.operation().id,
            content: archive::write(request),
        }
    }
}

impl Boarding {
    fn is_joinable(&self, now: Instant) -> bool {
        now.duration_since(self.started) < JOINABLE
    }
}

/// A read in flight. When nobody waits for it any more, it ends.
pub(crate) struct Flight {
    landed: watch::Receiver<Option<Arc<Landed>>>,
    task: OnceLock<AbortHandle>,
}

impl Flights {
    /// Joins the read of this key, or starts it, with the member that it is about, unless that would be in vain.
    pub(crate) fn board<F>(
        self: &Arc<Self>,
        key: &Key,
        start: impl FnOnce() -> Result<(Option<String>, F), Error>,
    ) -> Boarded
    where
        F: Future<Output = Landed> + Send + 'static,
    {
        let now = Instant::now();
        let mut table = self.table();
        let present = table.flights.get(key);
        let present = present.filter(|boarding| boarding.is_joinable(now));
        let present = present.and_then(|boarding| {
            let is_slow = now.duration_since(boarding.started) >= SLOW;
            boarding.flight.upgrade().map(|flight| (flight, is_slow))
        });
        match present {
            Some((_, true)) if table.joined >= CROWD => return Boarded::Full,
            Some((flight, _)) => {
                table.joined += 1;
                return Boarded::Joined(flight, Seat(Arc::clone(self)));
            }
            None => {}
        }
        let (member, read) = match start() {
            Ok(started) => started,
            Err(error) => return Boarded::Refused(error),
        };
        let number = table.next;
        table.next = number.wrapping_add(1);
        let closing = Closing {
            flights: Arc::clone(self),
            key: key.clone(),
            number,
        };
        let (sender, landed) = watch::channel(None);
        let task = async move {
            let outcome = read.await;
            // Whoever comes from now on reads anew.
            drop(closing);
            let _ = sender.send(Some(Arc::new(outcome)));
        };
        let flight = Arc::new(Flight {
            landed,
            task: OnceLock::new(),
        });
        let boarding = Boarding {
            number,
            flight: Arc::downgrade(&flight),
            member,
            started: now,
        };
        table.flights.insert(key.clone(), boarding);
        drop(table);
        // Without the lock: a runtime that is shutting down drops the task at once, which closes its entry.
        let task = tokio::spawn(task.in_current_span()).abort_handle();
        flight.task.get_or_init(|| task);
        Boarded::Own(flight)
    }

    /// Tells whether a read of this key is in flight that may be joined.
    pub(crate) fn has(&self, key: &Key) -> bool {
        let now = Instant::now();
        let table = self.table();
        let present = table.flights.get(key);
        present
            .is_some_and(|boarding| boarding.is_joinable(now) && boarding.flight.strong_count() > 0)
    }

    /// Lets nobody join what may have been read before a write of this member; of any if `None`.
    pub(crate) fn close(&self, written: Option<&str>) {
        let Some(written) = written else {
            self.table().flights.clear();
            return;
        };
        let other = |boarding: &Boarding| {
            let member = boarding.member.as_deref();
            member.is_some_and(|member| member != written)
        };
        self.table().flights.retain(|_, boarding| other(boarding));
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.table().flights.len()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // The table is whole after each of its own operations.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight {
    /// Waits until the read has ended; `None` if it came to no end.
    pub(crate) async fn landed(&self) -> Option<Arc<Landed>> {
        let mut landed = self.landed.clone();
        let outcome = landed.wait_for(Option::is_some).await.ok()?;
        outcome.clone()
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

/// Takes a read out of the table when it has ended, also if it was broken off.
struct Closing {
    flights: Arc<Flights>,
    key: Key,
    number: u64,
}

impl Drop for Closing {
    fn drop(&mut self) {
        let mut table = self.flights.table();
        // Another one may have its place by now.
        if table
            .flights
            .get(&self.key)
            .is_some_and(|boarding| boarding.number == self.number)
        {
            table.flights.remove(&self.key);
        }
    }
}
