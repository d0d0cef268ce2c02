//! Time and randomness: the only place where the process asks the machine for either.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{SystemTime, UNIX_EPOCH};

/// The wall clock and the randomness that calls need.
///
/// Deadlines and delays use tokio's clock, which tests can pause; this trait covers what is signed.
#[cfg_attr(test, mockall::automock)]
pub trait Clock: Send + Sync {
    /// Returns the time in Unix seconds.
    fn unix_seconds(&self) -> i64;

    /// Returns 32 random characters of `[0-9A-Za-z]`, or `None` if the system gives no randomness.
    fn nonce(&self) -> Option<String>;

    /// Returns an evenly distributed number from 0 to 1000 for the spread of delays.
    fn jitter(&self) -> u32;
}

/// The clock and the randomness of the machine.
#[derive(Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the client reads the wall clock"
    )]
    fn unix_seconds(&self) -> i64 {
        // A clock before 1970 reads as 1970; every signature is refused then, with a clear reason.
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |elapsed| {
                i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX)
            })
    }

    fn nonce(&self) -> Option<String> {
        kabao_auth::random_nonce().ok()
    }

    fn jitter(&self) -> u32 {
        // `RandomState` is seeded by the system and differs each time; that is enough for a spread.
        u32::try_from(RandomState::new().build_hasher().finish() % 1001).unwrap_or_default()
    }
}

impl fmt::Debug for SystemClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SystemClock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonces_and_jitter_differ_and_stay_in_their_ranges() {
        let clock = SystemClock;
        assert_ne!(clock.nonce(), clock.nonce());
        let values: std::collections::HashSet<_> = (0..200).map(|_| clock.jitter()).collect();
        assert!(values.len() > 50);
        assert!(values.iter().all(|value| *value <= 1000));
    }
}
