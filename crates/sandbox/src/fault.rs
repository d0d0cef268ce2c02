//! Faults on request: what networks, gateways and WeChat itself do on bad days.

mod edit;
mod raw;

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::Value;

pub(crate) use self::edit::edit;
pub use self::raw::{RawBytes, RawEdit};

use crate::described::described;

/// How many faults may wait at once.
const CAPACITY: usize = 1_000;

described! {
    /// A fault and the requests that it hits, as `POST /faults` takes it.
    ///
    /// Absent conditions match everything; all present ones must match.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
    pub struct FaultRule {
        /// Hits this operation only, such as `merchant.user_cards.update`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub operation: Option<String>,
        /// Hits paths that begin so, such as `/v3/marketing/`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub path: Option<String>,
        /// Hits this method only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub method: Option<String>,
        /// Hits requests that claim to come from this account.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub account: Option<String>,
        /// How many requests are hit before the fault is gone. Default 1.
        #[serde(default = "once")]
        pub times: u32,
        /// What happens to them.
        pub fault: Fault,
    }
}

fn once() -> u32 {
    1
}

impl FaultRule {
    /// A fault that hits the next request of any kind.
    pub fn next(fault: Fault) -> Self {
        Self {
            operation: None,
            path: None,
            method: None,
            account: None,
            times: 1,
            fault,
        }
    }

    /// Restricts the fault to one operation.
    #[must_use]
    pub fn on(mut self, operation: &str) -> Self {
        self.operation = Some(operation.to_owned());
        self
    }

    /// Hits this many requests.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    fn hits(&self, request: &FaultTarget<'_>) -> bool {
        let equals = |wanted: &Option<String>, actual: Option<&str>| {
            wanted
                .as_deref()
                .is_none_or(|wanted| actual == Some(wanted))
        };
        equals(&self.operation, request.operation)
            && equals(&self.method, Some(request.method))
            && equals(&self.account, request.account)
            && self
                .path
                .as_deref()
                .is_none_or(|prefix| request.path.starts_with(prefix))
    }
}

