//! Peers that break the rules, or keep them and mean harm. Whatever they do, the others lose nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a step that fails fails the test"
)]

mod admin;
mod calls;
mod connections;
mod floods;
mod good;
mod raw;
mod readiness;
mod running;
