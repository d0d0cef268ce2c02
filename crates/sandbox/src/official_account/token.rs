//! The operations that issue access tokens and tickets.

use kabao_models::Secret;
use kabao_models::official_account::AccessToken;
use kabao_models::official_account::stable_token::GetStableToken;
use kabao_models::official_account::ticket::{GetTicket, GetTicketResponse};
use kabao_models::official_account::token::GetToken;

use super::card::OK;
use super::tokens::Issued;
use super::{Context, Refused, Tokens};
use crate::serve::{Call, Serve};

impl Serve for GetToken {
    type Core = Tokens;

    fn serve(self, tokens: &mut Tokens, call: &Call) -> Result<AccessToken, Refused> {
        let context = Context::of(call);
        tokens
            .issue(context.appid, context.now, context.rules)
            .map(answer)
    }
}

impl Serve for GetStableToken {
    type Core = Tokens;

    fn serve(self, tokens: &mut Tokens, call: &Call) -> Result<AccessToken, Refused> {
        let context = Context::of(call);
        let issued = if self.force_refresh == Some(true) {
            tokens.force_stable(context.appid, context.now, context.rules)
        } else {
            tokens.stable(context.appid, context.now, context.rules)
        };
        issued.map(answer)
    }
}

impl Serve for GetTicket {
    type Core = Tokens;

    fn serve(self, tokens: &mut Tokens, call: &Call) -> Result<GetTicketResponse, Refused> {
        let context = Context::of(call);
        let kind = self.r#type.ok_or(Refused::Body("type".into()))?;
        let issued = tokens
            .tickets
            .issue(context.appid, &kind, context.now, context.rules)?;
        Ok(GetTicketResponse {
            errcode: Some(0),
            errmsg: Some(OK.to_owned()),
            ticket: Some(Secret::new(issued.token)),
            expires_in: Some(issued.expires_in),
            ..GetTicketResponse::default()
        })
    }
}

/// A success has no `errcode` at all.
fn answer(issued: Issued) -> AccessToken {
    AccessToken {
        access_token: Some(Secret::new(issued.token)),
        expires_in: Some(issued.expires_in),
        ..AccessToken::default()
    }
}
