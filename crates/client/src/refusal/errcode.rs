//! What an `errcode` of the official-account family means.
//!
//! These answers are not signed: TLS is the proof that they come from `api.weixin.qq.com`. The
//! HTTP status is always 200, and the text is never compared: the codes are precise. What they mean
//! is a table of the catalogue.

use kabao_api::{Error, Reason, UpstreamError};
use kabao_models::refusal::{self, Again};
use kabao_models::{LooseObject, Operation};

use super::{blame, sentence, settled};
use crate::failure::Failure;

/// The two members that every answer may have, and the names of all.
pub(crate) struct Envelope {
    pub(crate) errcode: Code,
    pub(crate) errmsg: String,
    members: Vec<String>,
}

/// What stands in `errcode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// Nothing, or `null`.
    Absent,
    /// An integer, perhaps in a text.
    Number(i64),
    /// Anything else.
    Odd,
}

/// Tells, without a copy of anything, whether an answer is the success that it is nearly always.
pub(crate) fn is_plain_success(body: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Plain {
        errcode: i64,
    }
    // A struct would be read from an array, too.
    body.trim_ascii_start().starts_with(b"{")
        && serde_json::from_slice::<Plain>(body).is_ok_and(|plain| plain.errcode == 0)
}

impl Envelope {
    /// Reads an answer; `None` if it is not a JSON object.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let object = LooseObject::read(body)?;
        let errcode = match (object.integer("errcode"), object.get("errcode")) {
            (Some(number), _) => Code::Number(number),
            (None, None | Some("null")) => Code::Absent,
            (None, Some(_)) => Code::Odd,
        };
        Some(Self {
            errcode,
            errmsg: object.text("errmsg").unwrap_or_default(),
            members: object
                .names()
                .filter(|name| object.get(name) != Some("null"))
                .map(str::to_owned)
                .collect(),
        })
    }

    /// Tells whether the answer has one of `members`, apart from the two that failures have too.
    pub(crate) fn has_any(&self, members: &[&str]) -> bool {
        self.members.iter().any(|name| {
            !matches!(name.as_str(), "errcode" | "errmsg") && members.contains(&name.as_str())
        })
    }
}

/// Tells whether the access token was refused before anything was done.
pub(crate) fn is_token_refusal(errcode: i64) -> bool {
    matches!(errcode, 40001 | 40014 | 42001)
}

/// Makes the failure of an answer whose `errcode` is not 0.
pub(crate) fn failure(
    operation: &'static Operation,
    status: u16,
    errcode: i64,
    errmsg: &str,
) -> Failure {
    let known = refusal::errcode(errcode);
    let reason = known
        .and_then(|known| Reason::from_name(known.reason))
        .unwrap_or(Reason::UpstreamRefused);
    let upstream = UpstreamError {
        http_status: status,
        code: errcode.to_string(),
        message: without_trace(errmsg).to_owned(),
        request_id: trace_id(errmsg),
        detail: None,
    };
    let mut error = Error::new(reason, format!("{} ({errcode})", sentence(reason)))
        .with_operation(operation.id);
    if let Some(field) = known.and_then(|known| known.field) {
        error = error.with_violations([blame(field, &upstream)]);
    }
    if let Some(remedy) = known.and_then(|known| known.remedy) {
        error = error.with_remedy(remedy);
    }
    settled(
        error,
        upstream,
        known.map_or(Again::Never, |known| known.again),
    )
}

/// Leaves out the trace id, which is told apart.
fn without_trace(errmsg: &str) -> &str {
    let end = ["rid:", "hint: [", "hint:["]
        .iter()
        .filter_map(|mark| errmsg.rfind(mark))
        .min()
        .filter(|end| {
            // A hint may go on with what is wrong.
            errmsg
                .get(*end..)
                .is_some_and(|tail| !tail.trim_end().contains("] "))
        });
    end.and_then(|end| errmsg.get(..end))
        .unwrap_or(errmsg)
        .trim_end_matches([' ', ','])
}

