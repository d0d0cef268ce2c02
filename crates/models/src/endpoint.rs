//! Operations as types that work in both directions of HTTP.

use std::fmt;

use bytes::Bytes;
use http::Method;

use crate::any::{AnyEndpoint, read_request};
use crate::check::Checker;
use crate::object::Object;
use crate::operation::Operation;
use crate::params::Incoming;
use crate::record::Record;
use crate::tolerant::{self, Deviation, read_tolerantly};
use crate::upload::UploadedFile;
use crate::violation::Violation;
use crate::{Secret, json};

/// A request of one operation.
///
/// A client calls [`Endpoint::into_http`], a server [`Endpoint::from_http`]; the answer type is
/// an [`Answer`], which also works in both directions. Everything here is done by what is written
/// once for all requests; see [`AnyEndpoint`].
pub trait Endpoint: Object {
    /// What a successful answer contains.
    type Answer: Answer;

    /// What is known of the operation besides its fields.
    const OPERATION: &'static Operation;

    /// Returns the file of an upload.
    fn file(&self) -> Option<UploadedFile<'_>> {
        any(self).file()
    }

    /// Fills in the digest of an uploaded file where the caller left it out. `sha256` returns 64
    /// lower-case hexadecimal digits.
    fn fill_digest(&mut self, sha256: &dyn Fn(&[u8]) -> String) {
        any_mut(self).fill_digest(sha256);
    }

    /// Fills in AppID and app secret where the caller left them out, for operations whose
    /// parameters are the credentials themselves: callers hold no secret.
    fn fill_credentials(&mut self, appid: &str, secret: &Secret) {
        any_mut(self).fill_credentials(appid, secret);
    }

    /// Returns the number that identifies one intended change, where the request carries one.
    fn request_number(&self) -> Option<&str> {
        any(self).request_number()
    }

    /// Returns true if sending this very request twice does no more than sending it once.
    fn is_safe_to_repeat(&self) -> bool {
        any(self).is_safe_to_repeat()
    }

    /// Returns every documented limit that the request breaks, with field paths, and every text with
    /// a character that WeChat does not take.
    ///
    /// Values of enumerations that the catalogue does not know pass: WeChat may know them. The
    /// file of an upload is looked at, too: its name, its size and its first bytes.
    fn violations(&self) -> Vec<Violation> {
        any(self).violations()
    }

    /// Returns the values that no error text may quote: personal data, credentials, and what stands
    /// in members that the catalogue does not know.
    fn private_values(&self) -> Vec<String> {
        any(self).private_values()
    }

    /// Returns every documented limit that the request breaks, unknown values of enumerations
    /// included. This is the view of a server, which judges files by rules of its own.
    fn strict_violations(&self) -> Vec<Violation> {
        any(self).strict_violations()
    }

    /// Turns the request into what goes over HTTP.
    ///
    /// # Errors
    ///
    /// Fails if a sensitive field is still plain.
    #[expect(
        clippy::wrong_self_convention,
        reason = "the counterpart of `from_`; a retry needs the message again"
    )]
    fn into_http(&self) -> Result<Outgoing, EncodeError> {
        any(self).to_http()
    }

    /// Reads a request whose path matched [`Operation::path`].
    ///
    /// # Errors
    ///
    /// Fails if the path does not match, a parameter cannot be decoded or the body is not the
    /// documented JSON; the error names the place.
    fn from_http(incoming: Incoming<'_>) -> Result<Self, DecodeError> {
        let mut request = Self::default();
        read_request(&mut request, incoming, |request, body| {
            json::read(request, body).map_err(DecodeError::json)
        })?;
        Ok(request)
    }

    /// The same for a server that does not mind every deviation from the documented types: reads
    /// what can be read of the body and tells each [`Deviation`], `null` included. Which of them
    /// are refused is up to the server.
    ///
    /// # Errors
    ///
    /// Fails if the path does not match, a parameter cannot be decoded or the body is not one JSON
    /// object.
    fn from_http_tolerant(incoming: Incoming<'_>) -> Result<(Self, Vec<Deviation>), DecodeError> {
        let mut request = Self::default();
        let mut deviations = Vec::new();
        read_request(&mut request, incoming, |request, body| {
            deviations = read_tolerantly(request, body)?;
            Ok(())
        })?;
        Ok((request, deviations))
    }
}

fn any<E: Endpoint>(request: &E) -> &dyn AnyEndpoint {
    request
}

fn any_mut<E: Endpoint>(request: &mut E) -> &mut dyn AnyEndpoint {
    request
}

/// The body of a successful answer.
pub trait Answer: Object {
    /// Turns the answer into the body of an HTTP response; empty for [`NoContent`].
    ///
    /// # Errors
    ///
    /// Fails if a sensitive field is still plain.
    #[expect(
        clippy::wrong_self_convention,
        reason = "the counterpart of `from_`; a retry needs the message again"
    )]
    fn into_body(&self) -> Result<Bytes, EncodeError> {
        write_answer(self)
    }

    /// Reads the body of an HTTP response; an empty body is an answer without members.
    ///
    /// Reading is tolerant: a member that is not of its documented type is read if nothing is lost,
    /// and else kept in `extra` of its object.
    ///
    /// # Errors
    ///
    /// Fails if the body is not one JSON object.
    fn from_body(body: &[u8]) -> Result<Self, DecodeError> {
        Self::read_body(body).map(|(answer, _)| answer)
    }

    /// The same, and tells what is not as documented.
    ///
    /// # Errors
    ///
    /// Fails if the body is not one JSON object.
    fn read_body(body: &[u8]) -> Result<(Self, Vec<Deviation>), DecodeError> {
        read_answer(Self::default, |answer| answer, body)
    }

    /// Returns every member that the catalogue requires and the answer lacks, and every
    /// documented limit that it breaks.
    fn strict_violations(&self) -> Vec<Violation> {
        let mut checker = Checker::strict();
        checker.check(self);
        checker.finish()
    }
}