described! {
    /// What happens to a request or its answer.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
    pub tagged enum Fault {
        /// Never answers; the connection stays open.
        Hang = "hang" {
            /// Whether the request takes effect first.
            #[serde(default)]
            applied: bool,
        },
        /// Closes the connection without an answer.
        DropConnection = "drop_connection" {
            /// Whether the request takes effect first.
            #[serde(default)]
            applied: bool,
        },
        /// Answers after this time.
        Delay = "delay" {
            /// The time.
            milliseconds: u64,
        },
        /// Answers this instead.
        Status = "status" {
            /// The HTTP status.
            status: u16,
            /// The `code` of the body; without one, `body` is sent.
            #[serde(default)]
            code: Option<String>,
            /// The `message` of the body.
            #[serde(default)]
            message: Option<String>,
            /// The whole body where there is no `code`, such as the HTML of a gateway.
            #[serde(default)]
            body: Option<String>,
            /// Whether the request takes effect first.
            #[serde(default)]
            applied: bool,
            /// Whether the answer is signed.
            #[serde(default)]
            signed: bool,
        },
        /// Answers 429 with the configured code, signed, without effect.
        RateLimited = "rate_limited" {
            /// The value of `Retry-After`, if there shall be one.
            #[serde(default)]
            retry_after_seconds: Option<u32>,
        },
        /// Answers 200 with this `errcode` (official accounts).
        Errcode = "errcode" {
            /// The code.
            errcode: i64,
            /// The text.
            #[serde(default)]
            errmsg: Option<String>,
            /// Whether the request takes effect first.
            #[serde(default)]
            applied: bool,
        },
        /// Answers 302 with this `Location`, without effect.
        Redirect = "redirect" {
            /// Where to.
            location: String,
        },
        /// Answers with a body of this many bytes, unsigned and without effect.
        HugeBody = "huge_body" {
            /// The size.
            bytes: u64,
        },
        /// Sends the answer under this content type.
        ContentType = "content_type" {
            /// The value of the header.
            value: String,
        },
        /// Changes a byte of the body after it was signed.
        TamperBody = "tamper_body",
        /// Sends only the first half of the body and closes the connection.
        TruncateBody = "truncate_body",
        /// Sends a signed body that is not JSON.
        GarbageBody = "garbage_body",
        /// Leaves out the signature headers.
        Unsigned = "unsigned",
        /// Leaves out one signature header.
        MissingHeader = "missing_header" {
            /// Its name, such as `Wechatpay-Nonce`.
            name: String,
        },
        /// Signs with a timestamp that lies in the past.
        StaleTimestamp = "stale_timestamp" {
            /// How far, in seconds; negative for the future. Default 600.
            #[serde(default = "ten_minutes")]
            seconds: i64,
        },
        /// Names another key than the one that signed.
        WrongSerial = "wrong_serial" {
            /// The value of `Wechatpay-Serial`. Default: a number that no key has.
            #[serde(default)]
            serial: Option<String>,
        },
        /// Signs something else.
        BadSignature = "bad_signature",
        /// Sends a probe: a signature that starts with `WECHATPAY/SIGNTEST/`.
        SignTest = "sign_test",
        /// Edits the JSON body of the usual answer before it is signed. What the edit does not name is
        /// sent byte for byte as it would have been. An edit that cannot be done is answered 500 with
        /// the reason; the request has taken effect then.
        EditJson = "edit_json" {
            /// A merge patch (RFC 7396): members replace, null removes, objects are merged.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            merge: Option<Value>,
            /// Bytes in place of values, one after the other and after `merge`.
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            raw: Vec<RawEdit>,
        },
        /// Sends this answer in place of the usual one.
        ReplaceBody = "replace_body" {
            /// The HTTP status, 200 to 599. Default 200.
            #[serde(default = "ok")]
            status: u16,
            /// Headers that are added, or replace those of the same name. The length is counted.
            #[serde(default)]
            headers: BTreeMap<String, String>,
            /// The body. Default empty.
            #[serde(default)]
            body: RawBytes,
            /// Whether the answer is signed, with the key that the usual one is signed with. Answers to
            /// requests that do not authenticate and those of official accounts never are.
            #[serde(default)]
            signed: bool,
            /// Whether the request takes effect first.
            #[serde(default)]
            applied: bool,
        },
    }
}

fn ok() -> u16 {
    200
}

impl Fault {
    /// Tells what is wrong with a fault that no answer can show.
    fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::EditJson { merge: None, raw } if raw.is_empty() => {
                Err("fault: edit_json needs merge, raw or both")
            }
            Self::EditJson { raw, .. }
                if raw.iter().any(|edit| edit::pointer(&edit.path).is_none()) =>
            {
                Err(
                    "fault.raw.path: must be a JSON pointer such as /user_info/nickname, or empty for the whole body",
                )
            }
            Self::ReplaceBody {
                status,
                headers,
                body,
                ..
            } => check_answer(*status, headers, body),
            _ => Ok(()),
        }
    }
}

fn check_answer(
    status: u16,
    headers: &BTreeMap<String, String>,
    body: &RawBytes,
) -> Result<(), &'static str> {
    let status = StatusCode::from_u16(status)
        .ok()
        .filter(|status| (200..600).contains(&status.as_u16()))
        .ok_or("fault.status: must be 200 to 599")?;
    let empty = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&status);
    if empty && !body.as_bytes().is_empty() {
        return Err("fault.body: an answer with status 204 or 304 has none");
    }
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| "fault.headers: a name is no header name")?;
        let framing = [
            header::CONTENT_LENGTH,
            header::TRANSFER_ENCODING,
            header::CONNECTION,
        ];
        if framing.contains(&name) {
            return Err(
                "fault.headers: Content-Length, Transfer-Encoding and Connection follow from the body",
            );
        }
        HeaderValue::from_str(value).map_err(|_| "fault.headers: a value is no header value")?;
    }
    Ok(())
}

fn ten_minutes() -> i64 {
    600
}

/// What a rule is matched against.
pub(crate) struct FaultTarget<'a> {
    pub(crate) operation: Option<&'a str>,
    pub(crate) path: &'a str,
    pub(crate) method: &'a str,
    pub(crate) account: Option<&'a str>,
}

