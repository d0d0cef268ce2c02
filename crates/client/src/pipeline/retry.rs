//! When an attempt is repeated: a decision without I/O, and the budget behind it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::call::Sending;
use crate::failure::{Certainty, Failure, Repeat};
use crate::settings::RetrySettings;

/// What an attempt more takes from the budget.
pub(super) const COST: u32 = 14;
/// What an attempt more takes after a rate limit.
const THROTTLED_COST: u32 = 5;

/// What the decision depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) sending: Sending,
    /// The number of the failed attempt, from 1.
    pub(crate) attempt: u32,
    pub(crate) failure: &'a Failure,
    /// Until the caller stops waiting.
    pub(crate) remaining: Duration,
    /// 0 to 1000.
    pub(crate) jitter: u32,
}

/// What to do after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    GiveUp,
    /// Wait, then try again for this many tokens of the budget.
    Repeat {
        delay: Duration,
        cost: u32,
    },
}

/// Decides whether a failed attempt is repeated.
pub(crate) fn decide(settings: &RetrySettings, facts: &Facts<'_>) -> Decision {
    let Facts {
        sending,
        attempt,
        failure,
        remaining,
        jitter,
    } = *facts;
    let harmless = sending.is_repeatable || failure.certainty == Certainty::NotExecuted;
    let (base, cost, limit) = match failure.repeat {
        Repeat::Never => return Decision::GiveUp,
        Repeat::Transient => (settings.base_delay, COST, settings.max_attempts),
        Repeat::Throttled => (
            settings.throttled_delay,
            THROTTLED_COST,
            settings.max_attempts,
        ),
        // Only the deadline bounds it, and it is no fault that the budget should pay for.
        Repeat::Accepted => (settings.throttled_delay, 0, u32::MAX),
        Repeat::Once => (settings.base_delay, COST, settings.max_attempts.min(2)),
    };
    if !harmless || attempt >= limit {
        return Decision::GiveUp;
    }
    let doubled = base.saturating_mul(1_u32.checked_shl(attempt - 1).unwrap_or(u32::MAX));
    let ceiling = doubled.min(settings.max_delay);
    // Full jitter: evenly spread from nothing to the ceiling. What nothing but the deadline bounds
    // waits at least half of that.
    let spread = ceiling.saturating_mul(jitter.min(1000)) / 1000;
    let spread = match failure.repeat {
        Repeat::Accepted => spread.max(ceiling / 2),
        _ => spread,
    };
    let delay = match failure.error.retry_after() {
        Some(asked) => spread.max(asked),
        None => spread,
    };
    if delay.saturating_add(settings.min_attempt) >= remaining {
        return Decision::GiveUp;
    }
    Decision::Repeat { delay, cost }
}

/// Bounds what retries add to the load while WeChat is down: they pay, successes earn.
#[derive(Debug)]
pub(crate) struct Budget {
    tokens: AtomicU32,
    capacity: u32,
}

impl Budget {
    pub(crate) fn new(capacity: u32) -> Self {
        Self {
            tokens: AtomicU32::new(capacity),
            capacity,
        }
    }

    /// What is left.
    pub(crate) fn tokens(&self) -> u32 {
        self.tokens.load(Ordering::Relaxed)
    }

    pub(crate) fn capacity(&self) -> u32 {
        self.capacity
    }

    /// Takes the cost of a retry; false if there is not enough.
    pub(crate) fn pay(&self, cost: u32) -> bool {
        self.tokens
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |tokens| {
                tokens.checked_sub(cost)
            })
            .is_ok()
    }

    /// Returns what the last retry cost, or one token after a success at the first attempt.
    pub(crate) fn earn(&self, paid: u32) {
        let capacity = self.capacity;
        let _ = self
            .tokens
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |tokens| {
                Some(tokens.saturating_add(paid.max(1)).min(capacity))
            });
    }
}

#[cfg(test)]
mod tests {
    use kabao_api::{Error, Reason};

    use super::*;
    use crate::testing::{READ, WRITE, WRITE_ABSOLUTE, WRITE_NUMBERED};
    use crate::transport::TransportError;

    const LONG: Duration = Duration::from_secs(60);

    fn failure(certainty: Certainty, repeat: Repeat) -> Failure {
        Failure {
            error: Error::new(Reason::UpstreamUnavailable, "x"),
            certainty,
            repeat,
        }
    }

    fn repeats(sending: Sending, attempt: u32, failure: &Failure, remaining: Duration) -> bool {
        let facts = Facts {
            sending,
            attempt,
            failure,
            remaining,
            jitter: 500,
        };
        matches!(
            decide(&RetrySettings::default(), &facts),
            Decision::Repeat { .. }
        )
    }

