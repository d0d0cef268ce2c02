//! The statements that both databases understand.
//!
//! A parameter stands for the first time in the order of its number, as SQLite counts them.

/// sequence, fence
pub(crate) const FORGET: &str =
    "DELETE FROM changes WHERE sequence = $1 AND fence = $2 AND ended = 0";

/// owner, sequence, fence
pub(crate) const CLAIM: &str = "UPDATE changes SET fence = fence + 1, owner = $1 \
     WHERE sequence = $2 AND fence = $3 AND ended = 0 RETURNING fence, account, id";

/// sequence
pub(crate) const KEY_OF: &str = "SELECT account, id FROM changes WHERE sequence = $1";

/// time, number
pub(crate) const SWEEP: &str = "DELETE FROM changes WHERE sequence IN (SELECT sequence \
     FROM changes WHERE ended > 0 AND update_time < $1 ORDER BY update_time LIMIT $2)";

/// name
pub(crate) const FIND_CREDENTIAL: &str = "SELECT fence, payload FROM credentials WHERE name = $1";

/// What is counted, in the order of accounts and states.
pub(crate) const GROUPS: &str = "SELECT account, state, count(*), min(create_time), max(create_time) FROM changes \
     GROUP BY account, state ORDER BY account, state";

/// state
pub(crate) const OLDEST_IN: &str = "SELECT sequence, account, id, create_time FROM changes WHERE state = $1 \
     ORDER BY sequence LIMIT 1";

/// A value of a listing, in the order of its parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Text(String),
    Bytes(Vec<u8>),
    Number(i64),
}
