//! The one place of the gateway that asks for the wall clock.

use std::time::SystemTime;

/// Seconds since 1970.
pub(crate) fn unix_seconds() -> i64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "certificates are judged by the wall clock; everything below takes it as an argument"
    )]
    let now = SystemTime::now();
    now.duration_since(SystemTime::UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_secs()).ok())
        .unwrap_or(0)
}
