//! Reads that are in flight, and who waits for them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use kabao_api::Error;
use kabao_models::AnyAnswer;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tracing::Instrument as _;

/// Nobody joins a read that is older: what hangs must not collect all that come after it.
const JOINABLE: Duration = Duration::from_secs(2);

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
}

/// A read that others may join.
struct Boarding {
    number: u64,
    flight: Weak<Flight>,
    /// The member that it is about, if it is about one.
    member: Option<String>,
    started: Instant,
}

/// A read in flight. When nobody waits for it any more, it ends.
pub(crate) struct Flight {
    landed: watch::Receiver<Option<Arc<Landed>>>,
    task: AbortHandle,
}

impl Flights {
    /// Joins the read of this key, or starts it: true if it was started.
    pub(crate) fn board<F>(
        self: &Arc<Self>,
        key: Key,
        member: Option<String>,
        start: impl FnOnce() -> F,
    ) -> (Arc<Flight>, bool)
    where
        F: Future<Output = Landed> + Send + 'static,
    {
        let now = Instant::now();
        let mut table = self.table();
        let present = table.flights.get(&key);
        let present = present.filter(|boarding| now.duration_since(boarding.started) < JOINABLE);
        if let Some(flight) = present.and_then(|boarding| boarding.flight.upgrade()) {
            return (flight, false);
        }
        let number = table.next;
        table.next = number.wrapping_add(1);
        let closing = Closing {
            flights: Arc::clone(self),
            key: key.clone(),
            number,
        };
        let (sender, landed) = watch::channel(None);
        let read = start();
        let task = async move {
            let outcome = read.await;
            // Whoever comes from now on reads anew.
            drop(closing);
            let _ = sender.send(Some(Arc::new(outcome)));
        };
        let task = tokio::spawn(task.in_current_span()).abort_handle();
        let flight = Arc::new(Flight { landed, task });
        let boarding = Boarding {
            number,
            flight: Arc::downgrade(&flight),
            member,
            started: now,
        };
        table.flights.insert(key, boarding);
        (flight, true)
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
        self.task.abort();
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
