//! The statements of PostgreSQL that SQLite does not share.

use crate::sql::{Listing, Value};
use crate::table::RowQuery;

/// What a row is read from; `ended` is not among it.
pub(super) const COLUMNS: &str = "sequence, fence, account, id, method, fingerprint, state, owner, \
     plan, answer, create_time, update_time";

/// account, id
pub(super) const FIND: &str = "SELECT sequence, fence, account, id, method, fingerprint, state, \
     owner, plan, answer, create_time, update_time FROM changes WHERE account = $1 AND id = $2";

/// account, ids
///
/// However many there are, and however the server guesses that: the index is asked for each. A plain join reads the
/// whole table for ten thousand.
pub(super) const FIRST_KNOWN: &str = "SELECT known.id FROM unnest($2::text[]) AS asked (id), \
     LATERAL (SELECT id FROM changes WHERE account = $1 AND changes.id = asked.id OFFSET 0) AS known LIMIT 1";

/// In nanoseconds since 1970.
pub(super) const NOW: &str = "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000000)::bigint";

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
    let mut listing = Listing::of(query);
    let states: Vec<String> = query
        .states
        .iter()
        .map(|state| listing.parameter(Value::Text(state.as_str().to_owned())))
        .collect();
    let part = |state: &str| {
        let Listing { common, end, .. } = &listing;
        format!("SELECT {COLUMNS} FROM changes WHERE sequence > 0{common}{state} {end}")
    };
    let parts: Vec<String> = states
        .iter()
        .map(|state| part(&format!(" AND state = {state}")))
        .collect();
    let statement = match parts.as_slice() {
        [] => part(""),
        parts => listing.union(parts),
    };
    (statement, listing.values)
}
