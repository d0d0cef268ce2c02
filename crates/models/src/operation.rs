//! What is known of an operation besides its fields.

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use http::Method;

use crate::any::{AnyAnswer, AnyEndpoint};
use crate::endpoint::Endpoint;
use crate::object::Object;
use crate::record::Shape;
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

/// Declares error rows that operations share, by name.
macro_rules! shared_rows {
    ($($name:ident = $http:literal $code:literal $meaning:literal;)*) => {
        $(pub(super) const $name: $crate::ErrorRow = $crate::ErrorRow {
            http: $http,
            code: $code,
            meaning: $meaning,
        };)*
    };
}

/// Lists the error rows of an operation: several shared ones, a shared one, or one of its own.
macro_rules! rows {
    (@ ..$many:ident) => { $many };
    (@ $one:ident) => { &[$one] };
    (@ $http:literal $code:literal $meaning:literal) => {
        &[$crate::ErrorRow { http: $http, code: $code, meaning: $meaning }]
    };
    ($([$($row:tt)+])*) => { &[$($crate::operation::rows!(@ $($row)+)),*] };
}

/// Declares an operation: its static, its request type, family, id, method, path and title, and what
/// differs from an operation that reads.
macro_rules! operation {
    (
        $name:ident for $request:ident = $family:ident $id:literal
        $method:ident $path:literal
        $title:literal
        $(.$step:ident($($argument:tt)*))*
        errors { $($rows:tt)* }
        docs [$($page:literal),* $(,)?]
    ) => {
        #[doc = concat!("Describes [`", stringify!($request), "`].")]
        pub static $name: $crate::Operation = $crate::Operation::new::<$request>(
            $crate::Family::$family,
            $id,
            http::Method::$method,
            $path,
            $title,
        )
        $(.$step($($argument)*))*
        .refusals($crate::operation::rows!($($rows)*))
        .docs(&[$($page),*]);
    };
}

pub(crate) use {operation, rows, shared_rows};

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
    new_request: fn() -> Box<dyn AnyEndpoint>,
    new_answer: fn() -> Box<dyn AnyAnswer>,
}

fn new_request<E: Endpoint>() -> Box<dyn AnyEndpoint> {
    Box::new(E::default())
}

fn new_answer<E: Endpoint>() -> Box<dyn AnyAnswer> {
    Box::new(E::Answer::default())
}

/// How the generated statics say what differs from an operation that reads.
impl Operation {
    /// Describes an operation that reads, has no body and answers with 200.
    pub const fn new<E: Endpoint>(
        family: Family,
        id: &'static str,
        method: Method,
        path: &'static str,
        title: &'static str,
    ) -> Self {
        Self {
            id,
            title,
            family,
            scheme: match family {
                Family::Merchant | Family::Brand => Scheme::Merchant,
                Family::OfficialAccount => Scheme::AccessToken,
            },
            method,
            path,
            body: Body::Empty,
            success: 200,
            effect: Effect::Read,
            money: false,
            rate_limit: None,
            request_number: None,
            repeat: Repeat::Harmless,
            repeat_unless: &[],
            target: None,
            subject: &[],
            dynamic_code: false,
            errcode: Errcode::None,
            credential: false,
            upload: None,
            encrypts: false,
            errors: &[],
            docs: &[],
            request: E::SHAPE,
            answer: E::Answer::SHAPE,
            new_request: new_request::<E>,
            new_answer: new_answer::<E>,
        }
    }

    pub(crate) const fn scheme(mut self, scheme: Scheme) -> Self {
        self.scheme = scheme;
        self
    }

    /// It has a JSON body.
    pub(crate) const fn json(mut self) -> Self {
        self.body = Body::Json;
        self
    }

    /// It uploads a file.
    pub(crate) const fn upload(mut self, upload: Upload) -> Self {
        self.body = Body::Multipart;
        self.upload = Some(upload);
        self
    }

    /// It answers with this HTTP status.
    pub(crate) const fn success(mut self, status: u16) -> Self {
        self.success = status;
        self
    }

    /// It changes something.
    pub(crate) const fn write(mut self, repeat: Repeat) -> Self {
        self.effect = Effect::Write;
        self.repeat = repeat;
        self
    }

    /// It changes something, once for each number in this member.
    pub(crate) const fn numbered(mut self, member: &'static str) -> Self {
        self.request_number = Some(member);
        self.write(Repeat::Numbered)
    }

    pub(crate) const fn repeat_unless(mut self, fields: &'static [&'static str]) -> Self {
        self.repeat_unless = fields;
        self
    }

    /// Writes of this kind and this field follow one another.
    pub(crate) const fn target(mut self, kind: &'static str, field: &'static str) -> Self {
        self.target = Some(Target { kind, field });
        self
    }

    pub(crate) const fn subject(mut self, rows: &'static [&'static str]) -> Self {
        self.subject = rows;
        self
    }

    pub(crate) const fn money(mut self) -> Self {
        self.money = true;
        self
    }

    pub(crate) const fn dynamic_code(mut self) -> Self {
        self.dynamic_code = true;
        self
    }

    pub(crate) const fn errcode(mut self, errcode: Errcode) -> Self {
        self.errcode = errcode;
        self
    }

    /// Its answer is a credential.
    pub(crate) const fn credential(mut self) -> Self {
        self.credential = true;
        self
    }

    /// Fields of its request are encrypted.
    pub(crate) const fn encrypts(mut self) -> Self {
        self.encrypts = true;
        self
    }

    pub(crate) const fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.rate_limit = Some(limit);
        self
    }

    pub(crate) const fn refusals(mut self, rows: &'static [&'static [ErrorRow]]) -> Self {
        self.errors = rows;
        self
    }

    pub(crate) const fn docs(mut self, pages: &'static [&'static str]) -> Self {
        self.docs = pages;
        self
    }
}

impl Operation {
    /// Finds an operation by its id.
    pub fn find(id: &str) -> Option<&'static Self> {
        static BY_ID: LazyLock<HashMap<&'static str, &'static Operation>> =
            LazyLock::new(|| operations().map(|known| (known.id, known)).collect());
        BY_ID.get(id).copied()
    }

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

/// Returns every operation of the catalogue, ordered by family and resource.
pub fn operations() -> impl Iterator<Item = &'static Operation> {
    crate::merchant::OPERATIONS
        .iter()
        .chain(crate::brand::OPERATIONS)
        .chain(crate::official_account::OPERATIONS)
        .copied()
}
