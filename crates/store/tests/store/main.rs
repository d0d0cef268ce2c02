//! Both stores against what a journal expects of them, and against what disks and databases do.
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail loudly, too")]

mod directory;
mod sqlite;
