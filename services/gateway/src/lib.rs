//! The gateway process.

mod clock;
pub mod config;
mod lifecycle;
mod listener;
mod telemetry;
