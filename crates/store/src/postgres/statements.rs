//! The statements of PostgreSQL that SQLite does not share.

use crate::sql::Value;
use crate::table::RowQuery;

/// What a row is read from; `ended` is not among it.
pub(super) const COLUMNS: &str = "sequence, fence, account, id, method, fingerprint, state, owner, \
     plan, answer, create_time, update_time";

/// account, id
pub(super) const FIND: &str = "SELECT sequence, fence, account, id, method, fingerprint, state, \
     owner, plan, answer, create_time, update_time FROM changes WHERE account = $1 AND id = $2";

/// account, subject
pub(super) const OPEN_OF: &str = "SELECT sequence, fence, account, id, method, fingerprint, state, \
     owner, plan, answer, create_time, update_time FROM changes \
     WHERE account = $1 AND subject = $2 AND ended = 0";

/// state, 1 if that is final or else 0, plan, owner, time, answer, sequence, fence
///
/// One that has ended takes only the answer that it lacks.
pub(super) const UPDATE: &str = "UPDATE changes SET state = $1, ended = sequence * $2, \
     plan = CASE WHEN ended = 0 THEN COALESCE($3, plan) ELSE plan END, \
     owner = CASE WHEN ended = 0 THEN $4 ELSE owner END, \
     update_time = CASE WHEN ended = 0 THEN $5 ELSE update_time END, \
     answer = COALESCE($6, answer) \
     WHERE sequence = $7 AND fence = $8 AND (ended = 0 OR (state = $1 AND answer IS NULL))";

/// Writes the statement of a listing.
///
/// Each state is a part of its own, which an index gives in the order of places: the database stops at the limit
/// instead of sorting all changes of several states.
pub(super) fn list(query: &RowQuery) -> (String, Vec<Value>) {
    let mut values = Vec::new();
    let mut parameter = |value: Value| {
        values.push(value);
        format!("${}", values.len())
    };
    let mut common = String::new();
    if let Some(account) = &query.account {
        let account = parameter(Value::Text(account.as_str().to_owned()));
        common.push_str(&format!(" AND account = {account}"));
    }
    if let Some(subject) = &query.subject {
        let subject = parameter(Value::Bytes(subject.to_vec()));
        common.push_str(&format!(" AND subject = {subject}"));
    }
    if let Some(after) = query.after {
        let after = parameter(Value::Number(after));
        let sign = if query.newest_first { "<" } else { ">" };
        common.push_str(&format!(" AND sequence {sign} {after}"));
    }
    let direction = if query.newest_first { "DESC" } else { "ASC" };
    let end = format!("ORDER BY sequence {direction} LIMIT {}", query.limit);
    let part = |state: Option<String>| {
        let state = state.map(|state| format!(" AND state = {state}"));
        let state = state.unwrap_or_default();
        format!("SELECT {COLUMNS} FROM changes WHERE sequence > 0{common}{state} {end}")
    };
    let mut parts: Vec<String> = Vec::new();
    for state in &query.states {
        let state = parameter(Value::Text(state.as_str().to_owned()));
        parts.push(format!("SELECT * FROM ({}) AS part", part(Some(state))));
    }
    let statement = match parts.as_slice() {
        [] => part(None),
        [_, ..] => format!(
            "SELECT * FROM ({}) AS parts {end}",
            parts.join(" UNION ALL ")
        ),
    };
    (statement, values)
}
