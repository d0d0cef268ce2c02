//! Operations as types that work in both directions of HTTP.

use std::fmt;

use bytes::Bytes;
use http::Method;

use crate::check::{Check, Checker};
use crate::multipart::Multipart;
use crate::object::{Members, Object, parse};
use crate::operation::{Body, Operation, Repeat};
use crate::params::{Incoming, Params, ParamsIn};
use crate::sensitive::VisitSensitive;
use crate::tolerant::{self, Deviation, read_tolerantly};
use crate::upload::UploadedFile;
use crate::violation::Violation;
use crate::{Extra, Secret, Subject, multipart};

/// A request of one operation.
///
/// A client calls [`Endpoint::into_http`], a server [`Endpoint::from_http`]; the answer type is
/// an [`Answer`], which also works in both directions.
pub trait Endpoint: Object + Check + VisitSensitive {
    /// What a successful answer contains.
    type Answer: Answer;

    /// What is known of the operation besides its fields.
    const OPERATION: &'static Operation;

    /// Writes path and query parameters.
    fn params(&self, params: &mut Params);

    /// Reads path and query parameters.
    ///
    /// # Errors
    ///
    /// Fails if a parameter cannot be decoded.
    fn set_params(&mut self, params: &mut ParamsIn<'_>) -> Result<(), DecodeError>;

    /// Returns the parts of a `multipart/form-data` body; `None` for every other body.
    ///
    /// # Errors
    ///
    /// Fails if the JSON part cannot be written.
    fn multipart(&self) -> Result<Option<Multipart>, EncodeError> {
        Ok(None)
    }

    /// Takes over the parts of a `multipart/form-data` body.
    ///
    /// # Errors
    ///
    /// Fails if the JSON part does not parse.
    fn set_multipart(&mut self, parts: Multipart) -> Result<(), DecodeError> {
        let _ = parts;
        Ok(())
    }

    /// Returns the file of an upload.
    fn file(&self) -> Option<UploadedFile<'_>> {
        None
    }

    /// Fills in the digest of an uploaded file where the caller left it out. `sha256` returns 64
    /// lower-case hexadecimal digits.
    fn fill_digest(&mut self, sha256: &dyn Fn(&[u8]) -> String) {
        let _ = sha256;
    }

    /// Fills in AppID and app secret where the caller left them out, for operations whose
    /// parameters are the credentials themselves: callers hold no secret.
    fn fill_credentials(&mut self, appid: &str, secret: &Secret) {
        let _ = (appid, secret);
    }

    /// Returns the number that identifies one intended change, where the request carries one.
    fn request_number(&self) -> Option<&str> {
        None
    }

    /// Returns true if sending this very request twice does no more than sending it once.
    fn is_safe_to_repeat(&self) -> bool {
        match Self::OPERATION.repeat {
            Repeat::Harmless => true,
            Repeat::Numbered => self
                .request_number()
                .is_some_and(|number| !number.is_empty()),
            Repeat::Harmful => false,
        }
    }

    /// Compares what the request names with what the answer names.
    fn compare_subject(&self, answer: &Self::Answer, subject: &mut Subject) {
        let _ = (answer, subject);
    }

    /// Returns every documented limit that the request breaks, with field paths, and every text with
    /// a character that WeChat does not take.
    ///
    /// Values of enumerations that the catalogue does not know pass: WeChat may know them. The
    /// file of an upload is looked at, too: its name, its size and its first bytes.
    fn violations(&self) -> Vec<Violation> {
        let mut checker = Checker::sending(Self::OPERATION.family);
        self.check(&mut checker);
        if let (Some(limits), Some(file)) = (&Self::OPERATION.upload, self.file()) {
            limits.check(&file, &mut checker);
        }
        checker.finish()
    }

    /// Returns the values that no error text may quote: personal data, credentials, and what stands
    /// in members that the catalogue does not know.
    fn private_values(&self) -> Vec<String> {
        let mut checker = Checker::collecting();
        self.check(&mut checker);
        checker.into_private()
    }

