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

use self::ticket::Tickets;
use crate::backend::{Backend, Ground};

/// The portable API of an official account.
pub(crate) struct OfficialAccount {
    ground: Ground,
    appid: String,
    tickets: Tickets,
    expose_tokens: bool,
}

impl OfficialAccount {
    pub(crate) const FAMILY: Family = Family::OfficialAccount;

    pub(crate) fn new(ground: Ground, appid: String, expose_tokens: bool) -> Self {
        Self {
            ground,
            appid,
            tickets: Tickets::default(),
            expose_tokens,
        }
    }

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

#[cfg(test)]
pub(crate) mod tests;
