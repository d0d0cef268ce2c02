//! What happens in a history.

use std::io;
use std::time::Duration;

use kabao_sandbox::{Fault, FaultRule, Running};
use tokio::time::sleep;

use super::callers::Callers;
use super::gateway::Gateway;
use super::shared::Shared;
use super::{Cast, soon};
use crate::Random;

/// The operations that change points.
const MERCHANT: &str = "merchant.user_card_rights.update";
const OFFICIAL: &str = "official_account.member.update_user";
const BOTH: [&str; 2] = [MERCHANT, OFFICIAL];

/// What happens in a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Case {
    /// The gateway is killed at any moment, several times.
    KilledAnyTime,
    /// It is killed after the plan is durable, while it waits for a token without which the request cannot leave.
    KilledAfterIntent,
    /// It is killed after a request has left, which is not applied.
    KilledAfterSend,
    /// It is killed after a request was applied, which is not answered.
    KilledAfterApplication,
    /// It is killed within the milliseconds after an answer has come, around the writing of the outcome.
    KilledAroundOutcome,
    /// Requests are lost.
    LostBefore,
    /// Answers are lost.
    LostAfter,
    /// 500 in place of the answer of what was applied.
    FailedAfter,
    /// The connection ends within the body.
    CutBody,
    /// Answers come after their callers have left.
    Slow,
    /// The disk is full for a while, and the process lives on.
    DiskFull,
    /// The clock of WeChat jumps ahead and back, so far that neither side believes the signatures of the other.
    ClockJumps,
    /// One of two over one database is killed with a request in flight, and stays away until the other has taken over.
    ReplicaKilled,
    /// One of two stands still with a request in flight, until the other has taken over, and goes on then.
    ReplicaStopped,
    /// Both are killed with a request in flight, again and again.
    ReplicasKilled,
    /// The database of both is killed, and they live on.
    DatabaseKilled,
    /// It is killed like that, and its store is gone when it comes back: what the judge has to find.
    MemoryLost,
}

impl Case {
    /// All that the promise has to survive; seeds take turns.
    pub const ALL: [Self; 12] = [
        Self::KilledAnyTime,
        Self::KilledAfterIntent,
        Self::KilledAfterSend,
        Self::KilledAfterApplication,
        Self::KilledAroundOutcome,
        Self::LostBefore,
        Self::LostAfter,
        Self::FailedAfter,
        Self::CutBody,
        Self::Slow,
        Self::DiskFull,
        Self::ClockJumps,
    ];

    /// What two gateways over one database have to survive.
    pub const SHARED: [Self; 4] = [
        Self::ReplicaKilled,
        Self::ReplicaStopped,
        Self::ReplicasKilled,
        Self::DatabaseKilled,
    ];

    /// The case of a seed, among these.
    pub fn of(seed: u64, among: &[Self]) -> Self {
        let count = u64::try_from(among.len()).unwrap_or(1).max(1);
        let turn = usize::try_from(seed % count).unwrap_or_default();
        among.get(turn).copied().unwrap_or(Self::KilledAnyTime)
    }

    /// Tells whether it is about two gateways over one database.
    pub(super) fn is_shared(self) -> bool {
        Self::SHARED.contains(&self)
    }

