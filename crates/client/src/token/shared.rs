//! One fetch for all who share a store.
//!
//! Whoever needs a token looks into the store first, and fetches only under the right to do so, so that of all processes
//! one asks WeChat. A token that is kept in memory is never looked up: the store is asked where WeChat would be.
//!
//! Without the store every process goes on with what it has, and fetches for itself at its end. For stable tokens that
//! is harmless, since WeChat gives all of them the same one. With the plain kind each fetch ends the token of the others
//! within five minutes: they learn it from a refusal, and fetch again.

use std::time::Duration;

use kabao_api::Error;
use kabao_models::Secret;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use super::{TokenMode, TokenSource};
use crate::held::Fetched;
use crate::origin::Origin;
use crate::shelf::Kept;

/// So long somebody else may take for a fetch. After that this process fetches as well.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often the store is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(200);

/// A token as it lies in the store.
#[derive(Serialize, Deserialize)]
struct KeptToken {
    value: String,
    /// In Unix seconds, by the clock of the process that fetched it.
    fetched_at: i64,
    /// In seconds.
    lifetime: u64,
}

impl Kept for KeptToken {
    const VERSION: u32 = 1;
}

/// The name under which processes share the token: that of what WeChat issues it to.
pub(super) fn place(host: &Origin, appid: &str, mode: TokenMode) -> String {
    let mode = match mode {
        TokenMode::Stable => "stable",
        TokenMode::Plain => "plain",
    };
    format!("access_token/{mode}/{}/{appid}", host.name())
}

impl TokenSource {
    /// Finds a token that somebody else has fetched, or fetches one for all.
    pub(super) async fn fetch_shared(&self) -> Result<Fetched, Error> {
        if !self.shelf.is_used() {
            return self.fetch_usable().await;
        }
        let until = Instant::now() + PATIENCE;
        loop {
            match self.find().await {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => {}
                Err(_) => return self.fetch_usable().await,
            }
            match self.shelf.acquire().await {
                Ok(Some(right)) => {
                    // Whoever had the right before may have fetched since the last look.
                    if let Ok(Some(found)) = self.find().await {
                        return Ok(found);
                    }
                    let fetched = self.fetch_usable().await?;
                    self.recovery.lock().await.seen = right.fence();
                    right.keep(KeptToken {
                        value: fetched.value.expose().to_owned(),
                        fetched_at: self.clock.unix_seconds(),
                        lifetime: fetched.lifetime.as_secs(),
                    });
                    return Ok(fetched);
                }
                Ok(None) if Instant::now() < until => sleep(LOOK).await,
                Ok(None) => {
                    tracing::warn!(
                        "another process has the right to fetch the access token and does not: this one fetches it"
                    );
                    return self.fetch_usable().await;
                }
                Err(_) => return self.fetch_usable().await,
            }
        }
    }

    /// Returns the token of the store, unless it is to be renewed, or is not newer than one that WeChat has refused.
    async fn find(&self) -> Result<Option<Fetched>, Error> {
        let Some((kept, fence)) = self.shelf.find::<KeptToken>().await? else {
            return Ok(None);
        };
        let mut recovery = self.recovery.lock().await;
        let value = Secret::new(kept.value);
        if fence <= recovery.floor || recovery.refused.as_ref() == Some(&value) {
            return Ok(None);
        }
        // A clock that is behind makes it look younger, never older than it can be.
        let age = self.clock.unix_seconds().saturating_sub(kept.fetched_at);
        let age = Duration::from_secs(u64::try_from(age).unwrap_or_default());
        let lifetime = Duration::from_secs(kept.lifetime);
        let is_good = age + self.held.margin(lifetime) < lifetime;
        if is_good {
            recovery.seen = fence;
        }
        Ok(is_good.then_some(Fetched {
            value,
            lifetime,
            age,
        }))
    }
}

#[cfg(test)]
mod tests;
