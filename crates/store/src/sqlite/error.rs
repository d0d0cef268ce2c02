//! What SQLite's errors mean.

use std::error::Error as _;
use std::path::Path;

use kabao_journal::StoreError;
use rusqlite::{Error, ErrorCode, ffi};

use crate::unopened::Unopened;

/// Says what failed and where, without values; nothing of it was committed.
pub(super) fn failed(file: &Path, error: Error) -> StoreError {
    StoreError::refused(message(file, &error)).with_source(error)
}

/// Says why a database does not open. SQLite tells what may pass from a folder in which this process may make no log.
pub(super) fn not_opened(error: StoreError) -> Unopened {
    let cause = error.source();
    let cause = cause.and_then(|cause| cause.downcast_ref::<Error>());
    let code = cause.and_then(Error::sqlite_error);
    match code.is_some_and(|code| code.extended_code == ffi::SQLITE_READONLY_DIRECTORY) {
        true => Unopened::Mistake(error),
        false => Unopened::Outage(error),
    }
}

/// Says why the tables are not those that are needed. What SQLite reports may pass; whatever else is wrong was read without
/// fail, and is another store than the keys or the program are for.
pub(super) fn not_prepared(error: StoreError) -> Unopened {
    match error.source().is_some_and(|cause| cause.is::<Error>()) {
        true => Unopened::Outage(error),
        false => Unopened::Mistake(error),
    }
}

/// Says why a commit failed. Without room nothing was committed; after anything else the log may hold all of it, and a
/// later handle goes on from it.
pub(super) fn failed_commit(file: &Path, error: Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => failed(file, error),
        _ => StoreError::new(message(file, &error)).with_source(error),
    }
}

fn message(file: &Path, error: &Error) -> String {
    let file = file.display();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => format!(
            "there is no room for the store {file}; the next change is taken as soon as there is"
        ),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => format!(
            "the store {file} is damaged; restore it from a backup, or move it, its log and its lock away to begin with an empty one"
        ),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            format!(
                "the store {file} cannot be written by this process; check its owner and its mode"
            )
        }
        Some(ErrorCode::SystemIoFailure) => format!("the disk under the store {file} fails"),
        _ => format!("the store {file} does not work"),
    }
}

/// Tells whether an error leaves the handle in doubt, or only refuses one statement.
pub(super) fn ends_handle(error: &Error) -> bool {
    !matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::ConstraintViolation
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::OperationInterrupted
                | ErrorCode::OutOfMemory
                | ErrorCode::TooBig
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_in_which_nothing_can_be_made_is_a_mistake_and_a_file_that_does_not_open_is_none() {
        for (code, is_mistake) in [
            (ffi::SQLITE_READONLY_DIRECTORY, true),
            (ffi::SQLITE_READONLY, false),
            (ffi::SQLITE_CANTOPEN, false),
            (ffi::SQLITE_FULL, false),
        ] {
            let error = Error::SqliteFailure(ffi::Error::new(code), None);
            let unopened = not_opened(failed(Path::new("kabao.db"), error));
            assert_eq!(
                matches!(unopened, Unopened::Mistake(_)),
                is_mistake,
                "{code}"
            );
        }
    }
}
