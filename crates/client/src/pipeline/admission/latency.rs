//! How long WeChat usually takes for an operation: a plain value.

use std::collections::HashMap;
use std::time::Duration;

/// The quick answers of each operation: a tenth of them comes sooner.
///
/// A stochastic approximation of a quantile (H. Robbins and S. Monro, 1951): each answer that took
/// longer raises the estimate by a fortieth, each that took less lowers it by nine fortieths, which is in
/// balance where one in ten takes less. The quick ones, because nothing shall be given up that could
/// still be in time, and because they do not change when WeChat is busy.
#[derive(Debug, Default)]
pub(super) struct Latencies(HashMap<&'static str, Duration>);

/// An answer is late after so many times the usual time.
const LATE: u32 = 8;
/// What nobody calls late, whatever is usual.
const NEVER_LATE: Duration = Duration::from_millis(250);
/// From when on an answer is late if nobody knows what is usual.
const LATE_UNKNOWN: Duration = Duration::from_secs(1);

impl Latencies {
    /// Returns what an operation takes at least, as a rule; nothing if it was never answered.
    pub(super) fn usual(&self, operation: &str) -> Duration {
        self.0.get(operation).copied().unwrap_or_default()
    }

    /// Tells whether so long without an answer says that WeChat has too much to do.
    pub(super) fn is_late(&self, operation: &str, took: Duration) -> bool {
        match self.0.get(operation) {
            Some(usual) => took > (*usual * LATE).max(NEVER_LATE),
            None => took > LATE_UNKNOWN,
        }
    }

    /// Notes an answer.
    pub(super) fn note(&mut self, operation: &'static str, took: Duration) {
        let usual = self.0.entry(operation).or_insert(took);
        *usual = match took > *usual {
            true => (*usual + (*usual / 40).max(Duration::from_micros(1))).min(took),
            false => (*usual - *usual * 9 / 40).max(took),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn the_estimate_is_near_the_quick_answers() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.usual("a"), Duration::ZERO);
        latencies.note("a", ms(300));
        assert_eq!(latencies.usual("a"), ms(300));
        // Evenly spread from 50 ms to 149 ms, in an order without a pattern.
        for step in 0..5000_u64 {
            latencies.note("a", ms(50 + step * 37 % 100));
        }
        let usual = latencies.usual("a");
        assert!((ms(50)..ms(75)).contains(&usual), "{usual:?}");
        assert_eq!(latencies.usual("b"), Duration::ZERO, "each for itself");
    }

    #[test]
    fn the_estimate_follows_a_change_in_both_directions() {
        let mut latencies = Latencies::default();
        (0..10).for_each(|_| latencies.note("a", ms(50)));
        assert_eq!(latencies.usual("a"), ms(50));
        (0..100).for_each(|_| latencies.note("a", ms(400)));
        assert_eq!(latencies.usual("a"), ms(400));
        (0..10).for_each(|_| latencies.note("a", ms(50)));
        assert_eq!(latencies.usual("a"), ms(50));
    }

    #[test]
    fn what_is_late_depends_on_what_is_usual() {
        let rows = [
            (None, 1000, false),
            (None, 1001, true),
            (Some(5), 250, false),
            (Some(5), 251, true),
            (Some(100), 800, false),
            (Some(100), 801, true),
            (Some(2000), 15_000, false),
        ];
        for (usual, took, late) in rows {
            let mut latencies = Latencies::default();
            if let Some(usual) = usual {
                latencies.note("a", ms(usual));
            }
            assert_eq!(latencies.is_late("a", ms(took)), late, "{usual:?} {took}");
        }
    }
}
