//! The request journal: every exchange with the WeChat side, as far as memory allows.

use std::collections::{BTreeMap, VecDeque};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::exchange::Received;
use crate::fault;
use crate::trail::{Check, Complaint};

/// How many exchanges are kept; the oldest go first.
const CAPACITY: usize = 10_000;
/// How many bytes of heads and bodies are kept in all.
const BYTES: usize = 16 << 20;
/// How much of one body is kept.
const BODY: usize = 16 << 10;
/// How much of one head is kept.
const HEAD: usize = 4 << 10;
/// What stands in place of a secret.
const REDACTED: &str = "[redacted]";
/// Members and parameters that no record shows.
const SECRETS: [&str; 4] = ["access_token", "secret", "refresh_token", "ticket"];

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ExchangeOutcome {
    /// The answer is a success: 2xx, and no `errcode` but 0.
    Ok,
    /// The answer says no.
    Refused,
    /// There was no answer, because a fault held it back.
    Unanswered,
}

/// One request and what became of it.
///
/// It holds personal data, so `Debug` shows where it went and no more.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Exchange {
    /// Counts from 1 since the sandbox started.
    pub id: u64,
    /// The moment on the sandbox's clock, RFC 3339 in UTC+8.
    pub at: String,
    /// The method.
    pub method: String,
    /// The path as it was sent.
    pub path: String,
    /// The query as it was sent, secrets left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// The account that the request claims to come from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The operation that the request is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// How it ended.
    pub outcome: ExchangeOutcome,
    /// The HTTP status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The `code` of an error, or an `errcode` that is not 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The text that came with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The time until the answer, waiting for a fault included.
    pub duration_microseconds: u64,
    /// The checks that the request passed, in their order.
    pub passed: Vec<Check>,
    /// The check that it did not pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<Check>,
    /// What was wrong with members and parameters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub complaints: Vec<Complaint>,
    /// What was accepted although a real account is reported to refuse it, and the setting for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// The kind of the fault that hit it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// Head and body of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Message>,
    /// Head and body of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Message>,
}

impl Exchange {
    /// Notes what was answered.
    pub(crate) fn answered(&mut self, status: u16, body: &[u8]) {
        let verdict = Verdict::of(status, body);
        self.status = Some(status);
        self.outcome = verdict.outcome;
        self.code = verdict.code;
        self.message = verdict.message;
    }

    /// Leaves out heads and bodies.
    pub(crate) fn without_messages(self) -> Self {
        Self {
            request: None,
            answer: None,
            ..self
        }
    }
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange")
            .field("id", &self.id)
            .field("operation", &self.operation)
            .field("account", &self.account)
            .field("status", &self.status)
            .field("code", &self.code)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

/// Head and body of one direction, cut where they are long.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Headers by name in lower case; credentials are left out.
    pub headers: BTreeMap<String, String>,
    /// The body, where it is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The body in base64, where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_base64: Option<String>,
    /// How long the body was.
    pub body_bytes: usize,
    /// Whether the record holds less than was sent.
    pub cut: bool,
}

impl Message {
    /// Keeps what fits, without secrets.
    pub(crate) fn new(headers: &HeaderMap, body: &Bytes) -> Self {
        let mut message = Self {
            body_bytes: body.len(),
            ..Self::default()
        };
        let mut head = 0;
        for (name, value) in headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            let value = match (name.as_str(), value.split_once(' ')) {
                ("authorization" | "proxy-authorization", Some((scheme, _))) => {
                    format!("{scheme} {REDACTED}")
                }
                ("authorization" | "proxy-authorization" | "cookie", _) => REDACTED.to_owned(),
                _ => value.into_owned(),
            };
            head += name.as_str().len() + value.len();
            if head > HEAD {
                message.cut = true;
                break;
            }
            message.headers.insert(name.as_str().to_owned(), value);
        }
        let clean = without_secrets(body);
        let kept = clean.get(..BODY).unwrap_or(&clean);
        message.cut |= kept.len() < clean.len();
        match text_of(kept) {
            _ if kept.is_empty() => {}
            Some(text) => message.body = Some(text.to_owned()),
            None => message.body_base64 = Some(STANDARD.encode(kept)),
        }
        message
    }

    fn size(&self) -> usize {
        let texts = [&self.body, &self.body_base64];
        let bodies: usize = texts.into_iter().flatten().map(String::len).sum();
        let head: usize = self
            .headers
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        bodies + head
    }
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("body_bytes", &self.body_bytes)
            .finish_non_exhaustive()
    }
}

/// Returns bytes as text; a character that was cut in two does not make them bytes.
fn text_of(bytes: &[u8]) -> Option<&str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(bytes.get(..error.valid_up_to())?).ok()
        }
        Err(_) => None,
    }
}

