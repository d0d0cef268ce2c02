//! What the client of an official account is made of.

use std::sync::Arc;

use kabao_models::Secret;

use super::{Common, DefaultUrls, common_options};
use crate::backend::official_account::OfficialAccount;
use crate::client::Client;
use crate::faults::{ConfigurationError, Faults};
use crate::pipeline::credentials::Credentials;
use crate::token::{TokenMode, TokenSource};

/// The configuration of an official account.
#[derive(Clone)]
pub struct OfficialAccountBuilder {
    appid: String,
    app_secret: Secret,
    token_mode: TokenMode,
    expose_tokens: bool,
    common: Common,
}

impl OfficialAccountBuilder {
    pub(super) fn new(account: String) -> Self {
        Self {
            appid: String::new(),
            app_secret: Secret::default(),
            token_mode: TokenMode::default(),
            expose_tokens: false,
            common: Common::new(account, DefaultUrls::OFFICIAL_ACCOUNT),
        }
    }

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
    pub fn build(self) -> Result<Client, ConfigurationError> {
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
                    parts.hosts.clone(),
                    self.common.route(&parts),
                    self.appid.clone(),
                    self.app_secret,
                    self.token_mode,
                    Arc::clone(&self.common.clock),
                );
                let credentials = Credentials {
                    token: Some(Arc::new(token)),
                    ..Credentials::default()
                };
                let pipeline = self
                    .common
                    .pipeline(OfficialAccount::FAMILY, credentials, parts);
                let decorator = self.common.decorator.as_ref();
                let (appid, expose_tokens) = (self.appid, self.expose_tokens);
                Ok(Client::compose(pipeline, decorator, move |ground| {
                    OfficialAccount::new(ground, appid.clone(), expose_tokens)
                }))
            }
            _ => Err(faults.finish()),
        }
    }
}