/// Faults that wait for their requests, oldest first.
#[derive(Default)]
pub(crate) struct Faults(Vec<FaultRule>);

impl Faults {
    /// Adds a rule.
    pub(crate) fn add(&mut self, rule: FaultRule) -> Result<(), &'static str> {
        if rule.times == 0 {
            return Err("times: must be at least 1");
        }
        rule.fault.check()?;
        if self.0.len() == CAPACITY {
            return Err("too many faults are waiting; DELETE /faults removes them");
        }
        self.0.push(rule);
        Ok(())
    }

    /// Returns the fault of the oldest rule that matches and counts it down.
    pub(crate) fn take(&mut self, request: &FaultTarget<'_>) -> Option<Fault> {
        let index = self.0.iter().position(|rule| rule.hits(request))?;
        let rule = self.0.get_mut(index)?;
        let fault = rule.fault.clone();
        rule.times = rule.times.saturating_sub(1);
        if rule.times == 0 {
            self.0.remove(index);
        }
        Some(fault)
    }

    pub(crate) fn waiting(&self) -> &[FaultRule] {
        &self.0
    }

    /// Removes the rules for an account that is gone.
    pub(crate) fn forget(&mut self, account: &str) {
        self.0
            .retain(|rule| rule.account.as_deref() != Some(account));
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn target<'a>(operation: &'a str, account: &'a str) -> FaultTarget<'a> {
        FaultTarget {
            operation: Some(operation),
            path: "/v3/x",
            method: "GET",
            account: Some(account),
        }
    }

    #[test]
    fn a_rule_hits_what_it_names_and_as_often_as_it_says() {
        let mut faults = Faults::default();
        let rule = json!({"operation": "a.get", "account": "demo", "times": 2, "fault": {"kind": "unsigned"}});
        faults.add(serde_json::from_value(rule).unwrap()).unwrap();
        assert_eq!(faults.take(&target("b.get", "demo")), None);
        assert_eq!(faults.take(&target("a.get", "other")), None);
        assert_eq!(faults.take(&target("a.get", "demo")), Some(Fault::Unsigned));
        assert_eq!(faults.take(&target("a.get", "demo")), Some(Fault::Unsigned));
        assert_eq!(faults.take(&target("a.get", "demo")), None);
    }

    #[test]
    fn a_fault_that_cannot_be_sent_is_refused_with_its_member() {
        for (fault, problem) in [
            (json!({"kind": "edit_json"}), "merge, raw or both"),
            (
                json!({"kind": "edit_json", "raw": [{"path": "a", "value": "1"}]}),
                "fault.raw.path",
            ),
            (
                json!({"kind": "replace_body", "status": 101}),
                "fault.status",
            ),
            (
                json!({"kind": "replace_body", "status": 999}),
                "fault.status",
            ),
            (
                json!({"kind": "replace_body", "status": 204, "body": "x"}),
                "fault.body",
            ),
            (
                json!({"kind": "replace_body", "headers": {"a b": ""}}),
                "fault.headers: a name",
            ),
            (
                json!({"kind": "replace_body", "headers": {"a": "\n"}}),
                "fault.headers: a value",
            ),
            (
                json!({"kind": "replace_body", "headers": {"Content-length": "1"}}),
                "fault.headers: Content-Length",
            ),
        ] {
            let fault: Fault = serde_json::from_value(fault).unwrap();
            let error = Faults::default().add(FaultRule::next(fault)).unwrap_err();
            assert!(error.contains(problem), "{error}");
        }
    }

    #[test]
    fn defaults_are_one_request_without_effect() {
        let rule: FaultRule = serde_json::from_value(json!({"fault": {"kind": "hang"}})).unwrap();
        assert_eq!(
            (rule.times, rule.fault),
            (1, Fault::Hang { applied: false })
        );
        let misspelt = json!({"fault": {"kind": "hang", "aplied": true}});
        assert!(
            serde_json::from_value::<FaultRule>(misspelt)
                .unwrap_err()
                .to_string()
                .contains("aplied")
        );
        assert!(
            Faults::default()
                .add(FaultRule::next(Fault::Unsigned).times(0))
                .is_err()
        );
    }
}