/// Replaces the values of secret members of a JSON body; everything else stays as it was sent.
fn without_secrets(body: &Bytes) -> Bytes {
    let Ok(Value::Object(members)) = serde_json::from_slice::<Value>(body) else {
        return body.clone();
    };
    let edits: Vec<_> = SECRETS
        .iter()
        .filter(|name| members.get(**name).is_some_and(Value::is_string))
        .map(|name| fault::RawEdit::new(format!("/{name}"), format!("\"{REDACTED}\"")))
        .collect();
    if edits.is_empty() {
        return body.clone();
    }
    fault::edit(body, None, &edits).map_or_else(|_| Bytes::new(), Bytes::from)
}

/// Replaces the values of secret parameters of a query.
pub(crate) fn query_without_secrets(query: &str) -> String {
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if SECRETS.contains(&name) => format!("{name}={REDACTED}"),
        _ => pair.to_owned(),
    });
    pairs.collect::<Vec<_>>().join("&")
}

/// What an answer says.
pub(crate) struct Verdict {
    pub(crate) outcome: ExchangeOutcome,
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
}

impl Verdict {
    /// Reads status and body of an answer.
    pub(crate) fn of(status: u16, body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let success = (200..300).contains(&status);
        let errcode = body.get("errcode").and_then(Value::as_i64);
        if let Some(errcode) = errcode.filter(|errcode| success && *errcode != 0) {
            return Self {
                outcome: ExchangeOutcome::Refused,
                code: Some(errcode.to_string()),
                message: text("errmsg"),
            };
        }
        if success {
            return Self {
                outcome: ExchangeOutcome::Ok,
                code: None,
                message: None,
            };
        }
        Self {
            outcome: ExchangeOutcome::Refused,
            code: text("code"),
            message: text("message"),
        }
    }
}

/// Which exchanges a reader wants.
#[derive(Clone, Debug, Default)]
pub struct ExchangeFilter {
    /// Those of this account.
    pub account: Option<String>,
    /// Those for this operation.
    pub operation: Option<String>,
    /// `ok`, `refused` or `unanswered`, an HTTP status of three digits, or a `code` or `errcode`.
    pub outcome: Option<String>,
    /// Those from this moment of the sandbox's clock on.
    pub since: Option<Timestamp>,
}

impl ExchangeFilter {
    fn takes(&self, at: Timestamp, exchange: &Exchange) -> bool {
        let equals =
            |wanted: &Option<String>, actual: &Option<String>| wanted.is_none() || wanted == actual;
        let ended = |wanted: &String| match wanted.as_str() {
            "ok" => exchange.outcome == ExchangeOutcome::Ok,
            "refused" => exchange.outcome == ExchangeOutcome::Refused,
            "unanswered" => exchange.outcome == ExchangeOutcome::Unanswered,
            code => {
                exchange.code.as_deref() == Some(code)
                    || exchange
                        .status
                        .is_some_and(|status| status.to_string() == code)
            }
        };
        equals(&self.account, &exchange.account)
            && equals(&self.operation, &exchange.operation)
            && self.outcome.as_ref().is_none_or(ended)
            && self.since.is_none_or(|since| at >= since)
    }
}

/// All exchanges, as far as they are kept.
#[derive(Default)]
pub(crate) struct Requests {
    entries: VecDeque<(Timestamp, Exchange)>,
    last: u64,
    bytes: usize,
}

impl Requests {
    /// Adds an exchange and gives it its number; the oldest ones make room.
    pub(crate) fn add(&mut self, at: Timestamp, mut exchange: Exchange) {
        self.last += 1;
        exchange.id = self.last;
        self.bytes += size(&exchange);
        self.entries.push_back((at, exchange));
        while self.entries.len() > CAPACITY || self.bytes > BYTES {
            match self.entries.pop_front() {
                Some((_, oldest)) => self.bytes = self.bytes.saturating_sub(size(&oldest)),
                None => break,
            }
        }
    }

    /// Returns what the filter takes, oldest first.
    pub(crate) fn find<'a>(
        &'a self,
        filter: &'a ExchangeFilter,
    ) -> impl DoubleEndedIterator<Item = &'a Exchange> {
        self.entries
            .iter()
            .filter(|(at, exchange)| filter.takes(*at, exchange))
            .map(|(_, exchange)| exchange)
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.bytes = 0;
    }
}

fn size(exchange: &Exchange) -> usize {
    let messages = [&exchange.request, &exchange.answer];
    let kept: usize = messages.into_iter().flatten().map(Message::size).sum();
    let target = exchange.path.len() + exchange.query.as_ref().map_or(0, String::len);
    kept + target
}

/// Begins the record of a request.
pub(crate) fn record(at: Timestamp, received: &Received) -> Exchange {
    let query = received.query();
    Exchange {
        id: 0,
        at: crate::clock::rfc3339(at),
        method: received.method.to_string(),
        path: received.path().to_owned(),
        query: (!query.is_empty()).then(|| query_without_secrets(query)),
        account: None,
        operation: None,
        outcome: ExchangeOutcome::Unanswered,
        status: None,
        code: None,
        message: None,
        duration_microseconds: 0,
        passed: Vec::new(),
        failed: None,
        complaints: Vec::new(),
        remarks: Vec::new(),
        fault: None,
        request: Some(Message::new(&received.headers, &received.body)),
        answer: None,
    }
}

#[cfg(test)]
mod tests;
