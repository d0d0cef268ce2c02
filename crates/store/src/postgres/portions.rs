//! Portions of limits of calls among processes that share a database.
//!
//! A limit is a row that holds what each process has of it, so that all of it changes in one step under one lock: what
//! others hold is read after the lock was got, and not as it was when the statement began. Each question is a sign of life
//! of its process as well, and asks for the row of it as every write does: what a process holds is its own until its row
//! is removed, which nobody does before it has stood still for long enough.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kabao_api::Error;
use kabao_api::portions::{Ask, Holding, Need, Portions, Shared};
use kabao_journal::StoreError;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::leases;
use super::session::{Parameter, Server, Session, column};

/// names
const MAKE: &str = "INSERT INTO limits (name, portions) SELECT asked, '{}' FROM unnest($1::text[]) AS asked \
     ORDER BY asked ON CONFLICT (name) DO NOTHING";

/// owner, round, names, capacities, what is wanted, what is needed, how long it has starved
///
/// A portion is an array: held, needed, starved, round. Rows are locked in the order of their names, and the row of the
/// process after them, so nobody waits in a circle. The dead are those that have a portion and no row as things were when
/// the statement began: whoever writes a portion has a row at that time, and names never come back. One that has come
/// since is not among them.
const SHARE: &str = "WITH asked AS MATERIALIZED ( \
         SELECT * FROM unnest($3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[]) \
         AS asked (name, capacity, wanted, needed, starved)), \
     dead AS MATERIALIZED ( \
         SELECT DISTINCT owner FROM limits, jsonb_object_keys(portions) AS owner \
         WHERE limits.name = ANY ($3) AND NOT EXISTS (SELECT FROM replicas WHERE replicas.name = owner)), \
     locked AS MATERIALIZED ( \
         SELECT name, portions FROM limits WHERE name = ANY ($3) ORDER BY name FOR UPDATE), \
     living AS MATERIALIZED ( \
         UPDATE replicas SET beat = beat + 1 \
         WHERE name = $1 AND (SELECT count(*) FROM locked) >= 0 RETURNING name), \
     others AS MATERIALIZED ( \
         SELECT locked.name, \
             COALESCE(jsonb_object_agg(owner, portion) FILTER (WHERE owner IS NOT NULL), '{}') AS portions, \
             COALESCE(sum((portion ->> 0)::bigint), 0)::bigint AS held \
         FROM locked LEFT JOIN LATERAL jsonb_each(locked.portions) AS each (owner, portion) \
             ON owner <> $1 AND owner NOT IN (SELECT dead.owner FROM dead) \
         GROUP BY locked.name) \
     UPDATE limits SET used = now(), portions = others.portions || jsonb_build_object($1, jsonb_build_array( \
         LEAST(asked.wanted, GREATEST(asked.capacity - others.held, 0)), asked.needed, asked.starved, $2)) \
     FROM asked, locked, others, living \
     WHERE limits.name = asked.name AND locked.name = asked.name AND others.name = asked.name \
         AND COALESCE((locked.portions -> $1 ->> 3)::bigint, 0) < $2 \
     RETURNING limits.name, limits.portions::text";

/// Limits for which nobody has asked for a day by the clock of the database, of accounts that are no more: what
/// somebody alive holds stays. Whoever asks for one that is gone makes it again, and nobody waits for this.
pub(super) const REMOVE_UNUSED: &str = "DELETE FROM limits WHERE name IN ( \
     SELECT name FROM limits WHERE used < now() - interval '1 day' \
         AND NOT EXISTS (SELECT FROM jsonb_each(portions) AS each (owner, portion) \
             JOIN replicas ON replicas.name = owner WHERE (portion ->> 0)::bigint > 0) \
     FOR UPDATE SKIP LOCKED)";

/// Asks in the name of a process, on a connection of its own.
pub(super) struct PostgresPortions {
    server: Server,
    leases: Arc<leases::Shared>,
    session: Mutex<Option<Session>>,
}

impl PostgresPortions {
    pub(super) fn new(server: Server, leases: Arc<leases::Shared>) -> Self {
        Self {
            server,
            leases,
            session: Mutex::default(),
        }
    }

    async fn ask(
        &self,
        session: &mut Session,
        round: u64,
        asks: &[Ask],
    ) -> Result<Vec<Shared>, StoreError> {
        let owner = self.leases.names.last();
        let round = i64::try_from(round).unwrap_or(i64::MAX);
        let names: Vec<_> = asks.iter().map(|ask| ask.limit.as_str()).collect();
        let numbers =
            |number: fn(&Ask) -> u32| asks.iter().map(|ask| i64::from(number(ask))).collect();
        let capacities: Vec<i64> = numbers(|ask| ask.capacity);
        let wanted: Vec<i64> = numbers(|ask| ask.wanted);
        let needed: Vec<i64> = numbers(|ask| ask.need.calls);
        let starved: Vec<i64> = numbers(|ask| ask.need.starved);
        let parameters: [Parameter<'_>; 7] = [
            &owner,
            &round,
            &names,
            &capacities,
            &wanted,
            &needed,
            &starved,
        ];
        let mut rows = session.rows(SHARE, &parameters).await?;
        if rows.len() < asks.len() {
            // Somebody else may have made them meanwhile, so that none is left to make: they are asked for all the same.
            session.execute(MAKE, &[&names]).await?;
            // Those that were there already have had this round.
            rows.extend(session.rows(SHARE, &parameters).await?);
        }
        rows.iter()
            .map(|row| shared(column(row, 0)?, column(row, 1)?, owner))
            .collect()
    }
}

#[async_trait]
impl Portions for PostgresPortions {
    async fn share(&self, round: u64, asks: &[Ask]) -> Result<Vec<Shared>, Error> {
        if asks.is_empty() {
            return Ok(Vec::new());
        }
        let until = Instant::now() + self.leases.settings.stale_after();
        let mut kept = self.session.lock().await;
        // One that fails, or whose user leaves in the middle, is closed.
        let mut session = match kept.take().filter(|session| !session.is_closed()) {
            Some(session) => session,
            None => self.server.connect(until).await?,
        };
        session.set_until(until);
        let answer = self.ask(&mut session, round, asks).await?;
        *kept = Some(session);
        Ok(answer)
    }

    fn kept_for(&self) -> Duration {
        self.leases.settings.takeover_after
    }

    fn period(&self) -> Duration {
        self.leases.settings.heartbeat()
    }
}

/// Reads what processes hold of a limit, in the order of their names.
fn shared(limit: String, portions: &str, owner: &str) -> Result<Shared, StoreError> {
    let portions: BTreeMap<String, [i64; 4]> = serde_json::from_str(portions).map_err(|_| {
        StoreError::new("the row of a limit in the database does not hold what belongs there")
    })?;
    let number = |number: i64| u32::try_from(number.max(0)).unwrap_or(u32::MAX);
    let mut shared = Shared {
        limit,
        held: 0,
        place: 0,
        others: Vec::new(),
    };
    for (name, [held, calls, starved, _]) in portions {
        if name == owner {
            shared.held = number(held);
            continue;
        }
        shared.place += usize::from(name.as_str() < owner);
        shared.others.push(Holding {
            held: number(held),
            need: Need {
                calls: number(calls),
                starved: number(starved),
            },
        });
    }
    Ok(shared)
}
