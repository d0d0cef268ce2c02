//! `kabao import`, `adjust`, `update` and `export`: the binary against a gateway and a sandbox in this process, with the
//! sandbox's ledger as judge.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a step that fails fails the test"
)]

mod faults;
mod members;
mod resume;
mod world;
