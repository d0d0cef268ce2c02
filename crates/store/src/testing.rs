//! For tests of this crate and of whoever builds on it.

mod faults;

pub use faults::{CommitFault, CommitFaults};
