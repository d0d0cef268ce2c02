//! Faults on request: what networks, gateways and WeChat itself do on bad days.

use serde::{Deserialize, Serialize};

/// How many faults may wait at once.
const CAPACITY: usize = 1_000;

/// A fault and the requests that it hits, as `POST /faults` takes it.
///
/// Absent conditions match everything; all present ones must match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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

/// What happens to a request or its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// Never answers; the connection stays open.
    Hang {
        /// Whether the request takes effect first.
        #[serde(default)]
        applied: bool,
    },
    /// Closes the connection without an answer.
    DropConnection {
        /// Whether the request takes effect first.
        #[serde(default)]
        applied: bool,
    },
    /// Answers after this time.
    Delay {
        /// The time.
        milliseconds: u64,
    },
    /// Answers this instead.
    Status {
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
    RateLimited {
        /// The value of `Retry-After`, if there shall be one.
        #[serde(default)]
        retry_after_seconds: Option<u32>,
    },
    /// Answers 200 with this `errcode` (official accounts).
    Errcode {
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
    Redirect {
        /// Where to.
        location: String,
    },
    /// Answers with a body of this many bytes, unsigned and without effect.
    HugeBody {
        /// The size.
        bytes: u64,
    },
    /// Sends the answer under this content type.
    ContentType {
        /// The value of the header.
        value: String,
    },
    /// Changes a byte of the body after it was signed.
    TamperBody,
    /// Sends only the first half of the body and closes the connection.
    TruncateBody,
    /// Sends a signed body that is not JSON.
    GarbageBody,
    /// Leaves out the signature headers.
    Unsigned,
    /// Leaves out one signature header.
    MissingHeader {
        /// Its name, such as `Wechatpay-Nonce`.
        name: String,
    },
    /// Signs with a timestamp that lies in the past.
    StaleTimestamp {
        /// How far, in seconds; negative for the future. Default 600.
        #[serde(default = "ten_minutes")]
        seconds: i64,
    },
    /// Names another key than the one that signed.
    WrongSerial {
        /// The value of `Wechatpay-Serial`. Default: a number that no key has.
        #[serde(default)]
        serial: Option<String>,
    },
    /// Signs something else.
    BadSignature,
    /// Sends a probe: a signature that starts with `WECHATPAY/SIGNTEST/`.
    SignTest,
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
