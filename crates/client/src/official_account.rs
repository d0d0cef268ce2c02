//! The official-account family: `api.weixin.qq.com/card/...`.
//!
//! Requests carry an access token, and answers are not signed: TLS with a verified certificate is
//! the only proof that they come from WeChat.

mod account;
mod adjust;
mod creation;
mod list;
mod media;
mod member;
mod membership;
mod page;
mod template;
mod ticket;

use std::sync::Arc;

use kabao_api::{CardSigner, Family, HeldCredentials};
use kabao_models::Secret;

use self::ticket::Tickets;
use crate::client::client_methods;
use crate::clock::Clock;
use crate::configuration::{Common, ConfigurationError, Faults, common_options};
use crate::pipeline::Pipeline;
use crate::pipeline::credentials::Credentials;
use crate::token::{TokenMode, TokenSource};

/// An official account. Clones share connections, token and limits.
#[derive(Clone)]
pub struct OfficialAccount {
    pipeline: Pipeline,
    clock: Arc<dyn Clock>,
    appid: Arc<str>,
    tickets: Arc<Tickets>,
    expose_tokens: bool,
}

impl OfficialAccount {
    pub(crate) const FAMILY: Family = Family::OfficialAccount;

    /// Starts a configuration.
    pub fn builder() -> OfficialAccountBuilder {
        OfficialAccountBuilder {
            appid: String::new(),
            app_secret: Secret::default(),
            token_mode: TokenMode::default(),
            expose_tokens: false,
            common: Common::new("https://api.weixin.qq.com"),
        }
    }

    fn card_signer(&self) -> Option<Arc<dyn CardSigner>> {
        Some(Arc::new(self.clone()))
    }

    fn held_credentials(&self) -> Option<Arc<dyn HeldCredentials>> {
        if self.expose_tokens {
            Some(Arc::new(self.clone()))
        } else {
            None
        }
    }
}

client_methods!(OfficialAccount);

/// The configuration of an [`OfficialAccount`].
#[derive(Clone)]
pub struct OfficialAccountBuilder {
    appid: String,
    app_secret: Secret,
    token_mode: TokenMode,
    expose_tokens: bool,
    common: Common,
}

impl OfficialAccountBuilder {
    /// Sets the AppID of the account.
    #[must_use]
    pub fn appid(mut self, appid: impl Into<String>) -> Self {
        self.appid = appid.into();
        self
    }

    /// Sets the app secret, which fetches tokens.
    #[must_use]
    pub fn app_secret(mut self, app_secret: impl Into<Secret>) -> Self {
        self.app_secret = app_secret.into();
        self
    }

    /// Sets which kind of token is used; stable tokens unless set.
    #[must_use]
    pub fn token_mode(mut self, token_mode: TokenMode) -> Self {
        self.token_mode = token_mode;
        self
    }

    /// Sets whether an [`Account`](kabao_api::Account) made of the client lets its users see the
    /// access token and the tickets that it holds; false unless set.
    #[must_use]
    pub fn expose_tokens(mut self, expose_tokens: bool) -> Self {
        self.expose_tokens = expose_tokens;
        self
    }

    common_options!();

    /// Checks everything; nothing is sent.
    ///
    /// # Errors
    ///
    /// Lists every fault of the configuration at once.
    pub fn build(self) -> Result<OfficialAccount, ConfigurationError> {
        let mut faults = Faults::default();
        let plain = |text: &str| {
            (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if !plain(&self.appid) {
            faults.add("appid", "must be 1 to 64 printable ASCII characters");
        }
        if !plain(self.app_secret.expose()) {
            faults.add("app_secret", "must be 1 to 64 printable ASCII characters");
        }
        match self.common.parts(&mut faults) {
            Some(parts) if faults.is_empty() => {
                let token = TokenSource::new(
                    Arc::clone(&parts.transport),
                    parts.origin,
                    self.appid.clone(),
                    self.app_secret,
                    self.token_mode,
                );
                let credentials = Credentials {
                    token: Some(Arc::new(token)),
                    ..Credentials::default()
                };
                let Common {
                    clock, settings, ..
                } = self.common;
                let pipeline = Pipeline::new(
                    OfficialAccount::FAMILY,
                    credentials,
                    parts.transport,
                    Arc::clone(&clock),
                    settings,
                );
                Ok(OfficialAccount {
                    pipeline,
                    clock,
                    appid: self.appid.into(),
                    tickets: Arc::default(),
                    expose_tokens: self.expose_tokens,
                })
            }
            _ => Err(faults.finish()),
        }
    }
}

#[cfg(test)]
mod tests;
