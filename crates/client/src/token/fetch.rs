//! The two calls that give a token.

use std::time::Duration;

use http::StatusCode;
use kabao_api::{Error, Reason};
use kabao_models::official_account::stable_token::GetStableToken;
use kabao_models::official_account::token::GetToken;
use kabao_models::{Answer, Endpoint};

use super::{TokenMode, TokenSource};
use crate::failure::Failure;
use crate::held::Fetched;
use crate::refusal::errcode;
use crate::signing::common_headers;
use crate::transport::HttpRequest;

const GRANT_TYPE: &str = "client_credential";

impl TokenSource {
    /// Fetches a token. The app secret travels in the body (stable) or, as WeChat wants it, in the
    /// query (plain); neither is ever logged.
    pub(super) async fn fetch(&self, force: bool) -> Result<Fetched, Error> {
        match self.mode {
            TokenMode::Stable => {
                let mut request =
                    GetStableToken::new(GRANT_TYPE, self.appid.as_str(), self.secret.clone());
                request.force_refresh = force.then_some(true);
                self.exchange(&request).await
            }
            TokenMode::Plain => {
                self.exchange(&GetToken::new(
                    GRANT_TYPE,
                    self.appid.as_str(),
                    self.secret.clone(),
                ))
                .await
            }
        }
        .map_err(|error| {
            let error = error.masked(&[self.secret.expose().to_owned()]);
            error.with_operation(match self.mode {
                TokenMode::Stable => GetStableToken::OPERATION.id,
                TokenMode::Plain => GetToken::OPERATION.id,
            })
        })
    }

    async fn exchange<E>(&self, request: &E) -> Result<Fetched, Error>
    where
        E: Endpoint<Answer = kabao_models::official_account::AccessToken>,
    {
        let outgoing = request.into_http().map_err(|error| {
            Error::new(Reason::Internal, "the token request cannot be written").with_source(error)
        })?;
        let mut request = HttpRequest {
            origin: self.hosts.main.clone(),
            headers: common_headers(outgoing.content_type.as_deref())?,
            method: outgoing.method,
            target: outgoing.target,
            body: outgoing.body,
            entry: None,
        };
        let answer = match &self.hosts.backup {
            None => self.transport.send(request).await,
            Some(backup) => match self.transport.send(request.clone()).await {
                Err(_) => {
                    request.origin = backup.clone();
                    self.transport.send(request).await
                }
                answered => answered,
            },
        };
        let answer = answer.map_err(|error| Failure::transport(error).error)?;
        if answer.status != StatusCode::OK {
            return Err(Error::new(
                Reason::UpstreamUnavailable,
                format!("WeChat answered the token request with {}", answer.status),
            ));
        }
        let malformed = || {
            Error::new(
                Reason::UpstreamMalformed,
                "the answer to the token request is not as documented",
            )
        };
        let token = kabao_models::official_account::AccessToken::from_body(&answer.body)
            .map_err(|error| malformed().with_source(error))?;
        if let Some(errcode) = token.errcode.filter(|errcode| *errcode != 0) {
            let errmsg = token.errmsg.as_deref().unwrap_or_default();
            return Err(
                errcode::failure(E::OPERATION, answer.status.as_u16(), errcode, errmsg).error,
            );
        }
        let seconds = token
            .expires_in
            .and_then(|seconds| u64::try_from(seconds).ok());
        match (
            token.access_token.filter(|value| !value.is_empty()),
            seconds,
        ) {
            (Some(value), Some(seconds)) => Ok(Fetched::now(value, Duration::from_secs(seconds))),
            _ => Err(malformed()),
        }
    }
}
