//! How operations are declared: a macro for the statics, and the steps that say what differs from an
//! operation that reads.
//!
//! They stand above [`Operation`], because a declaration names its request type.

use http::Method;

use crate::endpoint::Endpoint;
use crate::family::Family;
use crate::object::Object;
use crate::operation::{
    AnyAnswer, AnyEndpoint, Body, Effect, Errcode, ErrorRow, Operation, RateLimit, Repeat, Scheme,
    Target,
};
use crate::upload::Upload;

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
    ($([$($row:tt)+])*) => { &[$($crate::declaration::rows!(@ $($row)+)),*] };
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
        .refusals($crate::declaration::rows!($($rows)*))
        .docs(&[$($page),*]);
    };
}

pub(crate) use {operation, rows, shared_rows};

fn new_request<E: Endpoint>() -> Box<dyn AnyEndpoint> {
    Box::new(E::default())
}

fn new_answer<E: Endpoint>() -> Box<dyn AnyAnswer> {
    Box::new(E::Answer::default())
}

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
