//! The statements that both databases understand.
//!
//! A parameter stands for the first time in the order of its number, as SQLite counts them.

use crate::table::RowQuery;

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

/// What the statements of a listing have in common: who is listed, from where on, and in which order. Each database
/// adds where its indexes have them.
pub(crate) struct Listing {
    pub(crate) values: Vec<Value>,
    /// What each row has to fulfil, after another condition.
    pub(crate) common: String,
    /// The order, and how many.
    pub(crate) end: String,
}

impl Listing {
    pub(crate) fn of(query: &RowQuery) -> Self {
        let (direction, sign) = match query.newest_first {
            true => ("DESC", "<"),
            false => ("ASC", ">"),
        };
        let mut listing = Self {
            values: Vec::new(),
            common: String::new(),
            end: format!("ORDER BY sequence {direction} LIMIT {}", query.limit),
        };
        if let Some(account) = &query.account {
            listing.require("account =", Value::Text(account.as_str().to_owned()));
        }
        if let Some(subject) = &query.subject {
            listing.require("subject =", Value::Bytes(subject.to_vec()));
        }
        if let Some(after) = query.after {
            listing.require(&format!("sequence {sign}"), Value::Number(after));
        }
        listing
    }

    /// Takes a value in, and returns its parameter.
    pub(crate) fn parameter(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    fn require(&mut self, condition: &str, value: Value) {
        let parameter = self.parameter(value);
        self.common
            .push_str(&format!(" AND {condition} {parameter}"));
    }

    /// Puts statements together, each of which is in order and ends at the limit.
    pub(crate) fn union(&self, parts: &[String]) -> String {
        let parts: Vec<String> = parts
            .iter()
            .map(|part| format!("SELECT * FROM ({part}) AS part"))
            .collect();
        let (parts, end) = (parts.join(" UNION ALL "), &self.end);
        format!("SELECT * FROM ({parts}) AS parts {end}")
    }
}

/// A value of a listing, in the order of its parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Text(String),
    Bytes(Vec<u8>),
    Number(i64),
}
