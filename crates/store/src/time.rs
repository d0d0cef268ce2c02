//! Times as both databases keep them: nanoseconds since 1970.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Writes a time; those outside of 1970 to 2262 become the nearest one inside.
pub(crate) fn write(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// Reads a time.
pub(crate) fn read(nanoseconds: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or_default())
}
