//! Who is taken on the gRPC port: certificates and authorities that change, are revoked or end, and tokens.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a step that fails fails the test"
)]

mod authority;
mod handshakes;
mod issuer;
mod lists;
mod load;
mod reload;
mod restart;
mod tokens;
mod weights;
mod world;
