//! Operations as types that work in both directions of HTTP.

use std::any::Any;

use bytes::Bytes;

use crate::any::{read_answer, read_request, write_answer};
use crate::check::Checker;
use crate::error::{DecodeError, EncodeError};
use crate::http_request::{Incoming, Outgoing};
use crate::json;
use crate::object::Object;
use crate::operation::{AnyAnswer, AnyEndpoint, Operation};
use crate::private::Secret;
use crate::tolerant::{self, Deviation};
use crate::upload::UploadedFile;
use crate::violation::Violation;

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
            deviations = tolerant::read(request, body)?;
            Ok(())
        })?;
        Ok((request, deviations))
    }
}

impl<E: Endpoint> AnyEndpoint for E {
    fn operation(&self) -> &'static Operation {
        E::OPERATION
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

impl<A: Answer> AnyAnswer for A {
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }

    fn copied(&self) -> Box<dyn AnyAnswer> {
        Box::new(self.clone())
    }
}

/// The answer of operations that return nothing (HTTP 204).
#[kabao_derive::answer(answer)]
pub struct NoContent {}
