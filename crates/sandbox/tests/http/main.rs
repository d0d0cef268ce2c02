//! The running sandbox over TLS and HTTP, spoken to by a client of the tests' own: it shares
//! neither an HTTP library nor a signing pipeline with the server.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests may fail loudly, too"
)]

mod accounts;
mod authentication;
mod brand;
mod client;
mod control;
mod faults;
mod merchant;
mod merchant_life;
mod official_account;
mod requests;
mod vectors;
