//! Time: a base that runs by itself and a shift that the control API moves.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

/// Where the sandbox takes its time from.
pub trait Clock: Send + Sync {
    /// Returns the present moment.
    fn now(&self) -> Timestamp;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place where the sandbox reads the machine's clock"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::try_from(std::time::SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// A clock that stands still until a test moves it.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// Makes a clock that shows `unix_seconds`.
    pub fn new(unix_seconds: i64) -> Self {
        Self(AtomicI64::new(unix_seconds))
    }

    /// Moves the clock by some seconds.
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// The time of WeChat's world: a base clock plus the shift that the control API sets.
///
/// Cards expire and tokens die by [`Time::now`]. Signatures use [`Time::base`] unless the
/// settings say otherwise, so that moving the world ahead by a year does not make every client's
/// timestamp stale.
pub(crate) struct Time {
    base: Arc<dyn Clock>,
    shift_seconds: AtomicI64,
}

impl Time {
    pub(crate) fn new(base: Arc<dyn Clock>) -> Self {
        Self {
            base,
            shift_seconds: AtomicI64::new(0),
        }
    }

    pub(crate) fn base(&self) -> Timestamp {
        self.base.now()
    }

    pub(crate) fn now(&self) -> Timestamp {
        let shift = SignedDuration::from_secs(self.shift_seconds());
        self.base().saturating_add(shift).unwrap_or(Timestamp::MAX)
    }

    pub(crate) fn shift_seconds(&self) -> i64 {
        self.shift_seconds.load(Ordering::SeqCst)
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.shift_seconds.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Makes [`Time::now`] show `moment`.
    pub(crate) fn set(&self, moment: Timestamp) {
        let shift = moment.as_second() - self.base().as_second();
        self.shift_seconds.store(shift, Ordering::SeqCst);
    }

    pub(crate) fn reset(&self) {
        self.shift_seconds.store(0, Ordering::SeqCst);
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Time")
            .field("shift_seconds", &self.shift_seconds())
            .finish_non_exhaustive()
    }
}

/// Writes a moment as WeChat Pay's card pages do: RFC 3339 in UTC+8.
pub(crate) fn rfc3339(moment: Timestamp) -> String {
    format_at(moment, "%Y-%m-%dT%H:%M:%S%:z")
}

/// The same with milliseconds, as the merchant family prints it.
pub(crate) fn rfc3339_millis(moment: Timestamp) -> String {
    format_at(moment, "%Y-%m-%dT%H:%M:%S.%3f%:z")
}

fn format_at(moment: Timestamp, format: &str) -> String {
    let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(8));
    moment.to_zoned(zone).strftime(format).to_string()
}

/// Reads RFC 3339, with or without fractions, `Z` or an offset.
pub(crate) fn parse_rfc3339(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// Returns the number of the calendar day in UTC+8, the calendar of all documents.
pub(crate) fn day(moment: Timestamp) -> i64 {
    (moment.as_second() + 8 * 3600).div_euclid(86_400)
}

/// Returns the moment some days later.
pub(crate) fn plus_days(moment: Timestamp, days: i64) -> Timestamp {
    let seconds = days.saturating_mul(86_400);
    moment
        .saturating_add(SignedDuration::from_secs(seconds))
        .unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_in_the_calendar_of_the_documents() {
        let moment = Timestamp::from_second(1_767_225_600).unwrap();
        assert_eq!(rfc3339(moment), "2026-01-01T08:00:00+08:00");
        assert_eq!(rfc3339_millis(moment), "2026-01-01T08:00:00.000+08:00");
        assert_eq!(parse_rfc3339("2026-01-01T08:00:00.000+08:00"), Some(moment));
        assert_eq!(parse_rfc3339("2026-01-01 08:00"), None);
        assert_eq!(day(plus_days(moment, 3)) - day(moment), 3);
    }

    #[test]
    fn the_shift_moves_the_world_and_not_the_base() {
        let base = Arc::new(ManualClock::new(1_000));
        let time = Time::new(Arc::<ManualClock>::clone(&base));
        time.advance(7_200);
        assert_eq!(
            (time.now().as_second(), time.base().as_second()),
            (8_200, 1_000)
        );
        base.advance(10);
        assert_eq!(time.now().as_second(), 8_210);
        time.set(Timestamp::from_second(5_000).unwrap());
        assert_eq!(time.now().as_second(), 5_000);
        time.reset();
        assert_eq!(time.now().as_second(), 1_010);
    }
}
