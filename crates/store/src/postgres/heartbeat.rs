//! Signs of life, and what those of others tell.

use std::sync::Arc;
use std::time::Duration;

use kabao_journal::StoreError;
use tokio::time::{Instant, sleep, sleep_until};

use super::leases::{RELEASE, Shared, register};
use super::others::Sign;
use super::session::{Parameter, Server, Session, column};
use crate::replica;

/// name
const BEAT: &str = "UPDATE replicas SET beat = beat + 1 WHERE name = $1";

/// name
const LOOK: &str = "SELECT name, beat, patience FROM replicas WHERE name <> $1";

/// name, beat
///
/// One that has counted up meanwhile stays. What it holds goes with it.
const BURY: &str = "DELETE FROM replicas WHERE name = $1 AND beat = $2";

/// owner
const HELD: &str = "SELECT name, fence FROM leases WHERE owner = $1";

/// The task that counts up, on a connection of its own: however busy the others are, it gets through.
pub(super) struct Heartbeat {
    server: Server,
}

impl Heartbeat {
    pub(super) const fn new(server: Server) -> Self {
        Self { server }
    }

    pub(super) async fn run(self, shared: Arc<Shared>, session: Session) {
        let period = shared.settings.heartbeat();
        let mut session = Some(session);
        let mut is_failing = false;
        loop {
            let asked = Instant::now();
            // As long as it may take to still be of use.
            let until = asked + period * 2;
            let beaten = match session.take() {
                Some(session) => Ok(session),
                None => self.server.connect(until).await,
            };
            let beaten = match beaten {
                Ok(mut session) => {
                    session.set_until(until);
                    beat(&shared, &mut session, asked).await.map(|()| session)
                }
                Err(error) => Err(error),
            };
            match beaten {
                Ok(beaten) => {
                    session = Some(beaten);
                    if std::mem::take(&mut is_failing) {
                        tracing::info!("the database of the store is there again");
                    }
                    let next = asked + period;
                    let deadline = shared.others().first_deadline();
                    sleep_until(deadline.map_or(next, |deadline| next.min(deadline))).await;
                }
                Err(error) => {
                    shared.others().saw_nothing();
                    // A database that was killed may have lost what was given back last.
                    shared.held.doubt();
                    if !std::mem::replace(&mut is_failing, true) {
                        tracing::error!(%error, "no changes are taken until the database of the store is there again");
                    }
                    sleep(period / 4).await;
                }
            }
        }
    }
}

/// Counts up, looks at the others, and puts in order what belongs to nobody.
async fn beat(shared: &Shared, session: &mut Session, asked: Instant) -> Result<(), StoreError> {
    let name = shared.names.last();
    if session.execute(BEAT, &[&name]).await? == 0 {
        return go_on_under_another_name(shared, session).await;
    }
    shared
        .freshness
        .set_until(Some(asked + shared.settings.stale_after()));
    look(shared, session, name).await?;
    if shared.held.is_in_doubt() {
        give_back_strays(shared, session, name).await?;
    }
    Ok(())
}

/// Others have taken this process for dead, and may hold by now what it held.
async fn go_on_under_another_name(
    shared: &Shared,
    session: &mut Session,
) -> Result<(), StoreError> {
    shared.freshness.set_until(None);
    shared.held.forget_all();
    let name = replica::name()?;
    let asked = Instant::now();
    register(session, &name, &shared.settings).await?;
    tracing::warn!(
        before = shared.names.last(),
        now = name,
        "this replica was taken for dead, and goes on under another name"
    );
    shared.names.push(name);
    shared
        .freshness
        .set_until(Some(asked + shared.settings.stale_after()));
    Ok(())
}

async fn look(shared: &Shared, session: &mut Session, name: &str) -> Result<(), StoreError> {
    let asked = Instant::now();
    let rows = session.rows(LOOK, &[&name]).await?;
    let read = Instant::now();
    let mut signs = Vec::with_capacity(rows.len());
    for row in &rows {
        let patience: i64 = column(row, 2)?;
        signs.push(Sign {
            name: column(row, 0)?,
            beat: column(row, 1)?,
            patience: Duration::from_millis(u64::try_from(patience).unwrap_or(u64::MAX)),
        });
    }
    let dead = shared.others().saw(signs, asked, read);
    for Sign { name, beat, .. } in dead {
        let parameters: [Parameter<'_>; 2] = [&name, &beat];
        if session.execute(BURY, &parameters).await? > 0 {
            shared.others().bury(&name);
            tracing::warn!(
                replica = name,
                "a replica has given no sign of life for too long; what it held is free"
            );
        }
    }
    Ok(())
}

/// Gives back what the database holds in the name of this process, though no task of it does.
async fn give_back_strays(
    shared: &Shared,
    session: &mut Session,
    name: &str,
) -> Result<(), StoreError> {
    for row in session.rows(HELD, &[&name]).await? {
        let (lease, fence): (String, i64) = (column(&row, 0)?, column(&row, 1)?);
        if shared.held.is_stray(&lease, fence) {
            let parameters: [Parameter<'_>; 3] = [&lease, &fence, &name];
            session.execute(RELEASE, &parameters).await?;
        }
    }
    Ok(())
}
