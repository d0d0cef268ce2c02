//! Many members at once, from files: `kabao import`, `adjust`, `update` and `export`, clients of a running gateway.
//!
//! Every row of a file is one change with an id: its own, or one that follows from the id of the file and the place of
//! the row, as in a batch that is the whole file. So a row that is sent again, by whatever run, happens once, and the
//! gateway answers from its memory. What the gateway cannot see is kept in a file beside the input (`state`): that
//! the file is still what it was, what has ended, and when a row was sent first, since the memory of the gateway
//! is not for ever.

mod bearer;
mod cells;
mod export;
mod failure;
mod kind;
mod pace;
mod plan;
mod progress;
mod report;
mod run;
mod server;
mod state;
mod table;

use std::time::Duration;

#[cfg(test)]
pub(crate) use self::export::COLUMNS as EXPORT_COLUMNS;
pub(crate) use self::export::{Export, ExportSummary};
pub(crate) use self::kind::{Adjust, Import, Kind, Update};
pub(crate) use self::run::{Changes, Summary};
pub(crate) use self::server::Server;
pub(crate) use self::table::{Fault, Format};

/// How long one call may take.
const CALL: Duration = Duration::from_secs(120);

/// For how long a gateway remembers changes at least: 72 hours, less one for clocks that differ.
const REMEMBERED: i64 = 71 * 3600;

/// Why a command does nothing, or not all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BulkError {
    /// Rows, in which something is wrong.
    #[error("the file has faults")]
    Faults(Vec<Fault>),
    /// What makes it another table than the one that was meant, so that no row was looked at.
    #[error("the file is another table")]
    Table(Vec<Fault>),
    /// Everything else.
    #[error("{0}")]
    Unusable(String),
}

impl From<String> for BulkError {
    fn from(text: String) -> Self {
        Self::Unusable(text)
    }
}
