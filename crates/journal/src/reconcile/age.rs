//! How old a change is, whatever becomes of the wall clock.
//!
//! The wall clock dates changes, because nothing else outlives a process. Set forward by mistake it would make all of
//! them old at once, and a repeat of one that is forgotten acts twice. So a clock that has run ahead of the time that
//! has passed is believed only when the retention has passed by the monotonic clock as well.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// What clocks that are kept right differ by from one look to the next.
const TOLERANCE: Duration = Duration::from_mins(1);

/// The time by which changes grow old.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Aging {
    /// What the wall clock said last, and when.
    wall: SystemTime,
    at: Instant,
    /// The time that is believed, which is no later.
    believed: SystemTime,
    /// When the wall clock is believed again, if it is not.
    doubted_until: Option<Instant>,
}

impl Aging {
    /// Begins, with the time of the newest change that is remembered: the clock may have jumped while nobody looked.
    pub(crate) fn begin(
        wall: SystemTime,
        newest: Option<SystemTime>,
        retention: Duration,
        at: Instant,
    ) -> Self {
        let believed = newest.map_or(wall, |newest| newest.min(wall));
        let is_ahead = believed + TOLERANCE < wall;
        Self {
            wall,
            at,
            believed,
            doubted_until: is_ahead.then(|| at + retention),
        }
    }

    /// Takes in what the wall clock says now; true if it has run ahead.
    pub(crate) fn look(&mut self, wall: SystemTime, retention: Duration, now: Instant) -> bool {
        let passed = now.duration_since(self.at);
        let is_ahead = self.wall + passed + TOLERANCE < wall;
        if is_ahead {
            self.doubted_until = Some(now + retention);
        }
        let is_doubted = self.doubted_until.is_some_and(|until| now < until);
        if !is_doubted {
            self.doubted_until = None;
        }
        self.believed = match is_doubted {
            true => wall.min(self.believed + passed),
            false => wall,
        };
        (self.wall, self.at) = (wall, now);
        is_ahead
    }

    /// Returns the time that is believed.
    pub(crate) fn now(&self) -> SystemTime {
        self.believed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);
    const RETENTION: Duration = Duration::from_hours(72);

    fn wall(hours: u32) -> SystemTime {
        SystemTime::UNIX_EPOCH + HOUR * (500_000 + hours)
    }

    #[test]
    fn a_clock_that_runs_is_believed() {
        let start = Instant::now();
        let mut aging = Aging::begin(wall(0), Some(wall(0)), RETENTION, start);
        for hour in 1..200 {
            assert!(!aging.look(wall(hour), RETENTION, start + HOUR * hour));
            assert_eq!(aging.now(), wall(hour));
        }
        // Set back it is, too: everything is kept for longer.
        assert!(!aging.look(wall(100), RETENTION, start + HOUR * 200));
        assert_eq!(aging.now(), wall(100));
    }

    #[test]
    fn a_clock_that_jumps_ahead_is_believed_when_everything_is_old_anyway() {
        let start = Instant::now();
        let mut aging = Aging::begin(wall(0), None, RETENTION, start);
        assert!(aging.look(wall(10_001), RETENTION, start + HOUR));
        assert_eq!(aging.now(), wall(1));
        assert!(!aging.look(wall(10_072), RETENTION, start + HOUR * 72));
        assert_eq!(aging.now(), wall(72));
        assert!(!aging.look(wall(10_073), RETENTION, start + HOUR * 73));
        assert_eq!(aging.now(), wall(10_073));
    }

    #[test]
    fn a_clock_that_is_set_right_again_is_believed_no_sooner() {
        let start = Instant::now();
        let mut aging = Aging::begin(wall(0), None, RETENTION, start);
        assert!(aging.look(wall(10_001), RETENTION, start + HOUR));
        // Back to where it was, and ahead once more.
        assert!(!aging.look(wall(2), RETENTION, start + HOUR * 2));
        assert_eq!(aging.now(), wall(2));
        assert!(aging.look(wall(10_003), RETENTION, start + HOUR * 3));
        assert_eq!(aging.now(), wall(3));
        assert!(!aging.look(wall(10_074), RETENTION, start + HOUR * 74));
        assert_eq!(aging.now(), wall(74));
    }

    #[test]
    fn a_start_long_after_the_newest_change_may_be_one_with_a_wrong_clock() {
        let start = Instant::now();
        let mut aging = Aging::begin(wall(10_000), Some(wall(0)), RETENTION, start);
        assert_eq!(aging.now(), wall(0));
        assert!(!aging.look(wall(10_071), RETENTION, start + HOUR * 71));
        assert_eq!(aging.now(), wall(71));
        assert!(!aging.look(wall(10_072), RETENTION, start + HOUR * 72));
        assert_eq!(aging.now(), wall(10_072));
        // Of a newest change from the future nothing follows.
        let aging = Aging::begin(wall(5), Some(wall(9)), RETENTION, start);
        assert_eq!(aging.now(), wall(5));
    }
}
