//! Operations whose answer is a credential: answered with what the account holds, never by WeChat.
//!
//! A call of WeChat's own operation would hand the credential to anybody who reaches the gateway, and
//! some of them make the one before invalid.

use kabao_api::{
    AccountId, CallContext, Error, FieldViolation, HeldCredential, HeldCredentials, Reason,
};
use kabao_models::Endpoint;
use kabao_models::official_account::AccessToken;
use kabao_models::official_account::stable_token::GetStableToken;
use kabao_models::official_account::ticket::{GetTicket, GetTicketResponse};
use kabao_models::official_account::token::GetToken;
use tonic::async_trait;

/// An operation that is answered from what the account holds.
#[async_trait]
pub(crate) trait HeldEndpoint: Endpoint {
    /// Answers the request.
    async fn held(
        self,
        held: &dyn HeldCredentials,
        context: &CallContext,
    ) -> Result<Self::Answer, Error>;
}

/// The refusal of an account that keeps its credentials to itself.
pub(crate) fn not_exposed(account: &AccountId) -> Error {
    Error::new(
        Reason::CredentialNotExposed,
        format!(
            "account {account} does not say expose_tokens = true, so that its tokens stay inside"
        ),
    )
}

fn seconds(held: &HeldCredential) -> Option<i64> {
    i64::try_from(held.valid_for.as_secs()).ok()
}

async fn access_token(
    held: &dyn HeldCredentials,
    context: &CallContext,
) -> Result<AccessToken, Error> {
    let token = held.access_token(context).await?;
    Ok(AccessToken {
        expires_in: seconds(&token),
        access_token: Some(token.value),
        ..AccessToken::default()
    })
}

#[async_trait]
impl HeldEndpoint for GetToken {
    async fn held(
        self,
        held: &dyn HeldCredentials,
        context: &CallContext,
    ) -> Result<AccessToken, Error> {
        access_token(held, context).await
    }
}

#[async_trait]
impl HeldEndpoint for GetStableToken {
    async fn held(
        self,
        held: &dyn HeldCredentials,
        context: &CallContext,
    ) -> Result<AccessToken, Error> {
        if self.force_refresh == Some(true) {
            return Err(Error::field_invalid([FieldViolation::new(
                "force_refresh",
                "is not taken from callers: it would end the token that other calls use; the gateway renews it by itself",
            )]));
        }
        access_token(held, context).await
    }
}

#[async_trait]
impl HeldEndpoint for GetTicket {
    async fn held(
        self,
        held: &dyn HeldCredentials,
        context: &CallContext,
    ) -> Result<GetTicketResponse, Error> {
        let kind = self
            .r#type
            .ok_or_else(|| Error::field_invalid([FieldViolation::new("type", "is required")]))?;
        let ticket = held.ticket(context, kind).await?;
        Ok(GetTicketResponse {
            errcode: Some(0),
            errmsg: Some("ok".to_owned()),
            expires_in: seconds(&ticket),
            ticket: Some(ticket.value),
            ..GetTicketResponse::default()
        })
    }
}
