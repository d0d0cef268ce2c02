//! Leases among processes that share a database.
//!
//! A process has a row whose number it counts up. Whoever has seen the number stand still for long enough, by its own
//! clock, removes that row, and with it goes what the process held: leases refer to their owner. So a process that
//! was taken for dead holds nothing, whatever it believes, and goes on under another name.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use kabao_journal::{Acquired, Lease, Leases, StoreError};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::freshness::Freshness;
use super::heartbeat::Heartbeat;
use super::held::HeldLeases;
use super::names::Names;
use super::others::Others;
use super::pool::Pool;
use super::session::{Parameter, Session, column};
use super::settings::PostgresSettings;
use super::table::IS_REGISTERED;
use crate::replica;

/// name, owner
///
/// Those who ask for one lease take turns, so that its fence grows. Whoever asks again for what somebody else holds
/// writes nothing. What its own process does not know to hold is left over from a question without an answer.
///
/// Nobody waits for a sync: the change that is begun under a lease makes it durable, too, and one that a crash of the
/// database has taken away begins nothing.
const ACQUIRE: &str = "WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock(52226, hashtext($1)), \
     set_config('synchronous_commit', 'off', TRUE)) \
     INSERT INTO leases (name, owner, fence, wanted) \
     SELECT $1, $2, nextval('fences'), FALSE FROM turn \
     WHERE NOT EXISTS (SELECT FROM leases WHERE name = $1 AND owner <> $2 AND wanted) \
     ON CONFLICT (name) DO UPDATE SET \
     fence = CASE WHEN leases.owner = excluded.owner THEN excluded.fence ELSE leases.fence END, \
     wanted = leases.owner <> excluded.owner \
     RETURNING owner, fence";

/// name, fence, owner
///
/// What a crash of the database brings back is found and given back again.
pub(super) const RELEASE: &str = "WITH quick AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', TRUE)) \
     DELETE FROM leases USING quick WHERE name = $1 AND fence = $2 AND owner = $3 RETURNING wanted";

/// name
///
/// What it holds goes with it.
const LEAVE: &str = "DELETE FROM replicas WHERE name = $1";

/// name, patience in milliseconds
const REGISTER: &str = "INSERT INTO replicas (name, beat, patience) VALUES ($1, 0, $2)";

/// The leases of one process.
pub(crate) struct PostgresLeases {
    pool: Arc<Pool>,
    shared: Arc<Shared>,
    heartbeat: JoinHandle<()>,
}

/// What the heartbeat and those who take leases share.
pub(super) struct Shared {
    pub(super) settings: PostgresSettings,
    pub(super) names: Names,
    pub(super) held: HeldLeases,
    others: Mutex<Others>,
    pub(super) freshness: Arc<Freshness>,
}

impl PostgresLeases {
    /// Registers this process, and begins to give signs of life.
    pub(super) async fn start(
        pool: Arc<Pool>,
        freshness: Arc<Freshness>,
        heartbeat: Heartbeat,
        mut session: Session,
        settings: PostgresSettings,
    ) -> Result<Self, StoreError> {
        let name = replica::name()?;
        let asked = Instant::now();
        register(&mut session, &name, &settings).await?;
        tracing::info!(replica = name, database = %settings.url, "this replica shares the store of a database");
        freshness.set_until(Some(asked + settings.stale_after()));
        let shared = Arc::new(Shared {
            freshness,
            settings,
            names: Names::new(name),
            held: HeldLeases::default(),
            others: Mutex::default(),
        });
        Ok(Self {
            pool,
            heartbeat: tokio::spawn(heartbeat.run(Arc::clone(&shared), session)),
            shared,
        })
    }

    /// Who this process is to others.
    pub(super) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }
}

/// Makes the row of a process.
pub(super) async fn register(
    session: &mut Session,
    name: &str,
    settings: &PostgresSettings,
) -> Result<(), StoreError> {
    let patience = i64::try_from(settings.takeover_after.as_millis()).unwrap_or(i64::MAX);
    let parameters: [Parameter<'_>; 2] = [&name, &patience];
    session.execute(REGISTER, &parameters).await?;
    Ok(())
}

impl Shared {
    /// Every step leaves the values whole.
    pub(super) fn others(&self) -> MutexGuard<'_, Others> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Leases for PostgresLeases {
    fn replica(&self) -> &str {
        self.shared.names.last()
    }

    async fn acquire(&self, name: &str) -> Result<Acquired, StoreError> {
        let Some(asking) = self.shared.held.ask(name) else {
            return Ok(Acquired::Busy);
        };
        let owner = self.replica();
        let mut session = self.pool.take("acquire").await?;
        let parameters: [Parameter<'_>; 2] = [&name, &owner];
        let row = session.first(ACQUIRE, &parameters).await?;
        let fence = match &row {
            Some(row) if column::<&str>(row, 0)? == owner => Some(column(row, 1)?),
            _ => None,
        };
        session.done();
        Ok(match fence {
            None => {
                asking.busy();
                Acquired::Busy
            }
            Some(fence) => {
                asking.held(fence);
                let name = name.to_owned();
                Acquired::Held(Lease { name, fence })
            }
        })
    }

    async fn release(&self, lease: Lease) -> Result<bool, StoreError> {
        let is_wanted_here = self.shared.held.forget(&lease.name, lease.fence);
        let released = async {
            let mut session = self.pool.take("release").await?;
            let owner = self.replica();
            let parameters: [Parameter<'_>; 3] = [&lease.name, &lease.fence, &owner];
            let row = session.first(RELEASE, &parameters).await?;
            let is_wanted = row.map_or(Ok(false), |row| column(&row, 0))?;
            session.done();
            Ok(is_wanted || is_wanted_here)
        };
        let mut doubt = Doubt {
            held: &self.shared.held,
            is_settled: false,
        };
        let released = released.await;
        doubt.is_settled = released.is_ok();
        released
    }

    async fn is_alive(&self, replica: &str) -> Result<bool, StoreError> {
        if replica == self.replica() {
            return Ok(self.is_fresh());
        }
        let moment = self.shared.settings.stale_after();
        if self.shared.others().is_there(replica, moment) {
            return Ok(true);
        }
        // It may have begun since the last look.
        let mut session = self.pool.take("is_alive").await?;
        let row = session.first(IS_REGISTERED, &[&replica]).await?;
        session.done();
        Ok(row.is_some())
    }

    fn is_fresh(&self) -> bool {
        self.shared.freshness.is_fresh()
    }

    async fn leave(&self) -> Result<(), StoreError> {
        // A new connection is for those who are alive.
        let mut session = self.pool.take("leave").await?;
        self.heartbeat.abort();
        self.shared.freshness.leave();
        let name = self.replica();
        session.execute(LEAVE, &[&name]).await?;
        session.done();
        tracing::info!(replica = name, "this replica has left the store");
        Ok(())
    }
}

impl Drop for PostgresLeases {
    fn drop(&mut self) {
        self.heartbeat.abort();
    }
}

/// Leaves a doubt unless it is settled, also if its task is dropped in the middle.
struct Doubt<'h> {
    held: &'h HeldLeases,
    is_settled: bool,
}

impl Drop for Doubt<'_> {
    fn drop(&mut self) {
        if !self.is_settled {
            self.held.doubt();
        }
    }
}
