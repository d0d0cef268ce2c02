//! A credential that WeChat hands out for a while: one holder, one fetch at a time, renewed ahead of
//! its end, with pauses after failures.

use std::time::Duration;

use kabao_api::{Error, Reason};
use kabao_models::Secret;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// A credential is renewed this long before it ends. WeChat hands out the next stable token from five
/// minutes before the end, so asking earlier than that gives the old one again.
const RENEW_BEFORE: Duration = Duration::from_secs(240);
/// The longest pause after failures.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// Keeps one credential.
pub(crate) struct Held {
    /// What it is, for the log.
    what: &'static str,
    /// Held during a fetch, so that there is only one.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    current: Option<Token>,
    generation: u64,
    /// Fetches that failed one after the other.
    failures: u32,
    pause: Option<Pause>,
}

/// Until when nothing is fetched, and why.
struct Pause {
    until: Instant,
    reason: Reason,
    message: String,
    operation: Option<&'static str>,
}

/// A credential and which one it is. `Debug` shows no value.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) value: Secret,
    pub(crate) generation: u64,
    renew_at: Instant,
    ends_at: Instant,
}

/// What a fetch gave.
pub(crate) struct Fetched {
    pub(crate) value: Secret,
    pub(crate) valid_for: Duration,
}

impl Token {
    /// Returns what is left of its life.
    pub(crate) fn valid_for(&self) -> Duration {
        self.ends_at.saturating_duration_since(Instant::now())
    }
}

impl Held {
    pub(crate) fn new(what: &'static str) -> Self {
        Self {
            what,
            state: Mutex::default(),
        }
    }

    /// Tells when the credential that there is will be renewed, without waiting for a fetch that is
    /// under way.
    pub(crate) fn renews_at(&self) -> Option<Instant> {
        let now = Instant::now();
        let state = self.state.try_lock().ok()?;
        let token = state.current.as_ref()?;
        (now < token.renew_at).then_some(token.renew_at)
    }

    /// Returns the credential that there is, without waiting for a fetch that is under way.
    pub(crate) fn look(&self) -> Option<Secret> {
        let state = self.state.try_lock().ok()?;
        state.current.as_ref().map(|token| token.value.clone())
    }

    /// Returns a credential that is good for a while; `fetch` is polled if need be.
    ///
    /// Where renewing fails, the one that is still alive goes on being used. A second failure in a
    /// row is followed by a pause, each further one by a longer one; meanwhile nothing is sent.
    pub(crate) async fn get(
        &self,
        fetch: impl Future<Output = Result<Fetched, Error>>,
    ) -> Result<Token, Error> {
        let mut state = self.state.lock().await;
        let now = Instant::now();
        if let Some(token) = &state.current
            && now < token.renew_at
        {
            return Ok(token.clone());
        }
        if let Some(pause) = state.pause.as_ref().filter(|pause| now < pause.until) {
            return state.living(now).ok_or_else(|| pause.error(now));
        }
        match fetch.await {
            Ok(fetched) => {
                let token = state.keep(fetched);
                tracing::info!(generation = token.generation, "{} fetched", self.what);
                Ok(token)
            }
            Err(error) => {
                let now = Instant::now();
                state.pause_after(&error, now);
                match state.living(now) {
                    Some(token) => {
                        tracing::warn!(
                            reason = error.reason().as_str(),
                            "{} could not be renewed; the present one is still good",
                            self.what
                        );
                        Ok(token)
                    }
                    None => Err(error),
                }
            }
        }
    }

    /// Drops a credential that WeChat refused, unless a newer one is there already; tells whether it
    /// did.
    pub(crate) async fn discard(&self, token: &Token) -> bool {
        let mut state = self.state.lock().await;
        let is_current = state
            .current
            .as_ref()
            .is_some_and(|current| current.generation == token.generation);
        if is_current {
            state.current = None;
        }
        is_current
    }
}

impl State {
    fn living(&self, now: Instant) -> Option<Token> {
        self.current
            .as_ref()
            .filter(|token| now < token.ends_at)
            .cloned()
    }

    fn keep(&mut self, fetched: Fetched) -> Token {
        self.failures = 0;
        self.pause = None;
        self.generation += 1;
        // Never later than after three quarters, should WeChat give shorter lives than documented.
        let margin = RENEW_BEFORE.min(fetched.valid_for / 4);
        let now = Instant::now();
        let token = Token {
            value: fetched.value,
            generation: self.generation,
            renew_at: now + fetched.valid_for.saturating_sub(margin),
            ends_at: now + fetched.valid_for,
        };
        self.current = Some(token.clone());
        token
    }

    /// The first failure may be repeated at once, unless there is something to use meanwhile.
    fn pause_after(&mut self, error: &Error, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        let free = u32::from(self.living(now).is_none());
        let length = match self.failures.checked_sub(1 + free) {
            None => Duration::ZERO,
            Some(doublings) => Duration::from_secs(1 << doublings.min(6)).min(MAX_PAUSE),
        };
        self.pause = Some(Pause {
            until: now + length,
            reason: error.reason(),
            message: error.message().to_owned(),
            operation: error.operation(),
        });
    }
}

impl Pause {
    fn error(&self, now: Instant) -> Error {
        let left = self.until.saturating_duration_since(now);
        let error = Error::new(
            self.reason,
            format!("{} (a moment ago; not tried again yet)", self.message),
        )
        .with_retry_after(left);
        match self.operation {
            Some(operation) => error.with_operation(operation),
            None => error,
        }
    }
}

#[cfg(test)]
mod tests;
