//! What a refusal of WeChat Pay means.
//!
//! Status and code decide whether something was refused and whether a repeat makes sense. The
//! wording only makes a plain refusal more precise, by the table of known texts in the catalogue: one
//! code covers an unknown card as well as a card in the wrong state.

use kabao_api::{Error, FieldViolation, Reason, UpstreamDetail, UpstreamError};
use kabao_models::refusal::{Again, known_text, not_found, pay_code};
use kabao_models::{LooseObject, Operation};

use super::{blame, sentence, settled};
use crate::failure::Failure;

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
    let used = is_number_used(operation, status, &code, &named) && !is_about_form(&message);
    let (reason, again) = if used {
        (Reason::RequestNumberUsed, Again::Never)
    } else {
        meaning(operation, status, &code)
    };
    let upstream = UpstreamError {
        http_status: status,
        code,
        message,
        request_id,
        detail,
    };
    let known = match (again, upstream.words()) {
        (Again::Never, Some(words)) if reason != Reason::RequestNumberUsed => {
            known_text(operation.id, &upstream.code, &words)
        }
        _ => None,
    };
    let reason = known
        .and_then(|known| Reason::from_name(known.reason))
        .unwrap_or(reason);
    let shown = if upstream.code.is_empty() {
        format!("HTTP {status}")
    } else {
        upstream.code.clone()
    };
    let mut error = Error::new(reason, format!("{} ({shown})", sentence(reason)));
    // What the operator has to repair is no field of the call, though WeChat calls it one.
    if !is_for_the_operator(reason) {
        let blamed = Some(named)
            .filter(|field| !field.is_empty())
            .or_else(|| known.and_then(|known| known.field).map(str::to_owned));
        error = error.with_violations(blamed.map(|field| match reason {
            Reason::RequestNumberUsed => FieldViolation::new(field, "was used before"),
            _ => blame(field, &upstream),
        }));
    }
    if let Some(remedy) = known.and_then(|known| known.remedy) {
        error = error.with_remedy(remedy);
    }
    settled(error, upstream, again)
}

/// Tells whether it is the operator who has to repair something.
fn is_for_the_operator(reason: Reason) -> bool {
    matches!(reason, Reason::CredentialRejected | Reason::KeyUnavailable)
}

/// Tells whether WeChat has seen the request number before: nothing else is known that it has against
/// one of a good form. Feeds are refused as existing already.
fn is_number_used(operation: &'static Operation, status: u16, code: &str, field: &str) -> bool {
    let Some(number) = operation.request_number else {
        return false;
    };
    let existing = matches!(code, "ALREADY_EXISTS" | "RESOURCE_ALREADY_EXISTS");
    let refused = existing || matches!(code, "PARAM_ERROR" | "INVALID_REQUEST");
    let documented = || {
        let mut rows = operation.errors().filter(|row| row.code == code);
        rows.any(|row| row.meaning.contains(number))
    };
    (400..500).contains(&status)
        && ((refused && field.rsplit('.').next() == Some(number)) || (existing && documented()))
}

/// Tells whether WeChat's checks of the form of members are speaking, by their words as seen live. What
/// they refuse was not done, and a number of a wrong form was never used: how long one may be, the pages
/// say in four ways, or not at all.
fn is_about_form(message: &str) -> bool {
    ["规则校验失败", "类型转换失败"]
        .iter()
        .any(|words| message.contains(words))
}

