//! How many calls of an account may be in flight, by what WeChat's answers show: a plain value, with time
//! as an argument.
//!
//! The algorithm is AIMD as TCP has it (V. Jacobson, "Congestion Avoidance and Control", 1988): half as
//! many after a call that failed or was late, at most once a round, since those that were under way then
//! tell of the same; after that one more a round, and below the half of last time twice as many a round. As
//! in Netflix' concurrency-limits, what is not used does not grow. Gradients of latency are not followed: the
//! operations of one account take from 20 ms to seconds, and a mixture of them looks like congestion.

use std::time::Duration;

use tokio::time::Instant;

/// A limit in thousandths, so that it can grow by less than one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    thousandths: u32,
    highest: u32,
    /// Up to here it grows quickly.
    threshold: u32,
    last_cut: Option<Instant>,
}

const ONE: u32 = 1000;

impl Limit {
    /// Starts at the highest value, from 1 to 65,536; it never rises above it nor falls below 1.
    pub(super) fn new(highest: usize) -> Self {
        let highest = u32::try_from(highest.clamp(1, 65_536)).unwrap_or(1) * ONE;
        Self {
            thousandths: highest,
            highest,
            threshold: highest,
            last_cut: None,
        }
    }

    pub(super) fn get(self) -> usize {
        usize::try_from(self.thousandths / ONE).unwrap_or(usize::MAX)
    }

    /// A call was answered in good time while so many were in flight, itself included.
    pub(super) fn good(&mut self, in_flight: usize) {
        if in_flight.saturating_mul(2) >= self.get() {
            let more = match self.thousandths < self.threshold {
                true => ONE,
                // One a round, which has as many calls as the limit says.
                false => (ONE * ONE / self.thousandths).max(1),
            };
            self.thousandths = (self.thousandths + more).min(self.highest);
        }
    }

    /// A call failed, or was late, which had left so long ago.
    pub(super) fn bad(&mut self, now: Instant, took: Duration) {
        let is_told = self
            .last_cut
            .is_some_and(|cut| now.duration_since(cut) < took);
        if !is_told {
            self.last_cut = Some(now);
            self.thousandths = (self.thousandths / 2).max(ONE);
            self.threshold = self.thousandths;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUND: Duration = Duration::from_millis(50);

    /// A limit after so many rounds in which every call failed.
    fn after_bad(highest: usize, rounds: u32) -> Limit {
        let mut limit = Limit::new(highest);
        let mut now = Instant::now();
        for _ in 0..rounds {
            now += ROUND;
            for _ in 0..limit.get() {
                limit.bad(now, ROUND);
            }
        }
        limit
    }

    /// Every call of a round is answered while all are in flight.
    fn good_round(limit: &mut Limit) {
        let round = limit.get();
        (0..round).for_each(|_| limit.good(round));
    }

    #[test]
    fn each_round_of_failures_takes_half_down_to_one() {
        let rows = [(0, 64), (1, 32), (2, 16), (5, 2), (6, 1), (50, 1)];
        for (rounds, left) in rows {
            assert_eq!(after_bad(64, rounds).get(), left, "{rounds}");
        }
    }

    #[test]
    fn it_grows_by_one_a_round_and_quickly_below_the_half_of_last_time() {
        let mut limit = after_bad(64, 1);
        for grown in 33..=40 {
            good_round(&mut limit);
            assert!((grown - 1..=grown).contains(&limit.get()), "{limit:?}");
        }
        // After two cuts the way up to the lower half is short.
        limit.threshold = 30_000;
        limit.thousandths = 4_000;
        let rounds = (0..100).find(|_| {
            good_round(&mut limit);
            limit.get() >= 30
        });
        assert_eq!(rounds, Some(2));
    }

    #[test]
    fn it_never_rises_above_the_highest() {
        for highest in [1, 2, 9, 64, 65_536] {
            let mut limit = Limit::new(highest);
            assert_eq!(limit.get(), highest);
            (0..100).for_each(|_| limit.good(highest));
            assert_eq!(limit.get(), highest);
            assert_eq!(after_bad(highest, 20).get(), 1);
        }
    }

    #[test]
    fn what_is_not_used_does_not_grow() {
        let mut limit = after_bad(64, 1);
        (0..1000).for_each(|_| limit.good(15));
        assert_eq!(limit.get(), 32);
        (0..1000).for_each(|_| limit.good(16));
        assert!(limit.get() > 32);
    }
}