    /// Returns every documented limit that the request breaks, unknown values of enumerations
    /// included. This is the view of a server, which judges files by rules of its own.
    fn strict_violations(&self) -> Vec<Violation> {
        let mut checker = Checker::strict();
        self.check(&mut checker);
        checker.finish()
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
        let mut params = Params::new(Self::OPERATION.path);
        self.params(&mut params);
        let target = params.finish()?;
        let method = Self::OPERATION.method.clone();
        match Self::OPERATION.body {
            Body::Empty => Ok(Outgoing {
                method,
                target,
                content_type: None,
                body: Bytes::new(),
                signed: Bytes::new(),
            }),
            Body::Json => {
                let body = Bytes::from(serde_json::to_vec(self).map_err(EncodeError)?);
                Ok(Outgoing {
                    method,
                    target,
                    content_type: Some("application/json".to_owned()),
                    signed: body.clone(),
                    body,
                })
            }
            Body::Multipart => {
                let parts = self.multipart()?.unwrap_or_default();
                let signed = parts.signed();
                let (content_type, body) = multipart::write(&parts);
                Ok(Outgoing {
                    method,
                    target,
                    content_type: Some(content_type),
                    body,
                    signed,
                })
            }
        }
    }

    /// Reads a request whose path matched [`Operation::path`].
    ///
    /// # Errors
    ///
    /// Fails if the path does not match, a parameter cannot be decoded or the body is not the
    /// documented JSON; the error names the place.
    fn from_http(incoming: Incoming<'_>) -> Result<Self, DecodeError> {
        read_request(incoming, |body| parse(body).map_err(DecodeError::json))
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
        let mut deviations = Vec::new();
        let request = read_request(incoming, |body| {
            let (request, found) = read_tolerantly(body)?;
            deviations = found;
            Ok(request)
        })?;
        Ok((request, deviations))
    }
}

fn read_request<E: Endpoint>(
    incoming: Incoming<'_>,
    read_body: impl FnOnce(&[u8]) -> Result<E, DecodeError>,
) -> Result<E, DecodeError> {
    let path_values = E::OPERATION
        .match_path(incoming.path)
        .ok_or_else(DecodeError::route)?;
    let mut params = ParamsIn::new(path_values, incoming.query)?;
    let mut request = match E::OPERATION.body {
        Body::Empty => E::default(),
        Body::Json if incoming.body.is_empty() => E::default(),
        Body::Json => read_body(incoming.body)?,
        Body::Multipart => {
            let parts = multipart::read(incoming.content_type.unwrap_or_default(), incoming.body)
                .map_err(|error| DecodeError::body(error.to_string()))?;
            let mut request = E::default();
            request.set_multipart(parts)?;
            request
        }
    };
    request.set_params(&mut params)?;
    Ok(request)
}

/// The body of a successful answer.
pub trait Answer: Object + Check + VisitSensitive {
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
        serde_json::to_vec(self)
            .map(Bytes::from)
            .map_err(EncodeError)
    }

    /// Reads the body of an HTTP response; an empty body is an answer without members.
    ///
    /// Reading is tolerant: a member that is not of its documented type is read if nothing is lost,
    /// and else kept in [`Object::extra`] of its object.
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
        if body.is_empty() {
            Ok((Self::default(), Vec::new()))
        } else {
            tolerant::read(body)
        }
    }

    /// Returns every member that the catalogue requires and the answer lacks, and every
    /// documented limit that it breaks.
    fn strict_violations(&self) -> Vec<Violation> {
        let mut checker = Checker::strict();
        self.check(&mut checker);
        checker.finish()
    }
}

/// The answer of operations that return nothing (HTTP 204).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoContent {
    extra: Extra,
}

impl Object for NoContent {
    const MEMBERS: &'static [&'static str] = &[];

    fn read_member<M: Members>(&mut self, _: &str, _: &mut M) -> Result<bool, M::Error> {
        Ok(false)
    }

    fn write_members<M: serde::ser::SerializeMap>(&self, _: &mut M) -> Result<(), M::Error> {
        Ok(())
    }

    fn extra(&self) -> &Extra {
        &self.extra
    }

    fn extra_mut(&mut self) -> &mut Extra {
        &mut self.extra
    }
}

crate::object::object!(NoContent);

impl Check for NoContent {
    fn check(&self, _: &mut Checker) {}
}

impl VisitSensitive for NoContent {}

impl Answer for NoContent {
    fn into_body(&self) -> Result<Bytes, EncodeError> {
        Ok(Bytes::new())
    }
}

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
        this
    }

    fn at(location: Location, field: Option<&str>, issue: impl Into<String>) -> Self {
        Self {
            location,
            field: field.map(str::to_owned),
            issue: issue.into(),
            position: None,
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

/// Does something with the request type of an operation that is known only by its id.
pub trait OperationVisitor {
    /// What the visit gives.
    type Output;

    /// Is called with the request type.
    fn visit<E: Endpoint>(self) -> Self::Output;
}
