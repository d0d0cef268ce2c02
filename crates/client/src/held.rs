//! A credential that WeChat hands out for a while: one holder, one fetch at a time, renewed ahead of
//! its end without anybody waiting for it, with pauses after failures.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use kabao_api::{Error, Reason};
use kabao_models::Secret;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::errand::{Done, Errand};
use crate::pause::Pauses;
use crate::vitals::TokenVitals;

/// A credential is renewed this long before it ends. WeChat hands out the next stable token from five
/// minutes before the end, so asking earlier than that gives the old one again.
const RENEW_BEFORE: Duration = Duration::from_secs(240);

/// Those who share one renew it at different moments: the first one fetches, and the others find what it has fetched.
const SPREAD: Duration = Duration::from_secs(60);

/// One that is refused sooner after it was fetched, and was never taken, was never good.
const FRESH: Duration = Duration::from_secs(60);

/// Keeps one credential.
pub(crate) struct Held {
    /// What it is, for the log.
    what: &'static str,
    /// How long before its end it is renewed at the earliest.
    margin: Duration,
    /// Held by who waits for a fetch.
    state: Mutex<State>,
    /// Fetches that failed.
    failures: AtomicU64,
}

#[derive(Default)]
struct State {
    current: Option<Token>,
    generation: u64,
    fetch: Errand<Result<Fetched, Error>>,
    pauses: Pauses,
    /// How many in a row were refused fresh.
    refused_fresh: u32,
}

/// A credential and which one it is. `Debug` shows no value.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) value: Secret,
    pub(crate) generation: u64,
    fetched_at: Instant,
    renew_at: Instant,
    ends_at: Instant,
    /// Whether WeChat has taken it.
    has_worked: Arc<AtomicBool>,
}

/// What a fetch gave.
pub(crate) struct Fetched {
    pub(crate) value: Secret,
    /// How long it lives, from when WeChat gave it.
    pub(crate) lifetime: Duration,
    /// How long ago that was, if somebody else has fetched it.
    pub(crate) age: Duration,
}

impl Fetched {
    /// What WeChat has just given.
    pub(crate) fn now(value: Secret, lifetime: Duration) -> Self {
        let age = Duration::ZERO;
        Self {
            value,
            lifetime,
            age,
        }
    }
}

impl Token {
    /// Notes that WeChat took it.
    pub(crate) fn worked(&self) {
        if !self.has_worked.load(Ordering::Relaxed) {
            self.has_worked.store(true, Ordering::Relaxed);
        }
    }

    /// Returns what is left of its life.
    pub(crate) fn valid_for(&self) -> Duration {
        self.ends_at.saturating_duration_since(Instant::now())
    }
}

impl Held {
    pub(crate) fn new(what: &'static str) -> Self {
        Self::spread(what, 0)
    }

    /// The same for what processes share: `jitter`, 0 to 1000, is how much later than others this one renews it.
    pub(crate) fn spread(what: &'static str, jitter: u32) -> Self {
        Self {
            what,
            margin: RENEW_BEFORE - SPREAD * jitter.min(1000) / 1000,
            state: Mutex::default(),
            failures: AtomicU64::new(0),
        }
    }

    /// Returns how long before its end something of this life is renewed: never later than after three quarters, should
    /// WeChat give shorter lives than documented.
    pub(crate) fn margin(&self, lifetime: Duration) -> Duration {
        self.margin.min(lifetime / 4)
    }

    /// Tells when the credential that there is will be renewed, without waiting for a fetch that is
    /// under way.
    pub(crate) fn renews_at(&self) -> Option<Instant> {
        let now = Instant::now();
        let state = self.state.try_lock().ok()?;
        let token = state.current.as_ref()?;
        (now < token.renew_at).then_some(token.renew_at)
    }

    /// Tells how old the credential that there is has become, without waiting for a fetch that is under way.
    pub(crate) fn vitals(&self) -> Option<TokenVitals> {
        let state = self.state.try_lock().ok()?;
        let token = state.current.as_ref()?;
        Some(TokenVitals {
            age: token.fetched_at.elapsed(),
            ends_in: token.valid_for(),
        })
    }

