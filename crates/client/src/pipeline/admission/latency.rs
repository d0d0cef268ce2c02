//! How long WeChat takes for an operation, usually and of late: a plain value, with time as an argument.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

/// What each operation takes.
///
/// Stochastic approximations of quantiles (H. Robbins and S. Monro, 1951): each sample above an estimate
/// raises it by a little, each below lowers it by more, which is in balance where few are below. The
/// quick answers are estimated, because nothing shall be given up that could still be in time.
#[derive(Debug, Default)]
pub(super) struct Latencies(HashMap<&'static str, Latency>);

#[derive(Clone, Copy, Debug)]
struct Latency {
    /// A tenth of the answers comes sooner. It rises slowly, so that a busy hour is not taken for usual.
    usual: Duration,
    usual_raised: Instant,
    /// A quarter of the attempts of late took less, from the wish for a signature to the answer.
    lately: Duration,
}

/// An answer is late after so many times the usual time.
const LATE: u32 = 8;
/// What nobody calls late, whatever is usual.
const NEVER_LATE: Duration = Duration::from_millis(250);
/// From when on an answer is late if nobody knows what is usual.
const LATE_UNKNOWN: Duration = Duration::from_secs(1);
/// No estimate rises by less, where it is not near yet.
const LEAST_STEP: Duration = Duration::from_millis(1);
/// What is usual rises at most so often.
const RISE_EVERY: Duration = Duration::from_secs(1);

impl Latencies {
    /// Returns what an attempt takes at least, as it has been of late; nothing if nobody knows.
    pub(super) fn lately(&self, operation: &str) -> Duration {
        self.0
            .get(operation)
            .map_or(Duration::ZERO, |latency| latency.lately)
    }

    /// Tells whether so long without an answer says that WeChat has too much to do.
    pub(super) fn is_late(&self, operation: &str, took: Duration) -> bool {
        match self.0.get(operation) {
            Some(latency) => took > (latency.usual * LATE).max(NEVER_LATE),
            None => took > LATE_UNKNOWN,
        }
    }

    /// Notes an answer: how long WeChat took for it, and the attempt in all.
    pub(super) fn answered(
        &mut self,
        operation: &'static str,
        now: Instant,
        took: Duration,
        in_all: Duration,
    ) {
        let latency = self.0.entry(operation).or_insert(Latency {
            usual: took,
            usual_raised: now,
            lately: in_all,
        });
        if took < latency.usual {
            latency.usual = lowered(latency.usual, 9, 40, took);
        } else if now.duration_since(latency.usual_raised) >= RISE_EVERY {
            latency.usual_raised = now;
            latency.usual = raised(latency.usual, 40, took);
        }
        latency.lately = match in_all < latency.lately {
            true => lowered(latency.lately, 3, 20, in_all),
            false => raised(latency.lately, 20, in_all),
        };
    }

    /// Notes that an attempt took so long and had no answer yet, when whoever waited left.
    pub(super) fn broken_off(&mut self, operation: &str, in_all: Duration) {
        // An answer would have taken longer; how much longer is not known, and need not be.
        if let Some(latency) = self.0.get_mut(operation)
            && in_all > latency.lately
        {
            latency.lately = raised(latency.lately, 20, in_all);
        }
    }
}

fn raised(estimate: Duration, part: u32, sample: Duration) -> Duration {
    let step = (estimate / part).max(LEAST_STEP);
    (estimate + step).min(sample)
}

fn lowered(estimate: Duration, parts: u32, of: u32, sample: Duration) -> Duration {
    // What is so far below is another time: WeChat works again.
    let step = estimate - estimate * parts / of;
    step.min(sample * 4).max(sample)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// Latencies of one operation, and a clock.
    struct Bench {
        latencies: Latencies,
        now: Instant,
    }

    impl Bench {
        fn new() -> Self {
            Self {
                latencies: Latencies::default(),
                now: Instant::now(),
            }
        }

        /// Answers that take so long, at ten a second.
        fn answered(&mut self, times: u64, took: impl Fn(u64) -> u64) {
            for number in 0..times {
                self.now += ms(100);
                let took = ms(took(number));
                self.latencies.answered("a", self.now, took, took);
            }
        }

        fn usual(&self) -> Duration {
            self.latencies.0["a"].usual
        }

        fn lately(&self) -> Duration {
            self.latencies.lately("a")
        }
    }

    #[test]
    fn the_estimates_are_near_the_quick_answers() {
        let mut bench = Bench::new();
        assert_eq!(bench.lately(), Duration::ZERO, "nobody knows");
        bench.answered(1, |_| 300);
        assert_eq!((bench.usual(), bench.lately()), (ms(300), ms(300)));
        // Evenly spread from 50 ms to 149 ms, in an order without a pattern.
        bench.answered(5000, |number| 50 + number * 37 % 100);
        assert!(
            (ms(50)..ms(75)).contains(&bench.usual()),
            "{:?}",
            bench.usual()
        );
        assert!(
            (ms(55)..ms(100)).contains(&bench.lately()),
            "{:?}",
            bench.lately()
        );
        assert_eq!(
            bench.latencies.lately("b"),
            Duration::ZERO,
            "each for itself"
        );
    }

    #[test]
    fn what_is_of_late_follows_at_once_and_what_is_usual_slowly() {
        let mut bench = Bench::new();
        bench.answered(10, |_| 50);
        bench.answered(50, |_| 400);
        assert_eq!(bench.lately(), ms(400));
        assert!(bench.usual() < ms(60), "{:?}", bench.usual());
        bench.answered(20, |_| 50);
        assert_eq!((bench.usual(), bench.lately()), (ms(50), ms(50)));
        // If it stays so, it becomes usual within minutes.
        bench.answered(10 * 120, |_| 400);
        assert_eq!(bench.usual(), ms(400));
    }

    #[test]
    fn who_leaves_without_an_answer_tells_that_it_takes_longer() {
        let mut bench = Bench::new();
        bench.latencies.broken_off("a", ms(1000));
        assert_eq!(bench.lately(), Duration::ZERO, "nobody knows how much");
        bench.answered(10, |_| 50);
        bench.latencies.broken_off("a", ms(40));
        assert_eq!(bench.lately(), ms(50), "it could not have an answer yet");
        (0..100).for_each(|_| bench.latencies.broken_off("a", ms(200)));
        assert_eq!((bench.usual(), bench.lately()), (ms(50), ms(200)));
    }

    #[test]
    fn when_wechat_works_again_one_answer_tells() {
        let mut bench = Bench::new();
        bench.answered(1, |_| 50);
        (0..100).for_each(|_| bench.latencies.broken_off("a", ms(5000)));
        assert_eq!(bench.lately(), ms(5000));
        bench.answered(1, |_| 50);
        assert_eq!(bench.lately(), ms(200));
    }

    #[test]
    fn a_signature_that_takes_long_is_not_held_against_wechat() {
        let mut bench = Bench::new();
        bench.answered(1, |_| 50);
        for _ in 0..100 {
            bench.now += ms(100);
            bench.latencies.answered("a", bench.now, ms(50), ms(300));
        }
        assert_eq!((bench.usual(), bench.lately()), (ms(50), ms(300)));
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
            let mut bench = Bench::new();
            if let Some(usual) = usual {
                bench.answered(1, |_| usual);
            }
            let is_late = bench.latencies.is_late("a", ms(took));
            assert_eq!(is_late, late, "{usual:?} {took}");
        }
    }
}
