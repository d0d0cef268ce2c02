//! How many calls of an account may be in flight, by what WeChat's answers show: a plain value.
//!
//! The algorithm is AIMD (D.-M. Chiu and R. Jain, 1989), with the numbers of Netflix' `AIMDLimit`
//! (concurrency-limits): a tenth less after each call that failed or was late, one more after each
//! that was answered while at least half of the limit was in use. Gradients of latency are not
//! followed: the operations of one account take from 20 ms to seconds, and a mixture of them looks
//! like congestion.

/// A limit in thousandths, so that a tenth of a small one is not lost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    thousandths: u32,
    highest: u32,
}

const ONE: u32 = 1000;

impl Limit {
    /// Starts at the highest value, from 1 to 65,536; it never rises above it nor falls below 1.
    pub(super) fn new(highest: usize) -> Self {
        let highest = u32::try_from(highest.clamp(1, 65_536)).unwrap_or(1) * ONE;
        Self {
            thousandths: highest,
            highest,
        }
    }

    pub(super) fn get(self) -> usize {
        usize::try_from(self.thousandths / ONE).unwrap_or(usize::MAX)
    }

    /// A call was answered in good time while so many were in flight, itself included.
    pub(super) fn good(&mut self, in_flight: usize) {
        if in_flight.saturating_mul(2) >= self.get() {
            self.thousandths = (self.thousandths + ONE).min(self.highest);
        }
    }

    /// A call failed, or was late.
    pub(super) fn bad(&mut self) {
        self.thousandths = (self.thousandths / 10 * 9).max(ONE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after_bad(mut limit: Limit, times: usize) -> Limit {
        (0..times).for_each(|_| limit.bad());
        limit
    }

    #[test]
    fn failures_take_a_tenth_each_down_to_one() {
        let rows = [
            (0, 64),
            (1, 57),
            (2, 51),
            (7, 30),
            (20, 7),
            (40, 1),
            (500, 1),
        ];
        for (failures, left) in rows {
            assert_eq!(
                after_bad(Limit::new(64), failures).get(),
                left,
                "{failures}"
            );
        }
    }

    #[test]
    fn successes_give_one_each_up_to_the_highest() {
        let mut limit = after_bad(Limit::new(64), 500);
        let mut rounds = 0;
        while limit.get() < 64 {
            // Every call of a round is answered while all are in flight.
            let round = limit.get();
            (0..round).for_each(|_| limit.good(round));
            rounds += 1;
        }
        assert_eq!(rounds, 6, "it doubles with every round");
        limit.good(64);
        assert_eq!(limit.get(), 64);
    }

    #[test]
    fn what_is_not_used_does_not_grow() {
        let mut limit = after_bad(Limit::new(64), 7);
        assert_eq!(limit.get(), 30);
        limit.good(14);
        assert_eq!(limit.get(), 30);
        limit.good(15);
        assert_eq!(limit.get(), 31);
    }

    #[test]
    fn every_highest_value_is_kept() {
        for highest in [1, 2, 9, 10, 64, 65_536] {
            assert_eq!(Limit::new(highest).get(), highest);
            assert_eq!(after_bad(Limit::new(highest), 1000).get(), 1);
        }
    }
}
