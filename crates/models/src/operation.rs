//! What is known of an operation besides its fields.

use std::fmt;

use http::Method;

use crate::upload::Upload;

/// One upstream API generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// WeChat Pay v3 `membercard-open` and `membercard-activity`.
    Merchant,
    /// WeChat Pay v3 `card-member`, for service providers or brand-direct.
    Brand,
    /// `api.weixin.qq.com/card/...`.
    OfficialAccount,
}

impl Family {
    /// Returns the name used in configuration, resource documents and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Merchant => "merchant",
            Self::Brand => "brand",
            Self::OfficialAccount => "official_account",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

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
    /// The documented limit of calls.
    pub rate_limit: Option<RateLimit>,
    /// The member that identifies one intended change, where there is one (`out_request_no`).
    pub request_number: Option<&'static str>,
    /// What happens if it is sent twice.
    pub repeat: Repeat,
    /// Where its answers carry an `errcode`.
    pub errcode: Errcode,
    /// Whether the answer is itself a credential of the account: an access token or a ticket.
    pub credential: bool,
    /// The limits of the file that is uploaded, if one is.
    pub upload: Option<Upload>,
    /// Whether request fields are encrypted, so that `Wechatpay-Serial` is required.
    pub encrypts: bool,
    /// The documented errors.
    pub errors: &'static [ErrorRow],
    /// Upstream documentation pages.
    pub docs: &'static [&'static str],
}

impl Operation {
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

/// Returns every operation of the catalogue, ordered by family and resource.
pub fn operations() -> impl Iterator<Item = &'static Operation> {
    crate::merchant::OPERATIONS
        .iter()
        .chain(crate::brand::OPERATIONS)
        .chain(crate::official_account::OPERATIONS)
        .copied()
}
