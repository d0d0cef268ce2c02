//! What a refusal of WeChat Pay means: status and code, never the wording.

use kabao_api::{Error, FieldViolation, Reason, UpstreamDetail, UpstreamError};
use kabao_models::Operation;
use serde_json::{Map, Value};

use super::failure::{Failure, Repeat};
use super::resource;

/// The members of an error body that are used; everything else is left alone.
#[derive(Default)]
pub(crate) struct ErrorBody {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) detail: Option<UpstreamDetail>,
}

impl ErrorBody {
    /// Reads an error body; whatever is not as documented is left empty.
    pub(crate) fn read(body: &[u8]) -> Self {
        let Ok(Value::Object(object)) = serde_json::from_slice(body) else {
            return Self::default();
        };
        let detail = object
            .get("detail")
            .and_then(Value::as_object)
            .map(|detail| {
                // Since 2021 the detail of SIGN_ERROR is nested once more.
                let nested = detail.get("detail").and_then(Value::as_object);
                let issue = text(detail, "issue");
                UpstreamDetail {
                    field: text(detail, "field"),
                    issue: if issue.is_empty() {
                        nested
                            .map(|nested| text(nested, "issue"))
                            .unwrap_or_default()
                    } else {
                        issue
                    },
                    location: text(detail, "location"),
                }
            });
        Self {
            code: text(&object, "code"),
            message: text(&object, "message"),
            detail,
        }
    }

    /// Tells whether a body of a successful status is an error in disguise: a text `code` beside
    /// a text `message`, which no answer of these APIs has.
    pub(crate) fn is_envelope(&self) -> bool {
        !self.code.is_empty() && !self.message.is_empty()
    }
}

fn text(object: &Map<String, Value>, name: &str) -> String {
    object
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// Makes the failure of a verified answer that is not a success.
pub(crate) fn refusal(
    operation: &'static Operation,
    status: u16,
    body: ErrorBody,
    request_id: Option<String>,
) -> Failure {
    let ErrorBody {
        code,
        message,
        detail,
    } = body;
    let (reason, repeat) = meaning(operation, status, &code);
    let shown = if code.is_empty() {
        format!("HTTP {status}")
    } else {
        code.clone()
    };
    let mut error = Error::new(reason, format!("{} ({shown})", sentence(reason)));
    if let Some(field) = detail
        .as_ref()
        .map(|detail| field_path(&detail.field))
        // A rejected credential is no field of the call, though WeChat calls it one.
        .filter(|field| !field.is_empty() && reason != Reason::CredentialRejected)
    {
        error = error.with_violations([FieldViolation::new(field, "is refused by WeChat")]);
    }
    let error = error.with_upstream(UpstreamError {
        http_status: status,
        code,
        message,
        request_id,
        detail,
    });
    match repeat {
        Repeat::Never => Failure::refused(error),
        Repeat::Throttled => Failure::throttled(error),
        Repeat::Transient | Repeat::Once => Failure::uncertain(error, repeat),
    }
}

/// The table: what status and code mean.
fn meaning(operation: &'static Operation, status: u16, code: &str) -> (Reason, Repeat) {
    let reason = match (status, code) {
        (429, _)
        | (
            200..=299,
            "FREQUENCY_LIMITED"
            | "RATELIMIT_EXCEEDED"
            | "FREQUENCY_LIMIT_EXCEED"
            | "FREQUENCY_LIMIT",
        ) => {
            return (Reason::UpstreamRateLimited, Repeat::Throttled);
        }
        (500.., _) | (200..=299, "SYSTEM_ERROR" | "SYSTEMERROR" | "SERVICE_UNAVAILABLE") => {
            return (Reason::UpstreamUnavailable, Repeat::Transient);
        }
        (401, _) | (_, "SIGN_ERROR") => Reason::CredentialRejected,
        (_, "NO_AUTH" | "NOAUTH") => Reason::UpstreamPermissionDenied,
        (404, _) | (_, "NOT_FOUND" | "RESOURCE_NOT_EXISTS") => resource::not_found(operation),
        (_, "ALREADY_EXISTS" | "RESOURCE_ALREADY_EXISTS") => Reason::AlreadyExists,
        (_, "PARAM_ERROR") => Reason::FieldInvalid,
        _ => Reason::UpstreamRefused,
    };
    (reason, Repeat::Never)
}

/// What is said for each reason, before the code in brackets.
pub(crate) fn sentence(reason: Reason) -> &'static str {
    match reason {
        Reason::UpstreamRateLimited => "WeChat limits the rate of calls",
        Reason::UpstreamUnavailable => "WeChat answered with a fault of its own",
        Reason::CredentialRejected => "WeChat rejected the account's credentials",
        Reason::UpstreamPermissionDenied => "the account has no permission for this",
        Reason::TemplateNotFound => "WeChat knows no such card template",
        Reason::MemberNotFound => "WeChat knows no such member",
        Reason::ResourceNotFound => "WeChat knows no such thing",
        Reason::AlreadyExists => "WeChat has this already",
        Reason::FieldInvalid => "WeChat refused a parameter",
        _ => "WeChat refused the request",
    }
}

