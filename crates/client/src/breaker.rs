//! When a host is left alone because it does not work: a plain value, with time as an argument.
//!
//! The circuit breaker of M. Nygard ("Release It!", 2007), with the consecutive failures of Envoy's
//! outlier detection and a failure rate beside them, and linkerd's growing pauses with jitter.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::settings::BreakerSettings;
use crate::vitals::BreakerState;

/// The rate is counted by portions of the window, so that it moves.
const PORTIONS: u32 = 10;

/// Lets attempts pass, or none, or one at a time.
#[derive(Debug)]
pub(crate) struct Breaker {
    settings: BreakerSettings,
    state: State,
    /// Counts the changes of state, so that what passed before one says nothing after it.
    era: u64,
    /// The length of the last pause of a row, without its jitter.
    pause: Duration,
}

#[derive(Debug)]
enum State {
    Closed(Counts),
    Open { until: Instant },
    Probing,
}

/// What there was in a row and within the window.
#[derive(Debug, Default)]
struct Counts {
    in_a_row: u32,
    portions: VecDeque<Portion>,
}

#[derive(Debug)]
struct Portion {
    begun: Instant,
    good: u32,
    bad: u32,
}

/// The right to one attempt.
#[derive(Debug)]
pub(crate) struct Pass {
    era: u64,
    pub(crate) is_probe: bool,
}

/// What an attempt showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The host answered, if only with a refusal.
    Good,
    /// The host could not be reached, gave no answer, one of 5xx, or one that nobody signed.
    Bad,
    /// Nothing: it was not sent, or broken off too early.
    Nothing,
}

/// A change that is worth a line in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Opened,
    Closed,
}

/// Whether the attempt may be the one that finds out whether the host works again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Probe {
    May,
    MayNot,
}

impl Breaker {
    pub(crate) fn new(settings: BreakerSettings) -> Self {
        Self {
            settings,
            state: State::Closed(Counts::default()),
            era: 0,
            pause: Duration::ZERO,
        }
    }

    /// Tells whether attempts pass. A pause that is over lets one pass.
    pub(crate) fn state(&self, now: Instant) -> BreakerState {
        match self.state {
            State::Closed(_) => BreakerState::Closed,
            State::Open { until } if now < until => BreakerState::Open,
            State::Open { .. } | State::Probing => BreakerState::HalfOpen,
        }
    }

    /// Returns how long nothing is sent for now, unless an attempt may pass.
    pub(crate) fn refusal(&self, now: Instant) -> Option<Duration> {
        match self.state {
            State::Closed(_) => None,
            State::Open { until } if until <= now => None,
            State::Open { until } => Some(until - now),
            // Until then the probe has an answer, as a rule.
            State::Probing => Some(self.settings.first_pause),
        }
    }

    /// Lets an attempt pass, or says how long none does.
    pub(crate) fn ask(&mut self, now: Instant, probe: Probe) -> Result<Pass, Duration> {
        if let Some(pause) = self.refusal(now) {
            return Err(pause);
        }
        let is_probe = matches!(self.state, State::Open { .. });
        if is_probe {
            if probe == Probe::MayNot {
                return Err(self.settings.first_pause);
            }
            self.enter(State::Probing);
        }
        Ok(Pass {
            era: self.era,
            is_probe,
        })
    }

    /// Takes note of what an attempt showed; `jitter` is 0 to 1000.
    pub(crate) fn report(
        &mut self,
        pass: &Pass,
        outcome: Outcome,
        now: Instant,
        jitter: u32,
    ) -> Option<Change> {
        if pass.era != self.era {
            return None;
        }
        match (&mut self.state, outcome) {
            (State::Closed(_), Outcome::Nothing) | (State::Open { .. }, _) => None,
            (State::Closed(counts), Outcome::Good) => {
                counts.in_a_row = 0;
                counts.add(now, &self.settings, outcome);
                None
            }
            (State::Closed(counts), Outcome::Bad) => {
                counts.in_a_row += 1;
                counts.add(now, &self.settings, outcome);
                counts
                    .are_too_bad(&self.settings)
                    .then(|| self.open(now, jitter))
            }
            (State::Probing, Outcome::Good) => {
                self.pause = Duration::ZERO;
                self.enter(State::Closed(Counts::default()));
                Some(Change::Closed)
            }
            (State::Probing, Outcome::Bad) => Some(self.open(now, jitter)),
            // The next one may probe.
            (State::Probing, Outcome::Nothing) => {
                self.enter(State::Open { until: now });
                None
            }
        }
    }

    /// Leaves the host alone from now on, because another one is better.
    pub(crate) fn trip(&mut self, now: Instant, jitter: u32) -> Option<Change> {
        match self.state {
            State::Closed(_) => Some(self.open(now, jitter)),
            State::Open { .. } | State::Probing => None,
        }
    }

    fn open(&mut self, now: Instant, jitter: u32) -> Change {
        let BreakerSettings {
            first_pause,
            max_pause,
            ..
        } = self.settings;
        self.pause = self
            .pause
            .saturating_mul(2)
            .clamp(first_pause.min(max_pause), max_pause);
        // A quarter of spread, so that replicas do not probe together.
        let until = now + self.pause + self.pause * jitter.min(1000) / 4000;
        self.enter(State::Open { until });
        Change::Opened
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.era += 1;
    }
}

impl Counts {
    fn add(&mut self, now: Instant, settings: &BreakerSettings, outcome: Outcome) {
        let length = settings.window / PORTIONS;
        while self
            .portions
            .front()
            .is_some_and(|oldest| now.duration_since(oldest.begun) >= settings.window)
        {
            self.portions.pop_front();
        }
        let is_current = |portion: &&mut Portion| now.duration_since(portion.begun) < length;
        if self.portions.back_mut().filter(is_current).is_none() {
            self.portions.push_back(Portion {
                begun: now,
                good: 0,
                bad: 0,
            });
        }
        if let Some(portion) = self.portions.back_mut() {
            match outcome {
                Outcome::Bad => portion.bad += 1,
                _ => portion.good += 1,
            }
        }
    }

    fn are_too_bad(&self, settings: &BreakerSettings) -> bool {
        let (good, bad) = self.portions.iter().fold((0, 0), |(good, bad), portion| {
            (good + portion.good, bad + portion.bad)
        });
        self.in_a_row >= settings.failures_in_a_row
            || (good + bad >= settings.min_calls && bad >= good)
    }
}

#[cfg(test)]
mod tests;
