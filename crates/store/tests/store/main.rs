//! The store against what a journal expects of it, and against what disks do.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests may fail loudly, too"
)]

mod credentials;
mod directory;
mod faults;
mod late;
mod observed;
mod postgres;
mod sealed;
mod sqlite;
mod upkeep;
mod versions;
