//! The tickets of an account, and its access token, for those who may see them.

use std::time::Duration;

use async_trait::async_trait;
use kabao_api::{CallContext, Error, HeldCredential, HeldCredentials, Reason};
use kabao_models::Endpoint;
use kabao_models::official_account::TicketType;
use kabao_models::official_account::ticket::GetTicket;
use tokio::time::timeout_at;

use super::OfficialAccount;
use crate::backend::Ground;
use crate::bounds::Bounds;
use crate::held::{Fetched, Held, Token};

/// One ticket of each kind.
pub(super) struct Tickets {
    cards: Held,
    pages: Held,
}

impl Default for Tickets {
    fn default() -> Self {
        Self {
            cards: Held::new("ticket of cards"),
            pages: Held::new("ticket of pages"),
        }
    }
}

impl OfficialAccount {
    /// Returns the ticket of a kind, fetching one if need be: WeChat allows few calls for it.
    pub(super) async fn held_ticket(
        &self,
        context: &CallContext,
        kind: TicketType,
    ) -> Result<Token, Error> {
        let held = match &kind {
            TicketType::WxCard => &self.tickets.cards,
            TicketType::Jsapi => &self.tickets.pages,
            _ => {
                return Err(Error::field_invalid([kabao_api::FieldViolation::new(
                    "type",
                    "must be one of wx_card, jsapi",
                )]));
            }
        };
        let bounds = Bounds::open(context, self.ground.call_timeout);
        // Who asks first may leave before the others.
        let own = CallContext::new(context.account.clone(), context.call_id.clone());
        let ground = self.ground.clone();
        let got = held.get(move || async move { fetch_ticket(&ground, &own, kind).await });
        match timeout_at(bounds.deadline, got).await {
            Ok(token) => token,
            Err(_) => Err(bounds
                .timed_out("while the ticket was fetched")
                .with_operation(GetTicket::OPERATION.id)),
        }
    }
}

async fn fetch_ticket(
    ground: &Ground,
    context: &CallContext,
    kind: TicketType,
) -> Result<Fetched, Error> {
    let answer = ground.call(context, GetTicket::new(kind)).await?;
    let seconds = answer
        .expires_in
        .and_then(|seconds| u64::try_from(seconds).ok());
    match (answer.ticket.filter(|value| !value.is_empty()), seconds) {
        (Some(value), Some(seconds)) => Ok(Fetched::now(value, Duration::from_secs(seconds))),
        _ => Err(Error::new(
            Reason::UpstreamMalformed,
            "the answer to the request for a ticket is not as documented",
        )
        .with_operation(GetTicket::OPERATION.id)),
    }
}

fn shown(token: Token) -> HeldCredential {
    HeldCredential {
        valid_for: token.valid_for(),
        value: token.value,
    }
}

#[async_trait]
impl HeldCredentials for OfficialAccount {
    async fn access_token(&self, _: &CallContext) -> Result<HeldCredential, Error> {
        match &self.ground.credentials.token {
            Some(token) => token.token().await.map(shown),
            None => Err(Error::new(
                Reason::CredentialMissing,
                "the account has no app secret",
            )),
        }
    }

    async fn ticket(
        &self,
        context: &CallContext,
        kind: TicketType,
    ) -> Result<HeldCredential, Error> {
        self.held_ticket(context, kind).await.map(shown)
    }
}
