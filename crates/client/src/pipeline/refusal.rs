//! What a refusal of WeChat Pay means: status and code, never the wording.

use kabao_api::{Error, FieldViolation, Reason, UpstreamDetail, UpstreamError};
use kabao_models::{LooseObject, Operation};

use super::failure::{Failure, Repeat};
use super::resource;

/// The members of an error body that are used; everything else is left alone.
#[derive(Default)]
pub(crate) struct ErrorBody {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) detail: Option<UpstreamDetail>,
    /// Everything else that the body has.
    others: Vec<String>,
}

impl ErrorBody {
    /// Reads an error body; whatever is not as documented is left empty.
    pub(crate) fn read(body: &[u8]) -> Self {
        let Some(object) = LooseObject::read(body) else {
            return Self::default();
        };
        let text = |object: &LooseObject, name| object.text(name).unwrap_or_default();
        let detail = object.object("detail").map(|detail| UpstreamDetail {
            field: text(&detail, "field"),
            issue: detail
                .text("issue")
                .filter(|issue| !issue.is_empty())
                // Since 2021 the detail of SIGN_ERROR is nested once more.
                .or_else(|| detail.object("detail")?.text("issue"))
                .unwrap_or_default(),
            location: text(&detail, "location"),
        });
        let code = text(&object, "code");
        Self {
            code: if is_code(&code) { code } else { String::new() },
            message: text(&object, "message"),
            detail,
            others: object.names().map(str::to_owned).collect(),
        }
    }

    /// Tells whether the body has one of `members`.
    pub(crate) fn has_any(&self, members: &[&str]) -> bool {
        self.others
            .iter()
            .any(|name| members.contains(&name.as_str()))
    }

    /// Tells whether the body has the form of an error: a word `code` beside a text `message`.
    pub(crate) fn is_envelope(&self) -> bool {
        !self.code.is_empty() && !self.message.is_empty()
    }
}

/// Tells whether a text has the form of an error code. The code of a member has the same name, and
/// is not for error texts.
fn is_code(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    text.len() <= 64
        && text.starts_with(|first: char| first.is_ascii_uppercase())
        && text.bytes().all(word)
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
        ..
    } = body;
    let named = detail
        .as_ref()
        .map(|detail| field_path(&detail.field))
        .unwrap_or_default();
    let (reason, repeat) = if is_number_used(operation, status, &code, &named) {
        (Reason::RequestNumberUsed, Repeat::Never)
    } else {
        meaning(operation, status, &code)
    };
    let shown = if code.is_empty() {
        format!("HTTP {status}")
    } else {
        code.clone()
    };
    let mut error = Error::new(reason, format!("{} ({shown})", sentence(reason)));
    // A rejected credential is no field of the call, though WeChat calls it one.
    if !named.is_empty() && reason != Reason::CredentialRejected {
        let what = match reason {
            Reason::RequestNumberUsed => "was used before",
            _ => "is refused by WeChat",
        };
        error = error.with_violations([FieldViolation::new(named, what)]);
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
        Repeat::Transient | Repeat::Once | Repeat::Accepted => Failure::uncertain(error, repeat),
    }
}

