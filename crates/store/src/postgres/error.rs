//! What the errors of the database mean.

use std::error::Error as _;
use std::fmt;

use kabao_journal::StoreError;
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, Severity, SqlState};

use super::url::DatabaseUrl;

/// Says why a statement failed, without values. It is a refusal only if the database says that it has undone the
/// transaction: a commit whose answer is lost may be there.
pub(super) fn failed(error: &Error) -> StoreError {
    match error.as_db_error() {
        Some(database) if is_undone(database) => StoreError::refused(explained(database)),
        Some(database) => StoreError::new(explained(database)),
        None => StoreError::new(format!(
            "the connection to the database failed: {}",
            Chain(error)
        )),
    }
}

/// Says why there is no connection: nothing was asked for yet.
pub(super) fn unreachable(url: &DatabaseUrl, error: &Error) -> StoreError {
    let why = match error.as_db_error() {
        Some(database) => database.message().to_owned(),
        None => Chain(error).to_string(),
    };
    StoreError::refused(format!("the database {url} cannot be reached: {why}"))
}

/// Says that there was no connection in time: nothing was asked for yet.
pub(super) fn no_connection(url: &DatabaseUrl) -> StoreError {
    StoreError::refused(format!("the database {url} gives no connection in time"))
}

/// Says that nobody has reached the database for a while: nothing was asked for.
pub(super) fn lost(url: &DatabaseUrl) -> StoreError {
    StoreError::refused(format!(
        "the database {url} is not there; the next change is taken as soon as it is"
    ))
}

/// Says that no answer came in time: whatever was asked for may be done.
pub(super) fn too_slow() -> StoreError {
    StoreError::new("the database does not answer in time")
}

/// Tells whether the database has undone everything. Only errors that it raises before a commit count; one that ends
/// the session may have come after it.
fn is_undone(error: &DbError) -> bool {
    /// Data, constraints, transaction states, rollbacks, names and rights, resources, limits, locks.
    const CLASSES: [&str; 8] = ["22", "23", "25", "40", "42", "53", "54", "55"];
    let code = error.code();
    let class = code.code().get(..2).unwrap_or_default();
    error.parsed_severity() == Some(Severity::Error)
        && (CLASSES.contains(&class) || *code == SqlState::QUERY_CANCELED)
        && *code != SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN
}

fn explained(error: &DbError) -> String {
    let code = error.code();
    match code.code().get(..2).unwrap_or_default() {
        // Messages and details of these may hold values.
        "22" | "23" => format!("the database refuses a statement ({})", code.code()),
        _ if *code == SqlState::DISK_FULL => {
            "there is no room on the disk of the database; the next change is taken as soon as there is".to_owned()
        }
        _ => format!("the database says: {} ({})", error.message(), code.code()),
    }
}

/// An error with its sources.
struct Chain<'a>(&'a Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}
