//! What is in a store, in numbers: counts of changes, as both databases give them.

use std::time::SystemTime;

use kabao_api::ChangeState;
use kabao_journal::{ChangeKey, StoreError};

use crate::place::{Holder, Place};
use crate::table;
use crate::time;

/// What is in a store, in numbers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stats {
    /// The store.
    pub place: Place,
    /// Who has it at the moment, if it is a file.
    pub holder: Option<Holder>,
    /// How many replicas are registered, if it is a database; one that was killed is among them for a while.
    pub replicas: Option<u64>,
    /// The version of its tables.
    pub version: u32,
    /// The size of the file, or of the tables with their indexes, in bytes.
    pub size: u64,
    /// The size of the log beside a file in bytes.
    pub log_size: Option<u64>,
    /// What was counted.
    pub counts: Counts,
}

/// Changes, counted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Counts {
    /// By account, in the order of their names.
    pub accounts: Vec<AccountStats>,
    /// When the oldest change that is remembered was made.
    pub oldest: Option<SystemTime>,
    /// When the newest one was made.
    pub newest: Option<SystemTime>,
    /// The change that has been open for the longest time.
    pub oldest_open: Option<OpenChange>,
}

/// The changes of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccountStats {
    /// The account.
    pub account: String,
    /// How many changes are in each state that occurs.
    pub states: Vec<(ChangeState, u64)>,
}

/// A change that has not ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OpenChange {
    /// Its account and id.
    pub key: ChangeKey,
    /// How far it got.
    pub state: ChangeState,
    /// When it was made.
    pub since: SystemTime,
}

/// The changes of one account in one state: the columns of [`GROUPS`](crate::sql::GROUPS), in their order.
pub(crate) struct Group {
    pub(crate) account: String,
    pub(crate) state: String,
    pub(crate) count: i64,
    pub(crate) oldest: i64,
    pub(crate) newest: i64,
}

/// A change: the columns of [`OLDEST_IN`](crate::sql::OLDEST_IN), in their order.
pub(crate) struct Oldest {
    pub(crate) sequence: i64,
    pub(crate) account: String,
    pub(crate) id: String,
    pub(crate) since: i64,
}

/// The states of changes that have not ended.
pub(crate) fn open_states() -> impl Iterator<Item = ChangeState> {
    ChangeState::ALL
        .into_iter()
        .filter(|state| !state.is_final())
}

/// Sums up what was counted, and the oldest change of each open state.
pub(crate) fn sum(
    groups: Vec<Group>,
    open: Vec<(Oldest, ChangeState)>,
) -> Result<Counts, StoreError> {
    let oldest = groups.iter().map(|group| group.oldest).min();
    let newest = groups.iter().map(|group| group.newest).max();
    let open = open.into_iter().min_by_key(|(found, _)| found.sequence);
    let open = open.map(|(found, state)| {
        Ok::<_, StoreError>(OpenChange {
            key: table::key(found.account, found.id)?,
            state,
            since: time::read(found.since),
        })
    });
    Ok(Counts {
        accounts: by_account(groups)?,
        oldest: oldest.map(time::read),
        newest: newest.map(time::read),
        oldest_open: open.transpose()?,
    })
}

fn by_account(groups: Vec<Group>) -> Result<Vec<AccountStats>, StoreError> {
    let mut accounts: Vec<AccountStats> = Vec::new();
    for group in groups {
        let counted = (table::state(&group.state)?, group.count.unsigned_abs());
        match accounts.last_mut() {
            Some(last) if last.account == group.account => last.states.push(counted),
            _ => accounts.push(AccountStats {
                account: group.account,
                states: vec![counted],
            }),
        }
    }
    Ok(accounts)
}
