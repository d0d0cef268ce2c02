//! A few connections for many changes.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kabao_journal::StoreError;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use super::error::{lost, no_connection};
use super::freshness::Freshness;
use super::session::{Server, Session};
use super::work::Work;
use crate::observer::{Failure, StoreObserver};
use crate::vitals::DatabaseVitals;

/// A connection that nobody has used for so long may be dead without either end knowing.
const IDLE: Duration = Duration::from_mins(5);

/// Connections that are made when they are needed, and kept while they work.
pub(super) struct Pool {
    server: Server,
    freshness: Arc<Freshness>,
    free: Semaphore,
    most: usize,
    observer: Arc<dyn StoreObserver>,
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    session: Session,
    since: Instant,
}

/// A connection out of the pool, for as long as one read or write may take. It goes back only if it is
/// [`done`](Self::done): one that has failed, or whose user left in the middle, is closed.
pub(super) struct Taken<'p> {
    session: Session,
    pool: &'p Pool,
    _permit: SemaphorePermit<'p>,
}

impl Pool {
    pub(super) fn new(
        server: Server,
        freshness: Arc<Freshness>,
        connections: u32,
        observer: Arc<dyn StoreObserver>,
    ) -> Self {
        let connections = usize::try_from(connections).unwrap_or(usize::MAX).max(1);
        let most = connections.min(Semaphore::MAX_PERMITS);
        Self {
            server,
            freshness,
            free: Semaphore::new(most),
            most,
            observer,
            idle: Mutex::default(),
        }
    }

    /// Waits for a connection for an operation. An error is a refusal: nothing was asked for.
    pub(super) async fn take(&self, operation: &'static str) -> Result<Taken<'_>, StoreError> {
        let asked = Instant::now();
        let taken = self.connection(asked + self.server.timeout()).await;
        let failure = taken.as_ref().err().map(Failure::of);
        self.observer.connection_taken(asked.elapsed(), failure);
        let (mut session, permit) = taken?;
        session.begin(Work::begin(Arc::clone(&self.observer), operation));
        Ok(Taken {
            session,
            pool: self,
            _permit: permit,
        })
    }

    async fn connection(
        &self,
        until: Instant,
    ) -> Result<(Session, SemaphorePermit<'_>), StoreError> {
        let late = || no_connection(self.server.url());
        let permit = timeout_at(until, self.free.acquire()).await;
        let permit = permit.map_err(|_| late())?.map_err(|_| late())?;
        let session = match self.kept() {
            Some(mut session) => {
                session.set_until(until);
                session
            }
            // The heartbeat has not got through for long, and goes on trying: nobody has to wait for that.
            None if !self.freshness.is_fresh() => return Err(lost(self.server.url())),
            None => self.server.connect(until).await?,
        };
        Ok((session, permit))
    }

    /// Looks how many connections there are.
    pub(super) fn vitals(&self) -> DatabaseVitals {
        let used = self.most.saturating_sub(self.free.available_permits());
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        DatabaseVitals::new(used, idle.len(), self.most)
    }

    /// The connection that was used last, so that those beyond the need grow old.
    fn kept(&self) -> Option<Session> {
        let now = Instant::now();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|idle| !idle.session.is_closed() && now < idle.since + IDLE);
        idle.pop().map(|idle| idle.session)
    }
}

impl Taken<'_> {
    /// Gives the connection back.
    pub(super) fn done(self) {
        let Self {
            mut session, pool, ..
        } = self;
        session.done();
        let since = Instant::now();
        let mut idle = pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(Idle { session, since });
    }
}

impl Deref for Taken<'_> {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl DerefMut for Taken<'_> {
    fn deref_mut(&mut self) -> &mut Session {
        &mut self.session
    }
}
