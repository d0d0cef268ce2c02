//! What is done with requests and answers of any operation, so that one pipeline and one server serve all
//! of them.

use std::any::Any;

use bytes::Bytes;

use crate::check::Checker;
use crate::error::{DecodeError, EncodeError};
use crate::http_request::{Incoming, Outgoing};
use crate::json;
use crate::multipart::{self, Multipart};
use crate::operation::{AnyAnswer, AnyEndpoint, Body, Repeat};
use crate::params::{Params, ParamsIn};
use crate::private::Secret;
use crate::record::{Record, Value};
use crate::sensitive::Sensitive;
use crate::subject;
use crate::tolerant::{self, Deviation};
use crate::upload::UploadedFile;
use crate::violation::Violation;

impl<'r> dyn AnyEndpoint + 'r {
    /// See [`crate::Endpoint::file`].
    pub fn file(&self) -> Option<UploadedFile<'_>> {
        multipart::file(self, self.operation().upload.as_ref()?)
    }

    /// See [`crate::Endpoint::fill_digest`].
    pub fn fill_digest(&mut self, sha256: &dyn Fn(&[u8]) -> String) {
        if self.operation().upload.is_some() {
            multipart::fill_digest(self, sha256);
        }
    }

    /// See [`crate::Endpoint::fill_credentials`].
    pub fn fill_credentials(&mut self, appid: &str, secret: &Secret) {
        for name in self.operation().credentials() {
            let value = match *name {
                "appid" => appid,
                "secret" => secret.expose(),
                _ => "client_credential",
            };
            let record: &mut dyn Record = self;
            if record.named(name).is_absent()
                && let Some(slot) = record.named_slot(name)
            {
                slot.set(Value::Text(value.into()));
            }
        }
    }

    /// See [`crate::Endpoint::request_number`].
    pub fn request_number(&self) -> Option<&str> {
        let record: &dyn Record = self;
        record.named(self.operation().request_number?).text()
    }

    /// See [`crate::Endpoint::is_safe_to_repeat`].
    pub fn is_safe_to_repeat(&self) -> bool {
        let (operation, record): (_, &dyn Record) = (self.operation(), self);
        match operation.repeat {
            Repeat::Harmless => {
                let mut members = operation.repeat_unless.iter();
                members.all(|name| record.named(name).is_absent())
            }
            Repeat::Numbered => self
                .request_number()
                .is_some_and(|number| !number.is_empty()),
            Repeat::Harmful => false,
        }
    }

    /// See [`crate::Endpoint::violations`].
    pub fn violations(&self) -> Vec<Violation> {
        let operation = self.operation();
        let mut checker = Checker::sending(operation.family);
        checker.check(self);
        if let (Some(limits), Some(file)) = (&operation.upload, self.file()) {
            checker.check_file(limits, &file);
        }
        checker.finish()
    }

    /// See [`crate::Endpoint::private_values`]. Fields that are encrypted already are left out.
    pub fn private_values(&self) -> Vec<String> {
        let mut checker = Checker::collecting();
        checker.check(self);
        checker.into_private()
    }

    /// See [`crate::Endpoint::strict_violations`].
    pub fn strict_violations(&self) -> Vec<Violation> {
        let mut checker = Checker::strict();
        checker.check(self);
        checker.finish()
    }

    /// Visits the fields that must be encrypted before `to_http`.
    pub fn visit_sensitive(&mut self, visit: &mut dyn FnMut(&mut Sensitive)) {
        let record: &mut dyn Record = self;
        record.visit_sensitive(visit);
    }

    /// See [`crate::Endpoint::into_http`].
    ///
    /// # Errors
    ///
    /// Fails if a sensitive field is still plain.
    pub fn to_http(&self) -> Result<Outgoing, EncodeError> {
        let operation = self.operation();
        let mut params = Params::new(operation.path);
        params.write(self);
        let target = params.finish()?;
        let (content_type, body, signed) = match operation.body {
            Body::Empty => (None, Bytes::new(), Bytes::new()),
            Body::Json => {
                let body = Bytes::from(json::write(self).map_err(EncodeError)?);
                (Some("application/json".to_owned()), body.clone(), body)
            }
            Body::Multipart => {
                let parts = match &operation.upload {
                    Some(upload) => multipart::parts(self, upload)?,
                    None => Multipart::default(),
                };
                let (content_type, body) = multipart::write(&parts);
                (Some(content_type), body, parts.signed())
            }
        };
        Ok(Outgoing {
            method: operation.method.clone(),
            target,
            content_type,
            body,
            signed,
        })
    }

    /// Reads a request into an empty one; see [`crate::Endpoint::from_http`].
    ///
    /// # Errors
    ///
    /// Fails if the path does not match, a parameter cannot be decoded or the body is not the
    /// documented JSON; the error names the place.
    pub fn read_http(&mut self, incoming: Incoming<'_>) -> Result<(), DecodeError> {
        read_request(self, incoming, |request, body| {
            json::read(request, body).map_err(DecodeError::json)
        })
    }

    /// Reads a request into an empty one; see [`crate::Endpoint::from_http_tolerant`].
    ///
    /// # Errors
    ///
    /// Fails if the path does not match, a parameter cannot be decoded or the body is not one JSON
    /// object.
    pub fn read_http_tolerantly(
        &mut self,
        incoming: Incoming<'_>,
    ) -> Result<Vec<Deviation>, DecodeError> {
        let mut deviations = Vec::new();
        read_request(self, incoming, |request, body| {
            deviations = tolerant::read(request, body)?;
            Ok(())
        })?;
        Ok(deviations)
    }

    /// Returns the members that the answer of the operation is documented to have.
    pub fn answer_members(&self) -> &'static [&'static str] {
        self.operation().answer.members
    }

    /// Returns the first member by which an answer shows that it is about something else than was
    /// asked for.
    pub fn foreign_subject(&self, answer: &dyn AnyAnswer) -> Option<&'static str> {
        subject::foreign(self.operation(), self, answer)
    }

    /// Reads the body of a verified answer; see [`crate::Answer::read_body`].
    ///
    /// # Errors
    ///
    /// Fails if the body is not one JSON object.
    pub fn decode_answer(&self, body: &[u8]) -> Result<Decoded, DecodeError> {
        let operation = self.operation();
        let (answer, deviations) =
            read_answer(|| operation.new_answer(), |answer| &mut **answer, body)?;
        Ok(Decoded { answer, deviations })
    }
}