/// Reads a new answer; an empty body is an answer without members.
pub(crate) fn read_answer<M>(
    new: impl Fn() -> M,
    record: impl Fn(&mut M) -> &mut dyn Record,
    body: &[u8],
) -> Result<(M, Vec<Deviation>), DecodeError> {
    if body.is_empty() {
        Ok((new(), Vec::new()))
    } else {
        tolerant::read(new, record, body)
    }
}

/// Writes an answer; one of which no member is documented has no body.
pub(crate) fn write_answer(answer: &dyn Record) -> Result<Bytes, EncodeError> {
    if answer.shape().members.is_empty() {
        return Ok(Bytes::new());
    }
    json::write(answer).map(Bytes::from).map_err(EncodeError)
}

/// The answer of operations that return nothing (HTTP 204).
#[kabao_derive::answer(answer)]
pub struct NoContent {}

/// A request ready to be signed and sent.
#[derive(Clone)]
pub struct Outgoing {
    /// The HTTP method.
    pub method: Method,
    /// Path and query, percent-encoded once; these bytes are signed and sent.
    pub target: String,
    /// The `Content-Type`, absent without a body.
    pub content_type: Option<String>,
    /// The body; these bytes are sent.
    pub body: Bytes,
    /// What is signed in place of the body: the body itself, or the `meta` part of an upload.
    pub signed: Bytes,
}

/// Shows sizes only: target and body hold personal data.
impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("method", &self.method)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// A request or answer could not be written as JSON.
#[derive(Debug)]
pub struct EncodeError(pub(crate) serde_json::Error);

impl EncodeError {
    /// A sensitive field was still plain.
    pub(crate) fn plain() -> Self {
        Self(serde::ser::Error::custom(
            "a sensitive field was not encrypted before it was written",
        ))
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the message cannot be written as JSON")
    }
}

impl std::error::Error for EncodeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// Where a message failed to parse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// The path or a path parameter.
    Path,
    /// A query parameter.
    Query,
    /// The body.
    Body,
}

/// A request or answer is not what the catalogue describes.
///
/// The text names places and JSON types, never values.
#[derive(Debug)]
pub struct DecodeError {
    location: Location,
    field: Option<String>,
    issue: String,
    /// Line and column of a JSON error.
    position: Option<(usize, usize)>,
    /// What the documents want of the member at that place.
    expected: Option<String>,
}

impl DecodeError {
    pub(crate) fn route() -> Self {
        Self::at(
            Location::Path,
            None,
            "the path does not belong to the operation",
        )
    }

    pub(crate) fn path(name: &str) -> Self {
        Self::at(
            Location::Path,
            Some(name),
            "the path parameter is not UTF-8",
        )
    }

    pub(crate) fn query(name: &str) -> Self {
        Self::at(
            Location::Query,
            Some(name),
            "the query parameter is not UTF-8",
        )
    }

    pub(crate) fn path_type(name: &str) -> Self {
        Self::at(
            Location::Path,
            Some(name),
            "the path parameter has the wrong type",
        )
    }

    pub(crate) fn query_type(name: &str) -> Self {
        Self::at(
            Location::Query,
            Some(name),
            "the query parameter has the wrong type",
        )
    }

    pub(crate) fn body(issue: impl Into<String>) -> Self {
        Self::at(Location::Body, None, issue)
    }

    pub(crate) fn json(error: serde_json::Error) -> Self {
        let mut this = Self::at(
            Location::Body,
            None,
            match error.classify() {
                serde_json::error::Category::Data => "a member has the wrong JSON type",
                serde_json::error::Category::Eof => "the JSON ends early",
                _ => "the body is not JSON",
            },
        );
        this.position = Some((error.line(), error.column()));
        this.expected = expected(&error.to_string()).map(str::to_owned);
        this
    }

    fn at(location: Location, field: Option<&str>, issue: impl Into<String>) -> Self {
        Self {
            location,
            field: field.map(str::to_owned),
            issue: issue.into(),
            position: None,
            expected: None,
        }
    }

    /// Returns the part of the message that failed.
    pub fn location(&self) -> Location {
        self.location
    }

    /// Returns the parameter that failed, if it is known.
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// Returns line and column, both from 1, of the place where the JSON failed.
    pub fn position(&self) -> Option<(usize, usize)> {
        self.position
    }

    /// Returns what the documents want of the member that has another type, in words: `an integer`.
    pub fn expected(&self) -> Option<&str> {
        self.expected.as_deref()
    }
}

/// Finds what was expected in a text like "invalid type: string "x", expected i64 at line 1 column
/// 9", and says it in the words of [`crate::Deviation::expected`].
fn expected(text: &str) -> Option<&str> {
    let (_, rest) = text.rsplit_once(", expected ")?;
    let what = rest.rsplit_once(" at line ").map_or(rest, |(what, _)| what);
    Some(match what {
        "i64" => "an integer",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object",
        "a string" => "a text",
        other => other,
    })
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.issue)?;
        if let Some(field) = &self.field {
            write!(f, " ({field})")?;
        }
        if let Some((line, column)) = self.position {
            write!(f, " at line {line}, column {column}")?;
        }
        Ok(())
    }
}

impl std::error::Error for DecodeError {}
