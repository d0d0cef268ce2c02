//! Access tokens of official accounts: how they are fetched, and what is done when one is refused.

mod fetch;
mod shared;

use std::sync::Arc;
use std::time::Duration;

use kabao_api::{AccessTokenState, Error};
use kabao_models::Secret;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::health::Health;
use crate::held::{Fetched, Held};
use crate::origin::Hosts;
use crate::route::Route;
use crate::shelf::Shelf;
use crate::transport::Transport;
use crate::vitals::TokenVitals;

pub(crate) use crate::held::Token;

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
    hosts: Hosts,
    route: Route,
    appid: String,
    secret: Secret,
    mode: TokenMode,
    clock: Arc<dyn Clock>,
    held: Held,
    /// Where it is kept for restarts and other processes.
    shelf: Shelf,
    /// Locked during a fetch and after a refusal only.
    recovery: Mutex<Recovery>,
    health: Health,
}

/// What is remembered of tokens that WeChat refused.
#[derive(Default)]
struct Recovery {
    /// The value that WeChat refused last, so that a fetch that gives it again is recognised.
    refused: Option<Secret>,
    forced: Option<Instant>,
    /// The fence of the newest token of the store that was taken from there or fetched for it.
    seen: i64,
    /// What lies in the store under this fence or an earlier one is not newer than what WeChat has refused.
    floor: i64,
}

impl TokenSource {
    pub(crate) fn new(
        transport: Arc<dyn Transport>,
        hosts: Hosts,
        route: Route,
        appid: String,
        secret: Secret,
        mode: TokenMode,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let shelf = shared::place(&hosts.main, &appid, mode);
        let held = Held::spread("access token", clock.jitter());
        Self {
            transport,
            hosts,
            route,
            appid,
            secret,
            mode,
            clock,
            held,
            shelf: Shelf::new(shelf),
            recovery: Mutex::default(),
            health: Health::default(),
        }
    }

    /// Where the token is kept beyond this process.
    pub(crate) fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    /// The way of the calls that carry the token. Fetches of the token itself have their own pauses.
    pub(crate) fn route(&self) -> &Route {
        &self.route
    }

    pub(crate) fn appid(&self) -> &str {
        &self.appid
    }

    /// Returns what no error may quote: the secret, and the tokens unless a fetch is under way.
    pub(crate) fn private_values(&self) -> Vec<String> {
        let mut values = vec![self.secret.expose().to_owned()];
        values.extend(self.held.look().map(Secret::into_exposed));
        if let Ok(recovery) = self.recovery.try_lock() {
            let refused = recovery.refused.iter();
            values.extend(refused.map(|token| token.expose().to_owned()));
        }
        values
    }

    pub(crate) fn health(&self) -> &Health {
        &self.health
    }

    /// Returns the app secret, for the operations whose parameters are the credentials.
    pub(crate) fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Tells whether there is a token, without waiting for a fetch that is under way.
    pub(crate) fn look(&self) -> AccessTokenState {
        let renew_at = self.held.renews_at();
        AccessTokenState {
            held: renew_at.is_some(),
            renews_in: renew_at.map(|renew_at| renew_at.saturating_duration_since(Instant::now())),
        }
    }

    /// Tells how old the token is, without waiting for a fetch that is under way.
    pub(crate) fn vitals(&self) -> Option<TokenVitals> {
        self.held.vitals()
    }

    /// How many fetches have failed.
    pub(crate) fn failures(&self) -> u64 {
        self.held.failures()
    }

    /// Returns a token that is good for a while, fetching one if need be.
    pub(crate) async fn token(self: &Arc<Self>) -> Result<Token, Error> {
        let source = Arc::clone(self);
        self.held
            .get(move || async move { source.fetch_shared().await })
            .await
    }

    /// Fetches a token that WeChat has not just refused.
    async fn fetch_usable(&self) -> Result<Fetched, Error> {
        let fetched = self.fetch(false).await?;
        let mut recovery = self.recovery.lock().await;
        let again = recovery.refused.as_ref() == Some(&fetched.value);
        let rested = recovery
            .forced
            .is_none_or(|forced| forced.elapsed() >= FORCE_INTERVAL);
        if !(again && rested && self.mode == TokenMode::Stable) {
            return Ok(fetched);
        }
        // WeChat refuses the token and still hands it out: only a forced refresh helps.
        recovery.forced = Some(Instant::now());
        self.fetch(true).await
    }

    /// Drops a token that WeChat refused, unless a newer one is there already.
    pub(crate) async fn refused(&self, token: &Token) {
        if self.held.discard(token).await {
            let mut recovery = self.recovery.lock().await;
            recovery.refused = Some(token.value.clone());
            recovery.floor = recovery.seen;
        }
    }
}

#[cfg(test)]
mod tests;
