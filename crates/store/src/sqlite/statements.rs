//! The statements of SQLite that PostgreSQL does not share, and why its indexes are what they are.
//!
//! What a commit costs is the number of pages that it changes, so few indexes change with a change, and those in few
//! places. Only open changes are in `changes_open`, which is small. `changes_subject` finds all changes of a subject in
//! slices of so many places: a digest is anywhere in an index of all digests, but new ones are all in the last slice. An
//! answer lies in a table of its own, which only grows at its end; in the row of its change, which is full by then, it
//! would move other rows.

use crate::sql::{Listing, Value};
use crate::table::RowQuery;

/// What a row is read from. Earlier versions kept answers in the rows.
macro_rules! columns {
    () => {
        "sequence, fence, account, id, method, fingerprint, state, owner, plan, \
         COALESCE((SELECT answer FROM answers WHERE answers.sequence = changes.sequence), answer), \
         create_time, update_time"
    };
}

/// What a row is read from; `ended` is not among it.
pub(super) const COLUMNS: &str = columns!();

/// The same before the third version.
pub(super) const COLUMNS_BEFORE: &str = "sequence, fence, account, id, method, fingerprint, state, owner, plan, answer, \
     create_time, update_time";

/// account, id
pub(super) const FIND: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM changes WHERE account = $1 AND id = $2"
);

/// account, subject
pub(super) const OPEN_OF: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM changes WHERE account = $1 AND subject = $2 AND ended = 0"
);

/// account, id, method, fingerprint, subject, owner, time, plan, sequence
pub(super) const BEGIN: &str = "INSERT INTO changes (fence, account, id, method, fingerprint, subject, state, ended, \
     owner, create_time, update_time, plan, sequence) \
     VALUES (1, $1, $2, $3, $4, $5, 'INTENT', 0, $6, $7, $7, $8, $9) ON CONFLICT DO NOTHING";

/// state, 1 if that is final or else 0, plan, owner, time, sequence, fence
pub(super) const UPDATE: &str = "UPDATE changes SET state = $1, ended = sequence * $2, plan = COALESCE($3, plan), \
     owner = $4, update_time = $5 WHERE sequence = $6 AND fence = $7 AND ended = 0";

/// sequence, fence, state
///
/// One that has ended takes only the answer that it lacks.
pub(super) const LACKS_ANSWER: &str = "SELECT 1 FROM changes WHERE sequence = $1 AND fence = $2 AND state = $3 \
     AND ended > 0 AND answer IS NULL \
     AND NOT EXISTS (SELECT 1 FROM answers WHERE answers.sequence = changes.sequence)";

/// sequence, answer
pub(super) const ANSWER: &str = "INSERT INTO answers (sequence, answer) VALUES ($1, $2) \
     ON CONFLICT (sequence) DO UPDATE SET answer = excluded.answer";

/// sequence
pub(super) const RESERVE: &str = "UPDATE sqlite_sequence SET seq = $1 WHERE name = 'changes'";

/// sequence
///
/// Before the first change of all there is no row.
pub(super) const RESERVE_FIRST: &str =
    "INSERT INTO sqlite_sequence (name, seq) VALUES ('changes', $1)";

/// The last place that was used or reserved.
pub(super) const RESERVED: &str = "SELECT seq FROM sqlite_sequence WHERE name = 'changes'";

/// Those that are open.
const OPEN: &str =
    "sequence IN (SELECT sequence FROM changes INDEXED BY changes_open WHERE ended = 0)";

/// The slices of `changes_subject`, each of 256 places.
const SLICES: &str = "WITH RECURSIVE slices (slice) AS (SELECT min(sequence) >> 8 FROM changes \
     UNION ALL SELECT slice + 1 FROM slices WHERE slice < (SELECT max(sequence) >> 8 FROM changes)) \
     SELECT slice FROM slices";

/// Writes the statement of a listing.
///
/// Each state is a part of its own, which the database reads in the order of places and up to the limit: open changes
/// out of their index, refused ones out of theirs, and applied ones as they come, since most changes are. A subject has
/// few changes, which are sorted. States stand there as they are, so that SQLite knows which index has them.
pub(super) fn list(query: &RowQuery) -> (String, Vec<Value>) {
    let listing = Listing::of(query);
    let Listing { common, end, .. } = &listing;
    let states = query.states.iter();
    if query.subject.is_some() {
        let states: Vec<_> = states
            .map(|state| format!("'{}'", state.as_str()))
            .collect();
        let states = match states.as_slice() {
            [] => String::new(),
            states => format!(" AND state IN ({})", states.join(", ")),
        };
        let statement = format!(
            "SELECT {COLUMNS} FROM changes INDEXED BY changes_subject \
             WHERE (sequence >> 8) IN ({SLICES}){common}{states} {end}"
        );
        return (statement, listing.values);
    }
    let part = |wanted: &str| format!("SELECT {COLUMNS} FROM changes WHERE {wanted}{common} {end}");
    let of = |state: &kabao_api::ChangeState| {
        let place = if state.is_final() {
            "sequence > 0"
        } else {
            OPEN
        };
        part(&format!("state = '{}' AND {place}", state.as_str()))
    };
    let parts: Vec<String> = states.map(of).collect();
    let statement = match parts.as_slice() {
        [] => part("sequence > 0"),
        parts => listing.union(parts),
    };
    (statement, listing.values)
}

#[cfg(test)]
mod tests {
    use kabao_api::ChangeState;
    use rusqlite::{Connection, params_from_iter};

    use super::*;
    use crate::sqlite::schema::MIGRATIONS;

    /// How SQLite goes about a statement, a step a line.
    fn plan(database: &Connection, (statement, values): (String, Vec<Value>)) -> String {
        let explained = format!("EXPLAIN QUERY PLAN {statement}");
        let mut explained = database.prepare(&explained).unwrap();
        let steps = explained.query_map(params_from_iter(values), |row| row.get(3));
        let steps: rusqlite::Result<Vec<String>> = steps.unwrap().collect();
        steps.unwrap().join("\n")
    }

    #[test]
    fn no_listing_reads_more_of_the_table_than_it_lists() {
        let database = Connection::open_in_memory().unwrap();
        for migration in MIGRATIONS {
            database.execute_batch(migration).unwrap();
        }
        let query = RowQuery {
            account: Some("acme".parse().unwrap()),
            states: Vec::new(),
            subject: None,
            after: Some(7),
            newest_first: false,
            limit: 10,
        };
        let place = "SEARCH changes USING INTEGER PRIMARY KEY";
        let rows = [
            (None, vec![], place),
            (None, vec![ChangeState::Applied], place),
            (None, vec![ChangeState::Unknown], "INDEX changes_open"),
            (
                None,
                vec![ChangeState::Rejected],
                "SEARCH changes USING INDEX changes_rejected",
            ),
            (
                Some([7; 32]),
                vec![],
                "SEARCH changes USING INDEX changes_subject (<expr>=? AND subject=?",
            ),
            (
                Some([7; 32]),
                vec![ChangeState::Intent],
                "USING INDEX changes_subject (<expr>=? AND subject=?",
            ),
        ];
        for (subject, states, expected) in rows {
            for newest_first in [false, true] {
                let query = RowQuery {
                    subject,
                    states: states.clone(),
                    newest_first,
                    ..query.clone()
                };
                let plan = plan(&database, list(&query));
                assert!(plan.contains(expected), "{query:?}\n{plan}");
                let scans = plan.lines().filter(|line| line.starts_with("SCAN changes"));
                assert!(
                    scans.clone().all(|line| line.contains("changes_open")),
                    "{plan}"
                );
            }
        }
    }
}