    /// How many fetches have failed.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Returns the credential that there is, without waiting for a fetch that is under way.
    pub(crate) fn look(&self) -> Option<Secret> {
        let state = self.state.try_lock().ok()?;
        state.current.as_ref().map(|token| token.value.clone())
    }

    /// Returns a credential that is good for a while; `fetch` is started if need be, and runs to its end
    /// whoever waits for it.
    ///
    /// While the present one is alive, nobody waits for the next one, and a failure to renew it harms
    /// nobody. After a failure nothing is fetched during a pause, which grows from failure to failure:
    /// whoever needs a credential then is told the failure again at once.
    pub(crate) async fn get<F>(&self, fetch: impl FnOnce() -> F) -> Result<Token, Error>
    where
        F: Future<Output = Result<Fetched, Error>> + Send + 'static,
    {
        let mut state = self.state.lock().await;
        if state.fetch.is_done() {
            // A failure is told by the pause, if that still lasts.
            let _ = self.settle(&mut state).await;
        }
        let now = Instant::now();
        if let Some(token) = &state.current
            && now < token.renew_at
        {
            return Ok(token.clone());
        }
        let living = state.living(now);
        if let Some(refusal) = state.pauses.refusal(now) {
            return living.ok_or(refusal);
        }
        state.fetch.start(fetch);
        match living {
            Some(token) => Ok(token),
            None => self.settle(&mut state).await,
        }
    }

    /// Waits for the end of the fetch and draws the conclusions.
    async fn settle(&self, state: &mut State) -> Result<Token, Error> {
        let Some(Done { result, at }) = state.fetch.join().await else {
            let message = format!("no {} could be fetched: the process ends", self.what);
            return Err(Error::new(Reason::Internal, message));
        };
        match result {
            Ok(fetched) => {
                let margin = self.margin(fetched.lifetime);
                let is_new = fetched.age.is_zero();
                let token = state.keep(fetched, margin, at);
                match is_new {
                    true => tracing::info!(generation = token.generation, "{} fetched", self.what),
                    false => tracing::info!(
                        generation = token.generation,
                        "{} taken over from the store",
                        self.what
                    ),
                }
                Ok(token)
            }
            Err(error) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(
                    reason = error.reason().as_str(),
                    present_one_is_good = state.living(at).is_some(),
                    "{} could not be fetched",
                    self.what
                );
                Err(state.pauses.failed(error, at))
            }
        }
    }

    /// Drops a credential that WeChat refused, unless a newer one is there already; tells whether it
    /// did. Where WeChat refuses one fresh credential after the other, the next is fetched after a pause.
    pub(crate) async fn discard(&self, token: &Token) -> bool {
        let mut state = self.state.lock().await;
        let is_current = state
            .current
            .as_ref()
            .is_some_and(|current| current.generation == token.generation);
        if is_current {
            state.current = None;
            let now = Instant::now();
            let has_worked = token.has_worked.load(Ordering::Relaxed);
            if !has_worked && now.duration_since(token.fetched_at) < FRESH {
                state.refused_fresh = state.refused_fresh.saturating_add(1);
            } else {
                state.refused_fresh = 0;
                state.pauses.succeeded();
            }
            if state.refused_fresh > 1 {
                let message = format!("WeChat refuses every {} that it gives", self.what);
                let refused = Error::new(Reason::CredentialRejected, message);
                let _ = state.pauses.failed(refused, now);
            }
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

    fn keep(&mut self, fetched: Fetched, margin: Duration, at: Instant) -> Token {
        // The one before was not refused.
        if self.current.is_some() {
            self.refused_fresh = 0;
        }
        if self.refused_fresh < 2 {
            self.pauses.succeeded();
        }
        self.generation += 1;
        let left = fetched.lifetime.saturating_sub(fetched.age);
        let token = Token {
            value: fetched.value,
            generation: self.generation,
            fetched_at: at.checked_sub(fetched.age).unwrap_or(at),
            renew_at: at + left.saturating_sub(margin),
            ends_at: at + left,
            has_worked: Arc::default(),
        };
        self.current = Some(token.clone());
        token
    }
}

#[cfg(test)]
mod tests;
