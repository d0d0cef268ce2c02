//! Where a value of the configuration stands.

use std::sync::Arc;

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    File {
        line: usize,
        column: usize,
    },
    /// A file that the configuration names.
    Other {
        file: Arc<str>,
        line: usize,
        column: usize,
    },
    Environment(String),
    Whole,
}
