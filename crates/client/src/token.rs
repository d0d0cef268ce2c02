//! Access tokens of official accounts: one holder per account, one fetch at a time.

mod fetch;

use std::sync::Arc;
use std::time::Duration;

use kabao_api::{AccessTokenState, Error};
use kabao_models::Secret;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::origin::Origin;
use crate::transport::Transport;

/// A token is renewed this long before it ends. WeChat hands out the next stable token from five
/// minutes before the end, so asking earlier than that gives the old one again.
const RENEW_BEFORE: Duration = Duration::from_secs(240);
/// WeChat ignores forced refreshes that follow within 30 seconds, and allows 20 a day.
const FORCE_INTERVAL: Duration = Duration::from_secs(60);

/// Which of WeChat's two isolated kinds of token an account uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenMode {
    /// `POST /cgi-bin/stable_token`: every holder gets the same token; several processes may share an account.
    #[default]
    Stable,
    /// `GET /cgi-bin/token`: each fetch makes the previous token end within five minutes; for a single holder.
    Plain,
}

/// Fetches, keeps and renews the token of one account.
pub(crate) struct TokenSource {
    transport: Arc<dyn Transport>,
    origin: Origin,
    appid: String,
    secret: Secret,
    mode: TokenMode,
    /// Held during a fetch, so that there is only one.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    current: Option<Token>,
    generation: u64,
    /// The value that WeChat refused last, so that a fetch that gives it again is recognised.
    refused: Option<Secret>,
    forced: Option<Instant>,
}

/// A token and which one it is. `Debug` shows no value.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) value: Secret,
    pub(crate) generation: u64,
    renew_at: Instant,
}

/// What a fetch gave.
struct Fetched {
    value: Secret,
    valid_for: Duration,
}

impl TokenSource {
    pub(crate) fn new(
        transport: Arc<dyn Transport>,
        origin: Origin,
        appid: String,
        secret: Secret,
        mode: TokenMode,
    ) -> Self {
        Self {
            transport,
            origin,
            appid,
            secret,
            mode,
            state: Mutex::default(),
        }
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(crate) fn appid(&self) -> &str {
        &self.appid
    }

    /// Returns the app secret, for the operations whose parameters are the credentials.
    pub(crate) fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Tells whether there is a token, without waiting for a fetch that is under way.
    pub(crate) fn look(&self) -> AccessTokenState {
        let now = Instant::now();
        let renew_at = self.state.try_lock().ok().and_then(|state| {
            let token = state.current.as_ref()?;
            (now < token.renew_at).then_some(token.renew_at)
        });
        AccessTokenState {
            held: renew_at.is_some(),
            renews_in: renew_at.map(|renew_at| renew_at.saturating_duration_since(now)),
        }
    }

    /// Returns a token that is good for a while, fetching one if need be.
    pub(crate) async fn token(&self) -> Result<Token, Error> {
        let mut state = self.state.lock().await;
        if let Some(token) = &state.current
            && Instant::now() < token.renew_at
        {
            return Ok(token.clone());
        }
        let mut fetched = self.fetch(false).await?;
        let again = state.refused.as_ref() == Some(&fetched.value);
        let rested = state
            .forced
            .is_none_or(|forced| forced.elapsed() >= FORCE_INTERVAL);
        if again && rested && self.mode == TokenMode::Stable {
            // WeChat refuses the token and still hands it out: only a forced refresh helps.
            state.forced = Some(Instant::now());
            fetched = self.fetch(true).await?;
        }
        state.generation += 1;
        // Never later than after three quarters, should WeChat give shorter lives than documented.
        let margin = RENEW_BEFORE.min(fetched.valid_for / 4);
        let token = Token {
            value: fetched.value,
            generation: state.generation,
            renew_at: Instant::now() + fetched.valid_for.saturating_sub(margin),
        };
        state.current = Some(token.clone());
        tracing::info!(generation = token.generation, "access token fetched");
        Ok(token)
    }

    /// Drops a token that WeChat refused, unless a newer one is there already.
    pub(crate) async fn refused(&self, token: &Token) {
        let mut state = self.state.lock().await;
        if state
            .current
            .as_ref()
            .is_some_and(|current| current.generation == token.generation)
        {
            state.current = None;
            state.refused = Some(token.value.clone());
        }
    }
}

#[cfg(test)]
mod tests;