/// Turns a JSON pointer into a field path: `/form/values/2` into `form.values[2]`. WeChat puts
/// `/body` in front of some pointers.
fn field_path(pointer: &str) -> String {
    let Some(rest) = pointer.strip_prefix('/') else {
        return pointer.to_owned();
    };
    let rest = rest.strip_prefix("body/").unwrap_or(rest);
    let mut path = String::with_capacity(rest.len());
    for segment in rest.split('/') {
        let segment = segment.replace("~1", "/").replace("~0", "~");
        if !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit()) {
            path.push('[');
            path.push_str(&segment);
            path.push(']');
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&segment);
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::failure::Certainty;
    use crate::testing::{READ, WRITE};

    #[test]
    fn status_and_code_decide() {
        use Reason::*;
        let rows = [
            (400, "PARAM_ERROR", FieldInvalid, Repeat::Never),
            (400, "INVALID_REQUEST", UpstreamRefused, Repeat::Never),
            (400, "ALREADY_EXISTS", AlreadyExists, Repeat::Never),
            (400, "RESOURCE_ALREADY_EXISTS", AlreadyExists, Repeat::Never),
            (401, "SIGN_ERROR", CredentialRejected, Repeat::Never),
            (403, "NO_AUTH", UpstreamPermissionDenied, Repeat::Never),
            (403, "NOAUTH", UpstreamPermissionDenied, Repeat::Never),
            (403, "RULE_LIMIT", UpstreamRefused, Repeat::Never),
            (404, "NOT_FOUND", ResourceNotFound, Repeat::Never),
            (404, "", ResourceNotFound, Repeat::Never),
            (
                429,
                "FREQUENCY_LIMITED",
                UpstreamRateLimited,
                Repeat::Throttled,
            ),
            (
                429,
                "RATELIMIT_EXCEEDED",
                UpstreamRateLimited,
                Repeat::Throttled,
            ),
            (429, "SOMETHING_NEW", UpstreamRateLimited, Repeat::Throttled),
            (500, "SYSTEM_ERROR", UpstreamUnavailable, Repeat::Transient),
            (502, "", UpstreamUnavailable, Repeat::Transient),
            (200, "SYSTEM_ERROR", UpstreamUnavailable, Repeat::Transient),
            (
                200,
                "FREQUENCY_LIMIT",
                UpstreamRateLimited,
                Repeat::Throttled,
            ),
            (200, "NO_AUTH", UpstreamPermissionDenied, Repeat::Never),
        ];
        for (status, code, reason, repeat) in rows {
            let body = ErrorBody {
                code: code.to_owned(),
                ..ErrorBody::default()
            };
            let failure = refusal(&READ, status, body, None);
            assert_eq!(
                (failure.error.reason(), failure.repeat),
                (reason, repeat),
                "{status} {code}"
            );
        }
    }

    #[test]
    fn a_server_error_after_a_write_leaves_its_fate_open() {
        let failure = refusal(&WRITE, 500, ErrorBody::default(), None);
        assert_eq!(failure.certainty, Certainty::MaybeExecuted);
        let failure = refusal(&WRITE, 429, ErrorBody::default(), None);
        assert_eq!(failure.certainty, Certainty::NotExecuted);
    }

    #[test]
    fn both_forms_of_detail_are_read_and_the_value_is_not() {
        let flat = br#"{"code":"PARAM_ERROR","message":"m","detail":{"field":"/body/form/values/2","value":"13800000000","issue":"i","location":"body"}}"#;
        let failure = refusal(&READ, 400, ErrorBody::read(flat), Some("08F5".to_owned()));
        assert_eq!(failure.error.violations()[0].field, "form.values[2]");
        let upstream = failure.error.upstream().unwrap();
        assert_eq!(upstream.request_id.as_deref(), Some("08F5"));
        assert_eq!(upstream.detail.as_ref().unwrap().location, "body");
        assert!(!format!("{:?}", failure.error).contains("13800000000"));

        let nested = br#"{"code":"SIGN_ERROR","detail":{"detail":{"issue":"sign not match"},"field":"signature","location":null,"value":7},"message":"x"}"#;
        let detail = ErrorBody::read(nested).detail.unwrap();
        assert_eq!(
            (detail.issue.as_str(), detail.location.as_str()),
            ("sign not match", "")
        );
    }

    #[test]
    fn whatever_is_not_an_error_body_is_read_as_empty() {
        for body in [
            &b""[..],
            b"<html>",
            b"[]",
            b"null",
            b"{\"code\":1,\"message\":[]}",
            b"{\"detail\":\"x\"}",
        ] {
            let read = ErrorBody::read(body);
            assert!(read.code.is_empty() && !read.is_envelope());
        }
        assert!(ErrorBody::read(b"{\"code\":\"A\",\"message\":\"b\"}").is_envelope());
        assert!(!ErrorBody::read(b"{\"code\":\"478515832665\",\"card_id\":\"p\"}").is_envelope());
    }
}