/// What status and code mean.
fn meaning(operation: &'static Operation, status: u16, code: &str) -> (Reason, Again) {
    let Some(row) = pay_code(status, code) else {
        return (Reason::UpstreamRefused, Again::Never);
    };
    let name = row.reason.unwrap_or_else(|| not_found(operation.id));
    let reason = Reason::from_name(name).unwrap_or(Reason::UpstreamRefused);
    (reason, row.again)
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
    use kabao_models::Endpoint;

    use super::*;
    use crate::failure::{Certainty, Repeat};
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

    fn said(status: u16, code: &str, message: &str) -> ErrorBody {
        let body = serde_json::json!({ "code": code, "message": message });
        let read = ErrorBody::read(body.to_string().as_bytes());
        assert_eq!(read.code, code, "{status}");
        read
    }

    #[test]
    fn a_known_text_makes_a_refusal_precise_and_an_unknown_one_does_not() {
        use Reason::*;
        let get = kabao_models::merchant::user_cards::GetUserCard::OPERATION;
        let rows = [
            ("code不存在", MemberNotFound),
            ("card_id不合法。", TemplateNotFound),
            ("用户会员卡无效：已过期", MemberStateInvalid),
            (
                "调用商户号与创建会员卡的商户号不一致",
                UpstreamPermissionDenied,
            ),
            ("今天天气不好", UpstreamRefused),
            ("", UpstreamRefused),
        ];
        for (message, reason) in rows {
            let body = said(400, "INVALID_REQUEST", message);
            let failure = refusal(get, 400, body, None);
            assert_eq!(failure.error.reason(), reason, "{message}");
            assert_eq!(failure.certainty, Certainty::NotExecuted);
        }
    }

    /// Whatever WeChat writes: the same repeat, the same certainty, never a success.
    #[test]
    fn a_text_never_makes_a_refusal_repeatable() {
        // Every ninth operation: all of them take a while.
        for operation in kabao_models::operations().step_by(9) {
            for (status, code) in [
                (200, "SYSTEM_ERROR"),
                (400, "INVALID_REQUEST"),
                (400, "PARAM_ERROR"),
                (401, "SIGN_ERROR"),
                (404, "NOT_FOUND"),
                (429, "FREQUENCY_LIMITED"),
                (500, "SYSTEM_ERROR"),
                (500, "INVALID_REQUEST"),
            ] {
                let without = refusal(operation, status, said(status, code, ""), None);
                for known in kabao_models::refusal::known_texts() {
                    for text in known.texts {
                        let with = refusal(operation, status, said(status, code, text), None);
                        assert_eq!(
                            (with.repeat, with.certainty, with.error.is_retryable()),
                            (
                                without.repeat,
                                without.certainty,
                                without.error.is_retryable()
                            ),
                            "{} {status} {code} {text}",
                            operation.id
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn wechats_words_stand_in_the_message_and_in_the_violation() {
        let body = br#"{"code":"PARAM_ERROR","message":"\u53c2\u6570\u9519\u8bef 13800000000","detail":{"field":"/body/title","issue":"has 12 characters","location":"body"}}"#;
        let failure = refusal(&GET, 400, ErrorBody::read(body), None);
        assert_eq!(
            failure.error.to_string(),
            "WeChat refused a parameter (PARAM_ERROR): 参数错误 *** (has 12 characters)"
        );
        assert_eq!(
            failure.error.message(),
            "WeChat refused a parameter (PARAM_ERROR)"
        );
        assert_eq!(
            failure.error.violations()[0].to_string(),
            "title is refused by WeChat: has 12 characters"
        );
    }

    #[test]
    fn keys_of_wechat_pay_are_the_operators_to_repair() {
        let update = kabao_models::brand::user_cards::UpdateUserCard::OPERATION;
        for message in [
            "平台证书序列号Wechatpay-Serial错误",
            "HTTP header缺少微信支付平台证书序列号(Wechatpay-Serial)",
            "平台私钥解密失败",
        ] {
            let failure = refusal(update, 400, said(400, "PARAM_ERROR", message), None);
            let error = failure.error;
            assert_eq!(error.reason(), Reason::KeyUnavailable, "{message}");
            assert_eq!(error.violations(), []);
            assert!(
                error
                    .remedy()
                    .is_some_and(|remedy| remedy.contains("configure"))
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
        // Its form alone proves nothing, above all not that the change has run.
        let form = r#"{"code":"PARAM_ERROR","message":"输入源“/body/out_request_no”映射到字段“商户请求单号”字符串规则校验失败，字节数 40，大于最大值 32","detail":{"field":"/out_request_no","location":"body","value":"n"}}"#;
        let error = refusal(&CREATE, 400, ErrorBody::read(form.as_bytes()), None).error;
        assert_eq!(error.reason(), Reason::FieldInvalid);
        assert!(!error.may_have_executed());
        assert_eq!(error.violations()[0].field, "out_request_no");
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
