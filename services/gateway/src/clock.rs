//! The one place of the gateway that asks for the wall clock.

use std::time::SystemTime;

/// The time.
#[expect(
    clippy::disallowed_methods,
    reason = "certificates and records are dated by the wall clock; everything below takes it as an argument"
)]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}

/// Seconds since 1970.
pub(crate) fn unix_seconds() -> i64 {
    now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_secs()).ok())
        .unwrap_or(0)
}
