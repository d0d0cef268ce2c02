//! The clocks of the machine: measuring them is what this crate is for.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark measures the time that really passes"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

#[expect(
    clippy::disallowed_methods,
    reason = "signatures are judged, and changes dated, by the true time"
)]
pub(crate) fn system() -> SystemTime {
    SystemTime::now()
}

pub(crate) fn unix_seconds() -> i64 {
    system()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_secs()).ok())
        .unwrap_or_default()
}

/// A number as what ratios are made of; none that is measured here is too large to be exact.
#[expect(
    clippy::as_conversions,
    reason = "counts and nanoseconds stay far below 2^53"
)]
pub(crate) fn float(number: u64) -> f64 {
    number as f64
}

/// The same for a length or a count of things in memory.
pub(crate) fn float_of(number: usize) -> f64 {
    float(u64::try_from(number).unwrap_or(u64::MAX))
}
