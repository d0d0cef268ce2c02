//! For tests of this crate and of whoever builds on it.

mod faults;
mod server;

pub use faults::{CommitFault, CommitFaults};
pub use server::PostgresServer;
