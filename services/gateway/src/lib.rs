//! The gateway process: configuration, wiring, listeners, telemetry, lifecycle, and no business logic.
//!
//! `kabao serve` reads [`config`], builds one client per account, puts the gRPC facade in front of them and opens two
//! listeners: [`Gateway`]. `kabao dev` does the same against a sandbox in the same process: [`Dev`]. Both are a library
//! so that tests start them in process on free ports.
//!
//! Where to read on: a call comes in through `listener`, is counted and traced by `telemetry`, and leaves this crate
//! for `kabao-grpc`. Operators ask `admin`. How the process begins and ends is in `gateway` and `lifecycle`. Parts own
//! what can be set of them, and [`config`] reads it.

mod abort;
mod accounts;
mod admin;
mod audit;
mod bulk;
mod cli;
mod clients;
mod clock;
pub mod config;
mod connect;
mod core_dumps;
mod dev;
mod expiry;
mod files;
mod gateway;
mod jwt;
mod lifecycle;
mod listener;
mod memory;
mod portions;
mod readiness;
mod reload;
mod shared;
mod signals;
mod telemetry;
mod tls;
mod tokens;
mod watch;

pub use self::accounts::Roster;
pub use self::cli::run;
pub use self::dev::{Banner, Content, Dev, DevError, DevOptions};
pub use self::gateway::{Gateway, StartError};
pub use self::listener::BindError;
pub use self::telemetry::{Telemetry, TelemetryError};
