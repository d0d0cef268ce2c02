//! The shared store: a database of PostgreSQL, which several processes use at a time.
//!
//! Each write is one statement, which is a transaction of its own and durable when it returns; the database puts the
//! commits of many into one sync. What may write is part of the statement: the lease of a new change, the ticket of an
//! old one, and that its owner was not taken for dead. A connection that has failed, or did not answer in time, is
//! thrown away; whether what it was asked for was done is not known then, unless the database has said so.

mod credentials;
mod error;
mod freshness;
mod heartbeat;
mod held;
mod leases;
mod names;
mod others;
mod pool;
mod portions;
mod schema;
mod session;
mod settings;
mod statements;
mod table;
mod tls;
mod upkeep;
mod url;
mod work;

use std::sync::Arc;
use std::time::Duration;

use kabao_journal::Leases;
use tokio::time::Instant;

pub use self::settings::PostgresSettings;
pub(crate) use self::upkeep::{check, stats};
pub use self::url::DatabaseUrl;

use self::credentials::PostgresCredentials;
use self::freshness::Freshness;
use self::heartbeat::Heartbeat;
use self::leases::PostgresLeases;
use self::pool::Pool;
use self::portions::PostgresPortions;
use self::session::Server;
use self::table::PostgresTable;
use crate::changes::{Changes, Seals};
use crate::credentials::Credentials;
use crate::observer::StoreObserver;
use crate::opened::Opened;
use crate::slot::Rhythm;
use crate::unopened::Unopened;
use crate::vitals::{DatabaseVitals, Look, StoreVitals};

/// How long preparing a store may take, with the wait for others who are at it.
const PREPARING: Duration = Duration::from_secs(30);

/// Opens the store in a database, and makes it if there is none.
pub(crate) async fn open(
    settings: PostgresSettings,
    observer: Arc<dyn StoreObserver>,
) -> Result<Opened, Unopened> {
    let server = Server::new(settings.url.clone(), settings.timeout);
    let mut session = server.connect(Instant::now() + settings.timeout).await?;
    session.set_until(Instant::now() + PREPARING);
    let prepared = schema::prepare(&mut session, server.url(), &settings.key_file).await?;
    session.set_until(Instant::now() + settings.timeout);
    let freshness = Arc::new(Freshness::default());
    let fresh = Arc::clone(&freshness);
    let pool = Pool::new(server.clone(), fresh, settings.connections, observer);
    let pool = Arc::new(pool);
    let vitals = look(&pool, &freshness, settings.stale_after());
    let heartbeat = Heartbeat::new(server.clone());
    let leases =
        PostgresLeases::start(Arc::clone(&pool), freshness, heartbeat, session, settings).await?;
    let portions = Arc::new(PostgresPortions::new(server, leases.shared()));
    let leases: Arc<dyn Leases> = Arc::new(leases);
    let seals = Seals {
        keys: prepared.keys,
        digests: prepared.digests,
    };
    let credentials = PostgresCredentials::new(Arc::clone(&pool));
    let credentials = Credentials::new(credentials, seals.keys.clone(), Arc::clone(&leases));
    let table = PostgresTable::new(pool);
    Ok(Opened {
        credentials: Arc::new(credentials),
        changes: Arc::new(Changes::new(table, seals, Arc::clone(&leases))),
        leases,
        portions: Some(portions),
        warnings: prepared.warnings,
        vitals,
    })
}

/// How a store is whose database was not reached yet.
pub(crate) fn closed(settings: &PostgresSettings) -> Look {
    let most = usize::try_from(settings.connections).unwrap_or(usize::MAX);
    Arc::new(move || StoreVitals::of_database(false, DatabaseVitals::new(0, 0, most)))
}

/// How processes ask for portions of limits.
pub(crate) fn rhythm(settings: &PostgresSettings) -> Rhythm {
    Rhythm {
        period: settings.heartbeat(),
        kept_for: settings.takeover_after,
    }
}

/// The last sign of life that got through began so long before it stops being of use.
fn look(pool: &Arc<Pool>, freshness: &Arc<Freshness>, stale_after: Duration) -> Look {
    let (pool, freshness) = (Arc::clone(pool), Arc::clone(freshness));
    Arc::new(move || {
        let mut database = pool.vitals();
        let until = freshness.until();
        database.heartbeat_age =
            until.map(|until| (Instant::now() + stale_after).saturating_duration_since(until));
        StoreVitals::of_database(freshness.is_fresh(), database)
    })
}