impl dyn AnyEndpoint {
    /// Returns the request for a downcast.
    pub fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Reads path, query and body.
pub(crate) fn read_request<'i>(
    request: &mut dyn AnyEndpoint,
    incoming: Incoming<'i>,
    read_body: impl FnOnce(&mut dyn Record, &'i [u8]) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    let operation = request.operation();
    let path_values = operation
        .match_path(incoming.path)
        .ok_or_else(DecodeError::route)?;
    let mut params = ParamsIn::new(path_values, incoming.query)?;
    match operation.body {
        Body::Json if !incoming.body.is_empty() => read_body(request, incoming.body)?,
        Body::Empty | Body::Json => {}
        Body::Multipart => {
            let parts = multipart::read(incoming.content_type.unwrap_or_default(), incoming.body)
                .map_err(|error| DecodeError::body(error.to_string()))?;
            multipart::take(request, parts)?;
        }
    }
    params.read(request)
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
        json::read_received(new, record, body)
    }
}

/// Writes an answer; one of which no member is documented has no body.
pub(crate) fn write_answer(answer: &dyn Record) -> Result<Bytes, EncodeError> {
    if answer.shape().members.is_empty() {
        return Ok(Bytes::new());
    }
    json::write(answer).map(Bytes::from).map_err(EncodeError)
}

/// An answer, and what of it is not as documented.
pub struct Decoded {
    /// The answer.
    pub answer: Box<dyn AnyAnswer>,
    /// Its deviations; their paths may be logged.
    pub deviations: Vec<Deviation>,
}

impl<'r> dyn AnyAnswer + 'r {
    /// Visits the fields that arrived encrypted.
    pub fn visit_sensitive(&mut self, visit: &mut dyn FnMut(&mut Sensitive)) {
        let record: &mut dyn Record = self;
        record.visit_sensitive(visit);
    }

    /// See [`crate::Answer::strict_violations`].
    pub fn strict_violations(&self) -> Vec<Violation> {
        let mut checker = Checker::strict();
        checker.check(self);
        checker.finish()
    }

    /// See [`crate::Answer::into_body`].
    ///
    /// # Errors
    ///
    /// Fails if a sensitive field is still plain.
    pub fn to_body(&self) -> Result<Bytes, EncodeError> {
        write_answer(self)
    }
}
