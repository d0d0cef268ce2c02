//! Whether an answer is believed, and what it then says.

use bytes::Bytes;
use http::StatusCode;
use kabao_api::{Error, Reason, UpstreamError};
use kabao_auth::{SignatureHeaders, VerificationError, Verified};
use kabao_models::Operation;

use std::time::Duration;

use super::errcode::{self, Envelope};
use super::failure::{Failure, Repeat};
use super::refusal::{ErrorBody, refusal};
use crate::transport::HttpResponse;

/// How long to wait after a rate limit that names no time.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(1);

/// A body that may be decoded.
#[derive(Debug)]
pub(crate) enum Believed {
    /// Its signature was verified over the raw bytes.
    Signed(Verified<Bytes>),
    /// It came over TLS from a host whose answers are not signed (official accounts).
    Tls(Bytes),
}

impl Believed {
    pub(crate) fn body(&self) -> &[u8] {
        match self {
            Self::Signed(verified) => verified.body(),
            Self::Tls(body) => body,
        }
    }
}

/// The signature headers of an answer.
pub(crate) fn signature_headers(answer: &HttpResponse) -> SignatureHeaders<'_> {
    SignatureHeaders::read(|name| answer.header(name))
}

/// What a verified answer says.
pub(crate) fn verified(
    operation: &'static Operation,
    answer: &HttpResponse,
    body: Verified<Bytes>,
) -> Result<Believed, Failure> {
    let status = answer.status;
    if status.is_redirection() || status.is_informational() {
        return Err(unbelievable(
            "WeChat answered with a redirect, which is never followed",
            None,
        ));
    }
    if status.is_success() && !may_be_envelope(&answer.body) {
        return Ok(Believed::Signed(body));
    }
    let error = ErrorBody::read(&answer.body);
    if status.is_success() && !error.is_envelope() {
        return Ok(Believed::Signed(body));
    }
    Err(with_pause(
        refusal(operation, status.as_u16(), error, request_id(answer)),
        answer,
    ))
}

/// Tells cheaply whether a body is worth a look for an error in disguise.
fn may_be_envelope(body: &[u8]) -> bool {
    const MESSAGE: &[u8] = b"\"message\"";
    body.windows(MESSAGE.len()).any(|window| window == MESSAGE)
}

/// What an answer without any signature says. It was made by a gateway, before or in
/// authentication, or by somebody else.
pub(crate) fn unsigned(operation: &'static Operation, answer: &HttpResponse) -> Failure {
    let status = answer.status;
    match status {
        // What fails in authentication has no signature, and nothing was done.
        StatusCode::UNAUTHORIZED => refusal(
            operation,
            status.as_u16(),
            ErrorBody::read(&answer.body),
            request_id(answer),
        ),
        StatusCode::TOO_MANY_REQUESTS => {
            let error = Error::new(
                Reason::UpstreamRateLimited,
                "WeChat limits the rate of calls (unsigned)",
            );
            with_pause(Failure::uncertain(error, Repeat::Throttled), answer)
        }
        _ if status.is_server_error() => Failure::uncertain(
            Error::new(
                Reason::UpstreamUnavailable,
                format!("WeChat answered with {} (unsigned)", status.as_u16()),
            )
            .with_upstream(seen(answer)),
            Repeat::Transient,
        ),
        _ => unbelievable(
            "the answer has no signature and was discarded",
            Some(answer),
        ),
    }
}

/// What an answer with a signature that does not hold says: nothing.
pub(crate) fn unverified(answer: &HttpResponse, error: VerificationError) -> Failure {
    let message = match error {
        VerificationError::Probe => {
            "the answer carries a deliberately wrong signature and was discarded"
        }
        VerificationError::StaleTimestamp => "the answer is too old or too new and was discarded",
        VerificationError::UnknownKey(_) => {
            "the answer is signed with an unknown key and was discarded"
        }
        _ => "the signature of the answer does not hold; it was discarded",
    };
    let mut failure = unbelievable(message, Some(answer));
    failure.error = failure.error.with_source(error);
    failure
}

/// What an answer of the official-account family says; `Err` holds the refused token's code apart.
pub(crate) fn unsigned_family(
    operation: &'static Operation,
    answer: &HttpResponse,
) -> Result<Believed, TokenFamilyFailure> {
    let status = answer.status;
    if status.is_server_error() {
        let error = Error::new(
            Reason::UpstreamUnavailable,
            format!("WeChat answered with {}", status.as_u16()),
        );
        return Err(
            Failure::uncertain(error.with_upstream(seen(answer)), Repeat::Transient).into(),
        );
    }
    if status == StatusCode::TOO_MANY_REQUESTS {
        let error = Error::new(
            Reason::UpstreamRateLimited,
            "WeChat limits the rate of calls",
        )
        .with_upstream(seen(answer));
        return Err(with_pause(Failure::throttled(error), answer).into());
    }
    if status != StatusCode::OK {
        let error = Error::new(
            Reason::UpstreamMalformed,
            format!(
                "WeChat answered with {}, where only 200 is documented",
                status.as_u16()
            ),
        );
        return Err(Failure::uncertain(error.with_upstream(seen(answer)), Repeat::Never).into());
    }
    let Ok(envelope) = serde_json::from_slice::<Envelope>(&answer.body) else {
        let error = Error::new(
            Reason::UpstreamMalformed,
            "the answer is not a JSON object with an integer errcode",
        );
        return Err(Failure::uncertain(error, Repeat::Never).into());
    };
    match envelope.errcode {
        None | Some(0) => Ok(Believed::Tls(answer.body.clone())),
        Some(errcode) => {
            let errmsg = envelope.errmsg.unwrap_or_default();
            let failure = with_pause(
                errcode::failure(operation, status.as_u16(), errcode, &errmsg),
                answer,
            );
            Err(TokenFamilyFailure {
                token_refused: errcode::is_token_refusal(errcode),
                failure,
            })
        }
    }
}

/// A failure, and whether a new token may cure it.
pub(crate) struct TokenFamilyFailure {
    pub(crate) token_refused: bool,
    pub(crate) failure: Failure,
}

impl From<Failure> for TokenFamilyFailure {
    fn from(failure: Failure) -> Self {
        Self {
            token_refused: false,
            failure,
        }
    }
}

/// WeChat's id of the request.
pub(crate) fn request_id(answer: &HttpResponse) -> Option<String> {
    answer
        .header("request-id")
        .map(|id| id.chars().take(128).collect())
}

fn unbelievable(message: &str, answer: Option<&HttpResponse>) -> Failure {
    let mut error = Error::new(Reason::UpstreamUnverified, message);
    if let Some(answer) = answer {
        error = error.with_upstream(seen(answer));
    }
    Failure::uncertain(error, Repeat::Once)
}

/// What may be passed on of an answer whose content is not believed.
fn seen(answer: &HttpResponse) -> UpstreamError {
    UpstreamError {
        http_status: answer.status.as_u16(),
        request_id: request_id(answer),
        ..UpstreamError::default()
    }
}

/// Adds how long to wait to a rate limit; only whole seconds up to an hour are honoured.
fn with_pause(mut failure: Failure, answer: &HttpResponse) -> Failure {
    if failure.repeat == Repeat::Throttled {
        let asked = answer
            .header("retry-after")
            .and_then(|text| text.trim().parse().ok());
        let pause = asked.map_or(DEFAULT_RETRY_AFTER, |seconds: u64| {
            Duration::from_secs(seconds.min(3600))
        });
        failure.error = failure.error.with_retry_after(pause);
    }
    failure
}
