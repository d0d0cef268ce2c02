//! What kind of run a seed is.

use kabao_api::Family;

use crate::Random;

/// How much happens; chances are out of a thousand.
#[derive(Clone, Debug)]
pub(super) struct Profile {
    pub(super) family: Family,
    pub(super) replicas: u64,
    pub(super) members: u64,
    pub(super) callers: u64,
    pub(super) calls: u64,
    /// The longest that a caller waits between two calls.
    pub(super) spacing: u64,
    pub(super) not_sent: u64,
    pub(super) lost_before: u64,
    pub(super) lost_after: u64,
    pub(super) refused: u64,
    pub(super) late: u64,
    pub(super) read_fails: u64,
    pub(super) store_fails: u64,
    pub(super) crashes: u64,
    pub(super) database_crashes: u64,
    pub(super) pauses: u64,
    pub(super) foreign: u64,
    /// A duel of replicas: one member, and processes that stand still in the middle of a change for so long that
    /// others take it over.
    pub(super) is_duel: bool,
    /// WeChat refuses a number that was used, also for the same content.
    pub(super) refuses_used: bool,
}

impl Profile {
    /// Many runs have few kinds of faults, so that what one of them needs is not always broken by another.
    pub(super) fn choose(random: &mut Random) -> Self {
        let is_duel = random.chance(400);
        let family = match random.chance(if is_duel { 200 } else { 400 }) {
            true => Family::Merchant,
            false => Family::OfficialAccount,
        };
        let mut rate = |often: u64, limit: u64| match random.chance(often) {
            true => random.within(1..limit),
            false => 0,
        };
        Self {
            family,
            not_sent: rate(500, 150),
            lost_before: rate(700, 300),
            lost_after: rate(700, 300),
            refused: rate(500, 300),
            late: rate(500, 200),
            read_fails: rate(400, 100),
            store_fails: rate(400, 40),
            crashes: rate(if is_duel { 200 } else { 700 }, 6),
            database_crashes: rate(500, 5),
            pauses: rate(if is_duel { 1000 } else { 500 }, 5),
            foreign: match family {
                Family::OfficialAccount => rate(200, 4),
                _ => 0,
            },
            replicas: random.within(if is_duel { 2..4 } else { 1..4 }),
            members: random.within(if is_duel { 1..2 } else { 1..4 }),
            callers: random.within(2..6),
            calls: random.within(if is_duel { 8..14 } else { 4..12 }),
            spacing: random.within(if is_duel { 3_000..8_000 } else { 200..6_000 }),
            is_duel,
            refuses_used: random.chance(500),
        }
    }
}