    #[test]
    fn the_table_of_what_is_repeated() {
        use Certainty::{MaybeExecuted as Maybe, NotExecuted as Not};
        use Repeat::{Accepted, Never, Once, Throttled, Transient};
        // operation, certainty, repeat, how many attempts are made in all
        let rows: [(Sending, Certainty, Repeat, u32); 19] = [
            (READ, Not, Never, 1),
            (READ, Not, Transient, 3),
            (READ, Maybe, Transient, 3),
            (READ, Not, Throttled, 3),
            (READ, Maybe, Once, 2),
            (WRITE, Not, Never, 1),
            (WRITE, Not, Transient, 3),
            (WRITE, Maybe, Transient, 1),
            (WRITE, Not, Throttled, 3),
            (WRITE, Maybe, Once, 1),
            (WRITE_NUMBERED, Not, Never, 1),
            (WRITE_NUMBERED, Not, Transient, 3),
            (WRITE_NUMBERED, Maybe, Transient, 3),
            (WRITE_NUMBERED, Not, Throttled, 3),
            (WRITE_NUMBERED, Maybe, Once, 2),
            (WRITE_ABSOLUTE, Not, Never, 1),
            (WRITE_ABSOLUTE, Maybe, Transient, 3),
            (WRITE_ABSOLUTE, Maybe, Once, 2),
            (WRITE, Maybe, Accepted, 1),
        ];
        for (sending, certainty, repeat, attempts) in rows {
            let failure = failure(certainty, repeat);
            let made = (1..10).find(|attempt| !repeats(sending, *attempt, &failure, LONG));
            assert_eq!(
                made,
                Some(attempts),
                "{} {certainty:?} {repeat:?}",
                sending.operation.id
            );
        }
    }

    #[test]
    fn what_was_accepted_is_asked_for_again_until_the_deadline() {
        for sending in [READ, WRITE_ABSOLUTE, WRITE_NUMBERED] {
            let accepted = failure(Certainty::MaybeExecuted, Repeat::Accepted);
            assert!(repeats(sending, 30, &accepted, LONG));
            assert!(!repeats(sending, 1, &accepted, Duration::from_millis(500)));
        }
    }

    #[test]
    fn a_deadline_that_is_too_near_ends_it_at_once() {
        let failure = failure(Certainty::NotExecuted, Repeat::Transient);
        // Half of 100 ms of delay and 20 ms for the attempt.
        assert!(!repeats(READ, 1, &failure, Duration::from_millis(70)));
        assert!(repeats(READ, 1, &failure, Duration::from_millis(71)));
    }

    #[test]
    fn a_retry_after_is_the_shortest_delay() {
        let mut failure = failure(Certainty::NotExecuted, Repeat::Throttled);
        failure.error = failure.error.with_retry_after(Duration::from_secs(7));
        let facts = Facts {
            sending: READ,
            attempt: 1,
            failure: &failure,
            remaining: LONG,
            jitter: 1000,
        };
        let settings = RetrySettings::default();
        assert_eq!(
            decide(&settings, &facts),
            Decision::Repeat {
                delay: Duration::from_secs(7),
                cost: 5
            }
        );
        let facts = Facts {
            remaining: Duration::from_secs(7),
            ..facts
        };
        assert_eq!(decide(&settings, &facts), Decision::GiveUp);
    }

    #[test]
    fn delays_double_spread_evenly_and_stop_at_the_cap() {
        let settings = RetrySettings {
            max_attempts: 50,
            ..RetrySettings::default()
        };
        let failure = Failure::transport(TransportError::Timeout);
        let delay = |attempt, jitter| match decide(
            &settings,
            &Facts {
                sending: READ,
                attempt,
                failure: &failure,
                remaining: LONG,
                jitter,
            },
        ) {
            Decision::Repeat { delay, .. } => delay.as_millis(),
            Decision::GiveUp => panic!("gave up"),
        };
        assert_eq!(
            [delay(1, 1000), delay(2, 1000), delay(3, 1000)],
            [100, 200, 400]
        );
        assert_eq!([delay(1, 0), delay(1, 250), delay(1, 5000)], [0, 25, 100]);
        assert_eq!([delay(7, 1000), delay(40, 1000)], [5000, 5000]);
    }

    #[test]
    fn an_empty_budget_stops_retries_until_successes_fill_it() {
        let budget = Budget::new(30);
        assert!(budget.pay(COST) && budget.pay(COST) && !budget.pay(COST));
        for _ in 0..11 {
            assert!(!budget.pay(COST));
            budget.earn(0);
        }
        budget.earn(0);
        assert!(budget.pay(COST));
        budget.earn(1000);
        assert_eq!(budget.tokens.load(Ordering::Relaxed), 30);
    }
}
