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

use kabao_api::{CardSigner, Family, HeldCredentials, Method, Support};
use kabao_models::Secret;

use self::ticket::Tickets;
use crate::backend::{Backend, Ground};
use crate::client::Client;
use crate::configuration::{Common, DefaultUrls, common_options};
use crate::decorator::Decorator;
use crate::faults::{ConfigurationError, Faults};
use crate::pipeline::Pipeline;
use crate::pipeline::credentials::Credentials;
use crate::token::{TokenMode, TokenSource};

/// The portable API of an official account.
struct OfficialAccount {
    ground: Ground,
    appid: String,
    tickets: Tickets,
    expose_tokens: bool,
}

impl OfficialAccount {
    const FAMILY: Family = Family::OfficialAccount;

    /// What the family does of a method, if not all.
    fn support(&self, method: Method) -> Option<&'static Support> {
        Support::of(Self::FAMILY, method)
    }
}

impl Backend for OfficialAccount {
    fn party(&self) -> String {
        format!("official account {}", self.appid)
    }

    fn card_signer(self: Arc<Self>) -> Option<Arc<dyn CardSigner>> {
        Some(self)
    }

    fn held_credentials(self: Arc<Self>) -> Option<Arc<dyn HeldCredentials>> {
        match self.expose_tokens {
            true => Some(self),
            false => None,
        }
    }
}

/// Puts a client together.
pub(crate) fn client(
    pipeline: Pipeline,
    decorator: &dyn Decorator,
    appid: String,
    expose_tokens: bool,
) -> Client {
    Client::compose(pipeline, decorator, move |ground| OfficialAccount {
        ground,
        appid: appid.clone(),
        tickets: Tickets::default(),
        expose_tokens,
    })
}

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
    pub(crate) fn new(account: String) -> Self {
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
                Ok(client(pipeline, decorator, self.appid, self.expose_tokens))
            }
            _ => Err(faults.finish()),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
