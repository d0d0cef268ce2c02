//! What operators see: log lines, traces and numbers.
//!
//! Libraries speak `tracing`; only this module knows where it goes. Nothing that a caller or WeChat sent becomes a
//! label: methods are counted by name only if they exist.

mod audit;
mod calls;
mod certificates;
mod configuration;
mod filter;
mod labels;
mod lines;
mod metrics;
mod output;
mod panics;
mod process;
mod runtime;
mod settings;
mod store;
mod traces;
mod upstream;
mod vitals;

#[cfg(test)]
mod tests;

pub(crate) use self::configuration::{ReloadBoard, ReloadStatus};
pub(crate) use self::filter::filter;
pub(crate) use self::labels::kind_name;
pub(crate) use self::metrics::Metrics;
pub use self::output::{Telemetry, TelemetryError};
pub use self::settings::{LogFormat, LogSettings, TelemetrySettings, TraceParents};
pub(crate) use self::traces::Parents;
