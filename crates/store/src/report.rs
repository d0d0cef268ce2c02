//! What an operator hears of a store: what is wrong with it, and that it was copied.

use std::error::Error as _;
use std::fmt::{self, Write as _};
use std::path::PathBuf;

use kabao_journal::StoreError;

use crate::place::{Holder, Place};

/// What a check has found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// The store.
    pub place: Place,
    /// Who has it at the moment, if it is a file.
    pub holder: Option<Holder>,
    /// The version of its tables, if they can be read.
    pub version: Option<u32>,
    /// How many changes were looked at.
    pub changes: u64,
    /// What is wrong; nothing if it is empty.
    pub faults: Vec<Fault>,
}

/// One thing that is wrong. Names files and changes, never what is in them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// What.
    pub what: String,
    /// What helps.
    pub remedy: String,
}

/// A copy that was made.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Backup {
    /// The file.
    pub file: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// How many changes it holds.
    pub changes: u64,
    /// The key file, without which nothing in the copy can be read; it is not part of the copy.
    pub key_file: PathBuf,
    /// What an operator should be told: keys that do not fit.
    pub warnings: Vec<String>,
}

impl Fault {
    pub(crate) fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            remedy: remedy.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what, self.remedy)
    }
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // Writing to a text does not fail.
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    text
}
