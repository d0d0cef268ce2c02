//! Operations whose answer is a credential: answered with what the account holds, never by WeChat.
//!
//! A call of WeChat's own operation would hand the credential to anybody who reaches the gateway, and
//! some of them make the one before invalid.

use kabao_api::{
    AccountId, CallContext, Error, FieldViolation, HeldCredential, HeldCredentials, Reason,
};
use kabao_models::official_account::stable_token::GetStableToken;
use kabao_models::official_account::ticket::{GetTicket, GetTicketResponse};
use kabao_models::official_account::token::GetToken;
use kabao_models::official_account::{AccessToken, TicketType};
use kabao_models::{AnyAnswer, AnyEndpoint};

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

/// Answers a request from what the account holds.
pub(crate) async fn held(
    request: Box<dyn AnyEndpoint>,
    held: &dyn HeldCredentials,
    context: &CallContext,
) -> Result<Box<dyn AnyAnswer>, Error> {
    if request.as_any().is::<GetToken>() {
        return Ok(Box::new(access_token(held, context).await?));
    }
    if let Some(request) = request.as_any().downcast_ref::<GetStableToken>() {
        if request.force_refresh == Some(true) {
            return Err(Error::field_invalid([FieldViolation::new(
                "force_refresh",
                "is not taken from callers: it would end the token that other calls use; the gateway renews it by itself",
            )]));
        }
        return Ok(Box::new(access_token(held, context).await?));
    }
    if let Some(request) = request.as_any().downcast_ref::<GetTicket>() {
        let kind = request.r#type.clone();
        return Ok(Box::new(ticket(kind, held, context).await?));
    }
    Err(Error::new(
        Reason::Internal,
        "no account holds a credential of this kind",
    ))
}

async fn ticket(
    kind: Option<TicketType>,
    held: &dyn HeldCredentials,
    context: &CallContext,
) -> Result<GetTicketResponse, Error> {
    let kind =
        kind.ok_or_else(|| Error::field_invalid([FieldViolation::new("type", "is required")]))?;
    let ticket = held.ticket(context, kind).await?;
    Ok(GetTicketResponse {
        errcode: Some(0),
        errmsg: Some("ok".to_owned()),
        expires_in: seconds(&ticket),
        ticket: Some(ticket.value),
        ..GetTicketResponse::default()
    })
}