    /// Lets it happen while callers work, and tells whether it has: not if they were faster.
    pub(super) async fn happen(
        self,
        cast: &mut Cast,
        sandbox: &Running,
        callers: &Callers,
        random: &mut Random,
    ) -> io::Result<bool> {
        sleep(random.millis(1..60)).await;
        let gateway = match cast {
            Cast::One(gateway) => gateway,
            Cast::Shared(shared) => {
                return self.happen_to_both(shared, sandbox, callers, random).await;
            }
        };
        match self {
            Self::KilledAnyTime => {
                for _ in 0..3 {
                    sleep(random.millis(5..100)).await;
                    kill_and_restart(gateway, random).await?;
                }
                Ok(callers.unknown() > 0)
            }
            Self::KilledAfterIntent => {
                let is_revoked = Fault::Errcode {
                    errcode: 40001,
                    errmsg: None,
                    applied: false,
                };
                let token = "official_account.stable_token.get";
                inject(sandbox, token, 1, Fault::Hang { applied: false })?;
                inject(sandbox, OFFICIAL, 1, is_revoked)?;
                kill_when_taken(gateway, sandbox, random).await
            }
            Self::KilledAfterSend => {
                hang(sandbox, random, false)?;
                kill_when_taken(gateway, sandbox, random).await
            }
            Self::KilledAfterApplication => {
                hang(sandbox, random, true)?;
                kill_when_taken(gateway, sandbox, random).await
            }
            Self::KilledAroundOutcome => {
                for _ in 0..3 {
                    let effects = sandbox.ledger().len();
                    soon(|| async { sandbox.ledger().len() > effects }).await;
                    sleep(Duration::from_micros(random.within(0..6_000))).await;
                    kill_and_restart(gateway, random).await?;
                }
                Ok(callers.unknown() > 0)
            }
            Self::MemoryLost => {
                inject(sandbox, OFFICIAL, 1, Fault::Hang { applied: true })?;
                let is_taken = soon(|| async { sandbox.faults().is_empty() }).await;
                gateway.kill().await?;
                gateway.forget()?;
                gateway.restart().await?;
                Ok(is_taken)
            }
            Self::LostBefore => {
                lose(sandbox, &BOTH, &Fault::DropConnection { applied: false }).await
            }
            Self::LostAfter => lose(sandbox, &BOTH, &Fault::DropConnection { applied: true }).await,
            Self::FailedAfter => {
                let fault = Fault::Status {
                    status: 500,
                    code: None,
                    message: None,
                    body: None,
                    applied: true,
                    signed: false,
                };
                lose(sandbox, &BOTH, &fault).await
            }
            // The answer of the merchant family is 204: there is no body to cut.
            Self::CutBody => lose(sandbox, &[OFFICIAL], &Fault::TruncateBody).await,
            Self::Slow => {
                let milliseconds = 1_500;
                lose(sandbox, &BOTH, &Fault::Delay { milliseconds }).await
            }
            Self::DiskFull => {
                gateway.fill_disk(true).await?;
                let is_met = soon(|| async { callers.refused_by_store() > 0 }).await;
                // Who only reads does not notice.
                callers.values().await?;
                gateway.fill_disk(false).await?;
                Ok(is_met)
            }
            Self::ClockJumps => {
                let mut settings = sandbox.settings();
                settings.authentication.signatures_follow_clock = true;
                sandbox.set_settings(settings);
                for _ in 0..3 {
                    // What is signed is too old for either side then.
                    let jump = i64::try_from(random.within(400..3_000)).unwrap_or_default();
                    sandbox.advance(jump);
                    sleep(random.millis(50..200)).await;
                    sandbox.advance(-jump);
                    sleep(random.millis(20..100)).await;
                }
                Ok(callers.unknown() + callers.refused_by_clock() > 0)
            }
            Self::ReplicaKilled
            | Self::ReplicaStopped
            | Self::ReplicasKilled
            | Self::DatabaseKilled => Err(io::Error::other("it takes two gateways")),
        }
    }

    async fn happen_to_both(
        self,
        shared: &mut Shared,
        sandbox: &Running,
        callers: &Callers,
        random: &mut Random,
    ) -> io::Result<bool> {
        let Shared { gateways, server } = shared;
        let [first, second] = gateways;
        match self {
            Self::ReplicaKilled | Self::ReplicaStopped => {
                callers.ask_only(Some(0));
                // What the other one still has in flight ends.
                sleep(Duration::from_millis(200)).await;
                let applied = random.chance(500);
                hang(sandbox, random, applied)?;
                let is_taken = soon(|| async { sandbox.faults().is_empty() }).await;
                match self {
                    Self::ReplicaKilled => first.kill().await?,
                    _ => first.stand_still(true).await?,
                }
                callers.ask_only(Some(1));
                sleep(Shared::TAKEOVER + random.millis(0..1_000)).await;
                first.heal().await?;
                callers.ask_only(None);
                Ok(is_taken)
            }
            Self::ReplicasKilled => {
                let mut is_taken = true;
                for _ in 0..3 {
                    let applied = random.chance(500);
                    hang(sandbox, random, applied)?;
                    is_taken &= soon(|| async { sandbox.faults().is_empty() }).await;
                    kill_and_restart(first, random).await?;
                    sleep(random.millis(0..500)).await;
                    kill_and_restart(second, random).await?;
                }
                Ok(is_taken)
            }
            _ => {
                server.kill()?;
                let is_met = soon(|| async { callers.refused_by_store() > 0 }).await;
                // Who only reads does not notice.
                callers.values().await?;
                callers.values().await?;
                sleep(random.millis(0..3_000)).await;
                server.restart()?;
                Ok(is_met)
            }
        }
    }
}

async fn kill_and_restart(gateway: &mut Gateway, random: &mut Random) -> io::Result<()> {
    gateway.kill().await?;
    sleep(random.millis(0..100)).await;
    gateway.restart().await
}

/// Kills the process when the request has arrived that was waited for.
async fn kill_when_taken(
    gateway: &mut Gateway,
    sandbox: &Running,
    random: &mut Random,
) -> io::Result<bool> {
    let is_taken = soon(|| async { sandbox.faults().is_empty() }).await;
    sleep(random.millis(0..20)).await;
    kill_and_restart(gateway, random).await?;
    Ok(is_taken)
}

fn hang(sandbox: &Running, random: &mut Random, applied: bool) -> io::Result<()> {
    let operation = random.pick(&BOTH).unwrap_or(MERCHANT);
    inject(sandbox, operation, 1, Fault::Hang { applied })
}

/// Lets some requests meet a fault.
async fn lose(sandbox: &Running, operations: &[&str], fault: &Fault) -> io::Result<bool> {
    for operation in operations {
        inject(sandbox, operation, 3, fault.clone())?;
    }
    Ok(soon(|| async { sandbox.faults().is_empty() }).await)
}

fn inject(sandbox: &Running, operation: &str, times: u32, fault: Fault) -> io::Result<()> {
    let rule = FaultRule::next(fault).on(operation).times(times);
    sandbox.inject(rule).map_err(io::Error::other)
}