/// Finds the trace id at the end of an `errmsg`: `... rid: 65f0-...` or `... hint: [abc]`.
fn trace_id(errmsg: &str) -> Option<String> {
    let tail = match errmsg.rsplit_once("rid:") {
        Some((_, tail)) => tail,
        None => errmsg.rsplit_once("hint:")?.1,
    };
    let id: String = tail
        .trim_start_matches([' ', '['])
        .chars()
        .take_while(|character| {
            character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.')
        })
        .take(128)
        .collect();
    (!id.is_empty()).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Certainty, Repeat};
    use crate::testing::GET;

    #[test]
    fn the_code_decides() {
        use Reason::*;
        let rows = [
            (-1, UpstreamUnavailable),
            (40001, CredentialRejected),
            (40125, CredentialRejected),
            (40164, CredentialRejected),
            (42001, CredentialRejected),
            (40056, MemberNotFound),
            (40073, TemplateNotFound),
            (45009, UpstreamRateLimited),
            (45011, UpstreamRateLimited),
            (48001, UpstreamPermissionDenied),
            (47001, FieldInvalid),
            (45021, FieldInvalid),
            (41012, FieldInvalid),
            (40078, TemplateStateInvalid),
            (40099, MemberStateInvalid),
            (40127, MemberStateInvalid),
            (40151, ContentRefused),
            (45031, OutOfStock),
            (72002, UpstreamPermissionDenied),
            (99999, UpstreamRefused),
        ];
        for (errcode, reason) in rows {
            assert_eq!(
                failure(&GET, 200, errcode, "").error.reason(),
                reason,
                "{errcode}"
            );
        }
        assert_eq!(
            failure(&GET, 200, 40003, "").error.violations()[0].field,
            "openid"
        );
    }

    #[test]
    fn an_errcode_is_an_integer_even_in_a_text() {
        let rows = [
            (r#"{"errcode":0}"#, Code::Number(0)),
            (r#"{"errcode":40056.0}"#, Code::Number(40056)),
            (r#"{"errcode":"0"}"#, Code::Number(0)),
            (r#"{"errcode":-1}"#, Code::Number(-1)),
            (r#"{"errcode":null}"#, Code::Absent),
            (r#"{}"#, Code::Absent),
            (r#"{"errcode":"ok"}"#, Code::Odd),
            (r#"{"errcode":{}}"#, Code::Odd),
            (r#"{"errcode":false}"#, Code::Odd),
        ];
        for (body, code) in rows {
            assert_eq!(
                Envelope::read(body.as_bytes()).unwrap().errcode,
                code,
                "{body}"
            );
        }
        let odd = b"{\"nickname\":\"a\x14\xff\",\"errcode\":0,\"errmsg\":[]}";
        let odd = Envelope::read(odd).unwrap();
        assert_eq!((odd.errcode, odd.errmsg.as_str()), (Code::Number(0), ""));
        for body in [&b"[0,\"ok\"]"[..], b"<html>", b""] {
            assert!(Envelope::read(body).is_none() && !is_plain_success(body));
        }
        assert!(is_plain_success(b" {\"errcode\":0,\"x\":[{}]}"));
        for body in [
            "{}",
            r#"{"errcode":1}"#,
            r#"{"errcode":"0"}"#,
            r#"{"errcode":null}"#,
        ] {
            assert!(!is_plain_success(body.as_bytes()), "{body}");
        }
    }

    #[test]
    fn busy_leaves_the_fate_of_a_write_open() {
        assert_eq!(
            failure(&GET, 200, -1, "").certainty,
            Certainty::MaybeExecuted
        );
        assert_eq!(
            failure(&GET, 200, 45009, "").certainty,
            Certainty::NotExecuted
        );
    }

    #[test]
    fn a_quota_of_the_day_is_not_repeated_and_one_of_the_minute_is() {
        let day = failure(&GET, 200, 45009, "reach max api daily quota limit");
        assert_eq!(day.repeat, Repeat::Never);
        assert!(!day.error.is_retryable() && day.error.retry_after().is_none());
        assert_eq!(
            day.error.to_string(),
            "WeChat limits the rate of calls (45009): reach max api daily quota limit; wait for the next day, or reset the quota in the console"
        );
        let minute = failure(&GET, 200, 45011, "");
        assert_eq!(minute.repeat, Repeat::Throttled);
        assert!(minute.error.is_retryable());
    }

    #[test]
    fn wechats_words_are_told_without_the_trace_id() {
        let rows = [
            ("invalid openid rid: 65f0a1b2-1c2d3e4f", "invalid openid"),
            ("invalid openid hint: [Ab0912vr33]", "invalid openid"),
            (
                "data format error hint: [Ab0912vr33] member_card is no object",
                "data format error hint: [Ab0912vr33] member_card is no object",
            ),
            (
                "invalid openid obLatjnx9gnqzS4myYGmLZ7LgLBA",
                "invalid openid ***",
            ),
        ];
        for (errmsg, words) in rows {
            let error = failure(&GET, 200, 40003, errmsg).error;
            assert_eq!(
                error.to_string(),
                format!("WeChat refused a parameter (40003): {words}")
            );
            assert_eq!(
                error.violations()[0].to_string(),
                format!("openid is refused by WeChat: {words}")
            );
        }
    }

    #[test]
    fn trace_ids_of_both_ages_are_found() {
        let rows = [
            (
                "invalid credential, access_token is invalid or not latest rid: 65f0a1b2-1c2d3e4f-5a6b7c8d",
                Some("65f0a1b2-1c2d3e4f-5a6b7c8d"),
            ),
            ("invalid serial code hint: [Ab0912vr33]", Some("Ab0912vr33")),
            ("ok", None),
            ("rid:", None),
        ];
        for (errmsg, id) in rows {
            assert_eq!(trace_id(errmsg).as_deref(), id, "{errmsg}");
        }
    }
}
