//! What is known of an operation besides its fields, and the messages that it makes.

use std::any::Any;

use http::Method;

use crate::family::Family;
use crate::record::{Record, Shape};
use crate::upload::Upload;

/// How a request proves who sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `WECHATPAY2-SHA256-RSA2048` with a merchant number; paths under `/v3/`.
    Merchant,
    /// `WECHATPAY-BRAND-SHA256-RSA2048` with a brand id; paths under `/brand/`.
    Brand,
    /// An `access_token` in the query.
    AccessToken,
    /// Nothing but the parameters themselves: the operations that fetch a token.
    Credentials,
}

/// Whether an operation changes anything upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Repeating it does no harm.
    Read,
    /// Changes something; [`Operation::repeat`] says what a repeat does.
    Write,
}

/// What happens if an operation is sent twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Repeat {
    /// Nothing more than the first time: it reads, or it writes absolute values.
    Harmless,
    /// Nothing more, as long as both carry the same request number.
    Numbered,
    /// It may act twice.
    Harmful,
}

/// What a write changes that names no member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its kind, such as `template`.
    pub kind: &'static str,
    /// The field of the request that tells which one; empty if an account has only one.
    pub field: &'static str,
}

/// Where the answers of an operation carry an `errcode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Errcode {
    /// Nowhere: the HTTP status decides.
    None,
    /// In failures, and perhaps in successes; without it the operation's own members prove a
    /// success.
    Optional,
    /// In every answer; one without it proves nothing.
    Required,
}

/// What the HTTP body of a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Body {
    /// No body.
    Empty,
    /// One JSON object.
    Json,
    /// `multipart/form-data`: a part for the file, in the families that sign a JSON part `meta` too,
    /// which alone is signed.
    Multipart,
}

/// The documented limit of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// What the limit counts for: `merchant`, `brand` or `official account`.
    pub per: &'static str,
    /// Calls per second.
    pub per_second: Option<u32>,
    /// Calls per minute.
    pub per_minute: Option<u32>,
    /// Calls per day.
    pub per_day: Option<u32>,
}

impl RateLimit {
    pub(crate) const fn new(
        per: &'static str,
        per_second: Option<u32>,
        per_minute: Option<u32>,
        per_day: Option<u32>,
    ) -> Self {
        Self {
            per,
            per_second,
            per_minute,
            per_day,
        }
    }
}

/// One row of the documented error table of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorRow {
    /// HTTP status; always 200 in the official-account family.
    pub http: u16,
    /// The code: a word such as `PARAM_ERROR`, or the decimal `errcode`.
    pub code: &'static str,
    /// When it happens.
    pub meaning: &'static str,
}

/// Everything that is known of an operation besides its fields.
#[derive(Debug)]
pub struct Operation {
    /// The id in the catalogue, such as `merchant.user_cards.get`.
    pub id: &'static str,
    /// What it does, in a few words.
    pub title: &'static str,
    /// The family it belongs to.
    pub family: Family,
    /// How the request is authenticated.
    pub scheme: Scheme,
    /// The HTTP method.
    pub method: Method,
    /// The path with `{name}` in place of parameters.
    pub path: &'static str,
    /// What the body is.
    pub body: Body,
    /// The HTTP status of success.
    pub success: u16,
    /// Whether it changes anything.
    pub effect: Effect,
    /// Whether it can change points, a balance or rights, or give something away, whatever else it changes.
    pub money: bool,
    /// The documented limit of calls.
    pub rate_limit: Option<RateLimit>,
    /// The member that identifies one intended change, where there is one (`out_request_no`).
    pub request_number: Option<&'static str>,
    /// What happens if it is sent twice.
    pub repeat: Repeat,
    /// Fields that, if they are present, make a repeat act twice all the same.
    pub repeat_unless: &'static [&'static str],
    /// What it changes, where a write that is sent again could undo a later one of the same, and no code of a member says
    /// of what.
    pub target: Option<Target>,
    /// What of the answer names what the request named: `card_id`, `data[].openid`, or
    /// `card_id=card.base_info.id` where the names differ.
    pub subject: &'static [&'static str],
    /// Whether a dynamic code may stand in place of the code; it is answered with the fixed one.
    pub dynamic_code: bool,
    /// Where its answers carry an `errcode`.
    pub errcode: Errcode,
    /// Whether the answer is itself a credential of the account: an access token or a ticket.
    pub credential: bool,
    /// The limits of the file that is uploaded, if one is.
    pub upload: Option<Upload>,
    /// Whether request fields are encrypted, so that `Wechatpay-Serial` is required.
    pub encrypts: bool,
    /// The documented errors, said once where operations share them.
    pub(crate) errors: &'static [&'static [ErrorRow]],
    /// Upstream documentation pages.
    pub docs: &'static [&'static str],
    /// The table of the request.
    pub request: &'static Shape,
    /// The table of the answer.
    pub answer: &'static Shape,
    pub(crate) new_request: fn() -> Box<dyn AnyEndpoint>,
    pub(crate) new_answer: fn() -> Box<dyn AnyAnswer>,
}

impl Operation {
    /// Returns a new, empty request.
    pub fn new_request(&self) -> Box<dyn AnyEndpoint> {
        (self.new_request)()
    }

    /// Returns a new, empty answer.
    pub fn new_answer(&self) -> Box<dyn AnyAnswer> {
        (self.new_answer)()
    }

    /// Returns the rows of the documented error table.
    pub fn errors(&self) -> impl Iterator<Item = &'static ErrorRow> + use<> {
        self.errors.iter().copied().flatten()
    }

    /// Returns the parameters that are the credentials of the account: callers leave them out.
    pub fn credentials(&self) -> &'static [&'static str] {
        match self.scheme {
            Scheme::Credentials => &["grant_type", "appid", "secret"],
            _ => &[],
        }
    }

    /// Matches a raw (still percent-encoded) path against [`Operation::path`] and returns the
    /// values of its parameters, still encoded.
    pub fn match_path<'p>(&self, path: &'p str) -> Option<Vec<&'p str>> {
        let mut values = Vec::new();
        let mut actual = path.split('/');
        let mut pattern = self.path.split('/');
        loop {
            match (pattern.next(), actual.next()) {
                (None, None) => return Some(values),
                (Some(expected), Some(segment)) if expected.starts_with('{') => {
                    if segment.is_empty() {
                        return None;
                    }
                    values.push(segment);
                }
                (Some(expected), Some(segment)) if expected == segment => {}
                _ => return None,
            }
        }
    }
}

/// A request of any operation. Implemented by every [`crate::Endpoint`].
pub trait AnyEndpoint: Record {
    /// Returns what is known of the operation.
    fn operation(&self) -> &'static Operation;
}

/// An answer of any operation. Implemented by every [`crate::Answer`].
pub trait AnyAnswer: Record {
    /// Returns the answer for a downcast.
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send>;

    /// Returns the same once more, for somebody else who asked.
    fn copied(&self) -> Box<dyn AnyAnswer>;
}
