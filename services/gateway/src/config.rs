//! Configuration: defaults, then a TOML file, then the environment; read in full before anything starts.
//!
//! Reading finds *every* mistake instead of the first one, because whoever repairs a configuration would rather have a
//! list than a sequence of surprises. What comes out is [`Settings`]: values that are known to be good, with keys and
//! certificates already loaded. Secrets come from files or named environment variables and never stand in the file.

mod account;
mod accounts;
mod audit;
mod cache;
mod callers;
mod document;
mod environment;
mod exposure;
mod fixed;
mod folder;
mod grpc;
mod jwt;
mod log;
mod material;
mod memory;
mod mistake;
mod origin;
mod own_keys;
mod parallel;
mod policy;
mod present;
mod reload;
mod section;
mod settings;
mod source;
mod suggest;
mod summary;
mod telemetry;
mod tls;
pub(crate) mod unit;
mod upstream;
mod verdict;
mod writers;

use std::path::Path;

pub use self::account::AccountSettings;
pub use self::environment::Environment;
pub(crate) use self::exposure::Exposure;
pub(crate) use self::fixed::Fixed;
pub use self::grpc::GrpcSettings;
pub use self::mistake::{Mistake, Mistakes};
pub use self::policy::PolicySettings;
pub(crate) use self::policy::no_method;
pub use self::reload::ReloadSettings;
pub use self::settings::{AdminSettings, KeySettings, ProcessSettings, Settings, ShutdownSettings};
pub use self::source::{Loaded, Source};
pub use self::summary::Summary;

// What the parts of the gateway let be set belongs to them; reading it is all that is done here.
pub use crate::audit::{AuditOutput, AuditSettings, WhenFull};
pub use crate::jwt::JwtSettings;
pub use crate::listener::{Limits, Timeouts};
pub use crate::memory::{CacheSettings, MemorySettings};
pub use crate::telemetry::{LogFormat, LogSettings, TelemetrySettings, TraceParents};
pub use crate::tls::{ClientCertificates, ExpiredCrl, TlsSettings};
pub use crate::tokens::CallerSettings;

use self::present::Present;

/// Reads the configuration file and the environment.
///
/// `now` is in seconds since 1970 and decides whether certificates have expired.
///
/// # Errors
///
/// [`Mistakes`] lists everything that would keep the gateway from starting with this configuration.
pub fn load(file: &Path, environment: &Environment, now: i64) -> Result<Settings, Mistakes> {
    let source = Source::new(file, environment.clone());
    source.load(now).map(|loaded| loaded.settings)
}

/// As [`load`], for a text that is already there; relative paths start from `folder`.
///
/// # Errors
///
/// As for [`load`].
pub fn parse(
    name: &str,
    text: &str,
    folder: &Path,
    environment: &Environment,
    now: i64,
) -> Result<Settings, Mistakes> {
    let present = Present::default();
    source::parse(name, text, folder, environment, &present, now).map(|loaded| loaded.settings)
}