/// Tells whether WeChat has seen the request number before. Its form was checked before it was sent,
/// so whatever WeChat has against it is that. Feeds are refused as existing already.
fn is_number_used(operation: &'static Operation, status: u16, code: &str, field: &str) -> bool {
    let Some(number) = operation.request_number else {
        return false;
    };
    let existing = matches!(code, "ALREADY_EXISTS" | "RESOURCE_ALREADY_EXISTS");
    let refused = existing || matches!(code, "PARAM_ERROR" | "INVALID_REQUEST");
    let documented = || {
        let mut rows = operation.errors.iter().filter(|row| row.code == code);
        rows.any(|row| row.meaning.contains(number))
    };
    (400..500).contains(&status)
        && ((refused && field.rsplit('.').next() == Some(number)) || (existing && documented()))
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
        Reason::RequestNumberUsed => {
            "WeChat has seen the request number before, so this change or another one under it has run"
        }
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
    use crate::testing::{CREATE, GET, UPDATE};

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
            let failure = refusal(&GET, status, body, None);
            assert_eq!(
                (failure.error.reason(), failure.repeat),
                (reason, repeat),
                "{status} {code}"
            );
        }
    }

    #[test]
    fn a_server_error_after_a_write_leaves_its_fate_open() {
        let failure = refusal(&UPDATE, 500, ErrorBody::default(), None);
        assert_eq!(failure.certainty, Certainty::MaybeExecuted);
        let failure = refusal(&UPDATE, 429, ErrorBody::default(), None);
        assert_eq!(failure.certainty, Certainty::NotExecuted);
    }

    #[test]
    fn both_forms_of_detail_are_read_and_the_value_is_not() {
        let flat = br#"{"code":"PARAM_ERROR","message":"m","detail":{"field":"/body/form/values/2","value":"13800000000","issue":"i","location":"body"}}"#;
        let failure = refusal(&GET, 400, ErrorBody::read(flat), Some("08F5".to_owned()));
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
    fn a_used_request_number_has_a_reason_of_its_own() {
        let body = |code: &str, field: &str| {
            ErrorBody::read(
                format!(r#"{{"code":"{code}","message":"m","detail":{{"field":"{field}"}}}}"#)
                    .as_bytes(),
            )
        };
        let rows = [
            (&CREATE, "PARAM_ERROR", "/body/out_request_no", true),
            (&CREATE, "INVALID_REQUEST", "out_request_no", true),
            (&CREATE, "ALREADY_EXISTS", "/out_request_no", true),
            (&CREATE, "PARAM_ERROR", "/level", false),
            (&CREATE, "SYSTEM_ERROR", "/out_request_no", false),
            (&UPDATE, "PARAM_ERROR", "/out_request_no", false),
        ];
        for (operation, code, field, used) in rows {
            let error = refusal(operation, 400, body(code, field), None).error;
            assert_eq!(
                error.reason() == Reason::RequestNumberUsed,
                used,
                "{code} {field}"
            );
            if used {
                assert!(error.may_have_executed() && !error.is_retryable());
                assert_eq!(error.violations()[0].description, "was used before");
            }
        }
        let feeds = &kabao_models::brand::user_feeds::CREATE_USER_FEED;
        let activities = &kabao_models::brand::membership_activities::CREATE_MEMBERSHIP_ACTIVITY;
        for (operation, reason) in [
            (feeds, Reason::RequestNumberUsed),
            (activities, Reason::AlreadyExists),
        ] {
            let error = refusal(operation, 400, body("ALREADY_EXISTS", ""), None).error;
            assert_eq!(error.reason(), reason, "{}", operation.id);
        }
    }

    #[test]
    fn the_code_of_a_member_is_no_error_code() {
        for code in [
            "722317683772",
            "obLatjnx9gnqzS4myYGmLZ7LgLBA",
            "ab",
            "A B",
            "",
        ] {
            let body = format!(r#"{{"code":"{code}","message":"m"}}"#);
            let read = ErrorBody::read(body.as_bytes());
            assert!(read.code.is_empty() && !read.is_envelope(), "{code}");
        }
    }

    #[test]
    fn an_odd_member_or_an_odd_byte_hides_nothing_of_a_refusal() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let body = [
            b"{\"code\":\"PARAM_ERROR\",\"message\":\"x\x14\xff\",\"detail\":{\"field\":\"/openid\",\"issue\":7,\"value\":".as_slice(),
            deep.as_bytes(),
            b"}}",
        ]
        .concat();
        let read = ErrorBody::read(&body);
        assert_eq!(read.code, "PARAM_ERROR");
        assert_eq!(read.message, "x\u{fffd}\u{fffd}");
        let detail = read.detail.unwrap();
        assert_eq!(
            (detail.field.as_str(), detail.issue.as_str()),
            ("/openid", "")
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
