//! How fast rows are sent.

use std::time::Duration;

use tokio::time::Instant;

/// So many rows are in one call at most.
const MOST: usize = 100;

/// The wait before the second try of a row; it doubles with every further one.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// Spreads rows over time.
pub(crate) struct Pace {
    rate: u32,
    next: Instant,
}

impl Pace {
    /// So many rows a second; at least one.
    pub(crate) fn new(rate: u32) -> Self {
        Self {
            rate: rate.max(1),
            next: Instant::now(),
        }
    }

    /// How many rows one call has: those of half a second.
    pub(crate) fn rows(&self) -> usize {
        let rows = usize::try_from(self.rate.div_ceil(2)).unwrap_or(MOST);
        rows.clamp(1, MOST)
    }

    /// When the next call may begin.
    pub(crate) fn next(&self) -> Instant {
        self.next
    }

    /// A call with so many rows begins now.
    pub(crate) fn begun(&mut self, rows: usize) {
        let rows = u32::try_from(rows).unwrap_or(u32::MAX);
        let takes = Duration::from_secs(1).saturating_mul(rows) / self.rate;
        self.next = self.next.max(Instant::now()) + takes;
    }
}

/// The wait before a try, from 2.
pub(crate) fn wait_before(attempt: u32, told: Option<Duration>) -> Duration {
    let doubled = FIRST_WAIT.saturating_mul(1 << attempt.saturating_sub(2).min(16));
    doubled.min(LONGEST_WAIT).max(told.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn rows_are_spread_over_time() {
        for (rate, per_call) in [(1, 1), (5, 3), (10, 5), (1000, 100)] {
            let mut pace = Pace::new(rate);
            assert_eq!(pace.rows(), per_call);
            let begin = Instant::now();
            let mut sent = 0;
            while sent < 1000 {
                tokio::time::sleep_until(pace.next()).await;
                pace.begun(pace.rows());
                sent += pace.rows();
            }
            let sent = f64::from(u32::try_from(sent).unwrap());
            let took = (pace.next() - begin).as_secs_f64();
            assert!((sent / took - f64::from(rate)).abs() < 0.01 * f64::from(rate));
        }
    }

    #[test]
    fn waits_double_up_to_a_bound_and_are_never_shorter_than_the_gateway_says() {
        let waits = [2, 3, 4, 9, 40].map(|attempt| wait_before(attempt, None).as_millis());
        assert_eq!(waits, [250, 500, 1000, 15_000, 15_000]);
        let told = Duration::from_secs(60);
        assert_eq!(wait_before(2, Some(told)), told);
    }
}
