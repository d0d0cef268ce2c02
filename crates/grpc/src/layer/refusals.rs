//! Refused calls, of which there may be very many: a line of the log tells of them now and then.

use std::time::Duration;

use tokio::time::Instant;

/// Marks the answers to calls that were refused: there may be very many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refused;

/// Counts refusals between lines of the log.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    told: Option<Instant>,
    untold: u64,
}

impl Refusals {
    /// There is a line in this time; the rest is counted.
    const INTERVAL: Duration = Duration::from_secs(1);

    /// Returns how many refusals a line stands for besides its own; `None` if it is not time for one.
    pub(super) fn turn(&mut self, now: Instant) -> Option<u64> {
        let is_early = |told| now.saturating_duration_since(told) < Self::INTERVAL;
        if self.told.is_some_and(is_early) {
            self.untold = self.untold.saturating_add(1);
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_have_a_line_a_second_and_none_is_forgotten() {
        let mut refusals = Refusals::default();
        let start = Instant::now();
        assert_eq!(refusals.turn(start), Some(0));
        for _ in 0..1000 {
            assert_eq!(refusals.turn(start), None);
        }
        assert_eq!(refusals.turn(start + Refusals::INTERVAL), Some(1000));
        assert_eq!(refusals.turn(start + 2 * Refusals::INTERVAL), Some(0));
    }
}
