//! Whether an answer is accepted, and what it then says.

use bytes::Bytes;
use http::StatusCode;
use kabao_api::{Error, Reason, UpstreamError};
use kabao_auth::{SignatureHeaders, VerificationError, Verified};
use kabao_models::Errcode;

use std::time::Duration;

use crate::call::Sending;
use crate::failure::{Failure, Repeat};
use crate::refusal::errcode::{self, Code, Envelope};
use crate::refusal::pay::{ErrorBody, refusal};
use crate::transport::HttpResponse;

/// How long to wait after a rate limit that names no time.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(1);

/// A body that may be decoded.
#[derive(Debug)]
pub(crate) enum Accepted {
    /// Its signature was verified over the raw bytes.
    Signed(Verified<Bytes>),
    /// It came over TLS from a host whose answers are not signed (official accounts).
    Tls(Bytes),
}

impl Accepted {
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
    sending: Sending,
    answer: &HttpResponse,
    body: Verified<Bytes>,
) -> Result<Accepted, Failure> {
    let status = answer.status;
    match status {
        StatusCode::OK | StatusCode::NO_CONTENT => match disguised(sending, &answer.body) {
            None => Ok(Accepted::Signed(body)),
            Some(error) => Err(refused(sending, answer, error)),
        },
        StatusCode::ACCEPTED => Err(Failure::uncertain(
            Error::new(
                Reason::UpstreamUnavailable,
                "WeChat accepted the request and has not finished it (202)",
            )
            .with_upstream(seen(answer)),
            Repeat::Accepted,
        )),
        _ if status.is_success() => {
            let message = format!(
                "WeChat answered with {}, which no document mentions",
                status.as_u16()
            );
            Err(malformed(message, answer))
        }
        _ if status.is_redirection() || status.is_informational() => Err(unbelievable(
            "WeChat answered with a redirect, which is never followed",
            None,
        )),
        _ => Err(refused(sending, answer, ErrorBody::read(&answer.body))),
    }
}

fn refused(sending: Sending, answer: &HttpResponse, error: ErrorBody) -> Failure {
    let status = answer.status.as_u16();
    with_pause(
        refusal(sending.operation, status, error, request_id(answer)),
        answer,
    )
}

/// Finds the error that a successful status hides: `code` and `message` in an answer that is
/// documented to have no `code`, and none of the members that it is documented to have.
fn disguised(sending: Sending, body: &[u8]) -> Option<ErrorBody> {
    const MESSAGE: &[u8] = b"\"message\"";
    let members = sending.answer_members;
    let may_be =
        !members.contains(&"code") && body.windows(MESSAGE.len()).any(|window| window == MESSAGE);
    if !may_be {
        return None;
    }
    let error = ErrorBody::read(body);
    (error.is_envelope() && !error.has_any(members)).then_some(error)
}

/// What an answer without any signature says. It was made by a gateway, before or in
/// authentication, or by somebody else.
pub(crate) fn unsigned(sending: Sending, answer: &HttpResponse) -> Failure {
    let status = answer.status;
    match status {
        // What fails in authentication has no signature. But anybody on the way can make one, so
        // it proves nothing about a write, and is a hint then.
        StatusCode::UNAUTHORIZED => {
            let failure = refused(sending, answer, ErrorBody::read(&answer.body));
            if sending.is_write() {
                Failure::uncertain(failure.error, Repeat::Never)
            } else {
                failure
            }
        }
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

/// What an answer says that was received before: nothing.
pub(crate) fn replayed(answer: &HttpResponse) -> Failure {
    unbelievable(
        "the answer was received before and was discarded",
        Some(answer),
    )
}

/// What an answer of the official-account family says; `Err` holds the refused token's code apart.
///
/// The absence of an error proves nothing: only `errcode` 0 does, or, where the documents let it be
/// left out, a member that only a success has.
pub(crate) fn unsigned_family(
    sending: Sending,
    answer: &HttpResponse,
) -> Result<Accepted, TokenFamilyFailure> {
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
        // No document knows this status, so nobody knows whether it comes before or after the work.
        let error = Error::new(
            Reason::UpstreamRateLimited,
            "WeChat limits the rate of calls (HTTP 429)",
        )
        .with_upstream(seen(answer));
        return Err(with_pause(Failure::uncertain(error, Repeat::Throttled), answer).into());
    }
    if status != StatusCode::OK {
        let message = format!(
            "WeChat answered with {}, where only 200 is documented",
            status.as_u16()
        );
        return Err(malformed(message, answer).into());
    }
    if errcode::is_plain_success(&answer.body) {
        return Ok(Accepted::Tls(answer.body.clone()));
    }
    let Some(envelope) = Envelope::read(&answer.body) else {
        return Err(malformed("the answer is not a JSON object", answer).into());
    };
    match envelope.errcode {
        Code::Number(0) => Ok(Accepted::Tls(answer.body.clone())),
        Code::Absent
            if sending.operation.errcode != Errcode::Required
                && envelope.has_any(sending.answer_members) =>
        {
            Ok(Accepted::Tls(answer.body.clone()))
        }
        Code::Absent => Err(malformed(
            "the answer has no errcode, so it does not say that the call succeeded",
            answer,
        )
        .into()),
        Code::Odd => Err(malformed("the errcode of the answer is no integer", answer).into()),
        Code::Number(errcode) => {
            let failure = with_pause(
                errcode::failure(
                    sending.operation,
                    status.as_u16(),
                    errcode,
                    &envelope.errmsg,
                ),
                answer,
            );
            Err(TokenFamilyFailure {
                token_refused: errcode::is_token_refusal(errcode),
                failure,
            })
        }
    }
}

fn malformed(message: impl Into<String>, answer: &HttpResponse) -> Failure {
    let error = Error::new(Reason::UpstreamMalformed, message).with_upstream(seen(answer));
    Failure::uncertain(error, Repeat::Never)
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
    let id = answer.header("request-id")?;
    let end = id.char_indices().nth(128).map_or(id.len(), |(end, _)| end);
    id.get(..end).map(str::to_owned)
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
