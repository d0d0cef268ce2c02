//! A status as the head of an answer, without a status in between: its type would copy every text once more, into a table
//! of metadata and out of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use percent_encoding::{AsciiSet, CONTROLS, percent_encode};
use tonic::body::Body;
use tonic::metadata::GRPC_CONTENT_TYPE;
use tonic::{Code, Status};

use super::{PUSHBACK, Parts};

/// What stands in `grpc-message` as it is not, of all that is ASCII.
const ENCODED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'`')
    .add(b'?')
    .add(b'{')
    .add(b'}');

/// Headers of a refusal, and a few that others put there.
const HEADERS: usize = 8;

/// Writes an answer that is a status and nothing else.
pub(super) fn answer(parts: Parts) -> Response<Body> {
    let mut headers = HeaderMap::with_capacity(HEADERS);
    headers.insert(CONTENT_TYPE, GRPC_CONTENT_TYPE);
    if let Some(milliseconds) = parts.pushback() {
        headers.insert(HeaderName::from_static(PUSHBACK), milliseconds.into());
    }
    headers.insert(Status::GRPC_STATUS, number(parts.code));
    let mut message = String::with_capacity(parts.message.len() * 3 / 2);
    message.extend(percent_encode(parts.message.as_bytes(), ENCODED));
    for (name, text) in [
        (Status::GRPC_MESSAGE, message),
        (
            Status::GRPC_STATUS_DETAILS,
            STANDARD_NO_PAD.encode(&parts.details),
        ),
    ] {
        // Both are plain ASCII by now.
        if let Ok(value) = HeaderValue::from_maybe_shared(Bytes::from(text)) {
            headers.insert(name, value);
        }
    }
    let mut answer = Response::new(Body::empty());
    *answer.headers_mut() = headers;
    answer
}

fn number(code: Code) -> HeaderValue {
    match code {
        // Nearly all that are refused early.
        Code::ResourceExhausted => HeaderValue::from_static("8"),
        code => i32::from(code).into(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kabao_api::{Error, Reason};

    use super::super::Refusal;

    #[test]
    fn the_head_is_that_of_the_status() {
        let id = "r-1".parse().unwrap();
        let account = "acme".parse().unwrap();
        let refusal = Refusal {
            id: &id,
            account: Some(&account),
            rename: None,
        };
        let long = "会员卡 100% <\"#`?{}> ~\u{7f}".repeat(100);
        for (reason, text) in [
            (Reason::Overloaded, "too many calls"),
            (Reason::UpstreamRateLimited, "会员卡 100% of \"them\""),
            (Reason::UpstreamUnavailable, &long),
            (Reason::Internal, "it failed"),
        ] {
            for wait in [None, Some(Duration::from_millis(1250))] {
                let mut error = Error::new(reason, text);
                if let Some(wait) = wait {
                    error = error.with_retry_after(wait);
                }
                let (code, answer) = refusal.answer(&error);
                let status = refusal.status(&error);
                assert_eq!(code, status.code());
                let usual: http::Response<()> = status.into_http();
                assert_eq!(answer.headers(), usual.headers(), "{reason:?}");
            }
        }
    }
}
