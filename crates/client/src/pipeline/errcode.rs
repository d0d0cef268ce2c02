//! What an `errcode` of the official-account family means.
//!
//! These answers are not signed: TLS is the proof that they come from `api.weixin.qq.com`. The
//! HTTP status is always 200, and the text is never compared.

use kabao_api::{Error, FieldViolation, Reason, UpstreamError};
use kabao_models::{LooseObject, Operation};

use super::failure::{Failure, Repeat};
use super::refusal::sentence;

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
    let (reason, field) = meaning(errcode);
    let mut error = Error::new(reason, format!("{} ({errcode})", sentence(reason)));
    if let Some(field) = field {
        error = error.with_violations([FieldViolation::new(field, "is refused by WeChat")]);
    }
    let error = error
        .with_upstream(UpstreamError {
            http_status: status,
            code: errcode.to_string(),
            message: errmsg.to_owned(),
            request_id: trace_id(errmsg),
            detail: None,
        })
        .with_operation(operation.id);
    match errcode {
        // "Busy": the documents do not say that nothing was done.
        -1 | 50002 => Failure::uncertain(error, Repeat::Transient),
        _ if reason == Reason::UpstreamRateLimited => Failure::throttled(error),
        _ => Failure::refused(error),
    }
}

/// The table: what a code means, and the field it is about where it is about one.
fn meaning(errcode: i64) -> (Reason, Option<&'static str>) {
    let reason = match errcode {
        -1 | 50002 => Reason::UpstreamUnavailable,
        // Token, appid, secret, address of the caller.
        40001 | 40002 | 40013 | 40014 | 40125 | 40164 | 40243 | 41001 | 41002 | 41004 | 42001
        | 61004 | 89503 => Reason::CredentialRejected,
        45009 | 45011 => Reason::UpstreamRateLimited,
        43009 | 43010 | 45030 | 48001 | 48004 | 50001 | 61007 => Reason::UpstreamPermissionDenied,
        40056 | 40116 => Reason::MemberNotFound,
        40073 => Reason::TemplateNotFound,
        40003 => return (Reason::FieldInvalid, Some("openid")),
        41012 => return (Reason::FieldInvalid, Some("card_id")),
        40071 => return (Reason::FieldInvalid, Some("card_type")),
        40072 => return (Reason::FieldInvalid, Some("code_type")),
        40075 => return (Reason::FieldInvalid, Some("encrypt_code")),
        40122 => return (Reason::FieldInvalid, Some("quantity")),
        // Forms, lengths, missing members, pictures.
        40009 | 40053 | 40066 | 40079 | 40080 | 40100 | 40124 | 41011 | 43017 | 44002 | 45021
        | 47001 | 52000 | 61500 | 61501 => Reason::FieldInvalid,
        _ => Reason::UpstreamRefused,
    };
    (reason, None)
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
    use crate::pipeline::failure::Certainty;
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
            (40127, UpstreamRefused),
            (45031, UpstreamRefused),
            (72002, UpstreamRefused),
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
            assert!(Envelope::read(body).is_none());
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
