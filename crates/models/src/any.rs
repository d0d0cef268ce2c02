//! Endpoints and answers behind object-safe traits, so that one pipeline serves all operations
//! and can be mocked.

use std::any::Any;

use crate::endpoint::{Answer, DecodeError, EncodeError, Endpoint, Outgoing};
use crate::object::Object as _;
use crate::operation::Operation;
use crate::private::Secret;
use crate::sensitive::Sensitive;
use crate::subject::Subject;
use crate::tolerant::Deviation;
use crate::violation::Violation;

/// A request of any operation. Implemented by every [`Endpoint`].
pub trait AnyEndpoint: Any + Send + Sync {
    /// Returns what is known of the operation.
    fn operation(&self) -> &'static Operation;

    /// See [`Endpoint::fill_digest`].
    fn fill_digest(&mut self, sha256: &dyn Fn(&[u8]) -> String);

    /// See [`Endpoint::fill_credentials`].
    fn fill_credentials(&mut self, appid: &str, secret: &Secret);

    /// See [`Endpoint::violations`].
    fn violations(&self) -> Vec<Violation>;

    /// See [`Endpoint::private_values`]. Fields that are encrypted already are left out.
    fn private_values(&self) -> Vec<String>;

    /// Visits the fields that must be encrypted before [`AnyEndpoint::to_http`].
    fn visit_sensitive(&mut self, visit: &mut dyn FnMut(&mut Sensitive));

    /// See [`Endpoint::into_http`].
    ///
    /// # Errors
    ///
    /// Fails if a sensitive field is still plain.
    fn to_http(&self) -> Result<Outgoing, EncodeError>;

    /// See [`Endpoint::request_number`].
    fn request_number(&self) -> Option<&str>;

    /// See [`Endpoint::is_safe_to_repeat`].
    fn is_safe_to_repeat(&self) -> bool;

    /// Returns the members that the answer of the operation is documented to have.
    fn answer_members(&self) -> &'static [&'static str];

    /// Returns the first member by which an answer shows that it is about something else than was
    /// asked for.
    fn foreign_subject(&self, answer: &dyn AnyAnswer) -> Option<&'static str>;

    /// Reads the body of a verified answer; see [`Answer::read_body`].
    ///
    /// # Errors
    ///
    /// Fails if the body is not one JSON object.
    fn decode_answer(&self, body: &[u8]) -> Result<Decoded, DecodeError>;

    /// Returns the request for a downcast.
    fn as_any(&self) -> &dyn Any;
}

impl<E: Endpoint> AnyEndpoint for E {
    fn operation(&self) -> &'static Operation {
        E::OPERATION
    }

    fn fill_digest(&mut self, sha256: &dyn Fn(&[u8]) -> String) {
        Endpoint::fill_digest(self, sha256);
    }

    fn fill_credentials(&mut self, appid: &str, secret: &Secret) {
        Endpoint::fill_credentials(self, appid, secret);
    }

    fn violations(&self) -> Vec<Violation> {
        Endpoint::violations(self)
    }

    fn private_values(&self) -> Vec<String> {
        Endpoint::private_values(self)
    }

    fn visit_sensitive(&mut self, visit: &mut dyn FnMut(&mut Sensitive)) {
        crate::VisitSensitive::visit_sensitive(self, visit);
    }

    fn to_http(&self) -> Result<Outgoing, EncodeError> {
        self.into_http()
    }

    fn request_number(&self) -> Option<&str> {
        Endpoint::request_number(self)
    }

    fn is_safe_to_repeat(&self) -> bool {
        Endpoint::is_safe_to_repeat(self)
    }

    fn answer_members(&self) -> &'static [&'static str] {
        E::Answer::MEMBERS
    }

    fn foreign_subject(&self, answer: &dyn AnyAnswer) -> Option<&'static str> {
        let answer: &dyn Any = answer;
        let mut subject = Subject::default();
        self.compare_subject(answer.downcast_ref()?, &mut subject);
        subject.foreign()
    }

    fn decode_answer(&self, body: &[u8]) -> Result<Decoded, DecodeError> {
        let (answer, deviations) = E::Answer::read_body(body)?;
        Ok(Decoded {
            answer: Box::new(answer),
            deviations,
        })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// An answer, and what of it is not as documented.
pub struct Decoded {
    /// The answer.
    pub answer: Box<dyn AnyAnswer>,
    /// Its deviations; their paths may be logged.
    pub deviations: Vec<Deviation>,
}

/// An answer of any operation. Implemented by every [`Answer`].
pub trait AnyAnswer: Any + Send {
    /// Visits the fields that arrived encrypted.
    fn visit_sensitive(&mut self, visit: &mut dyn FnMut(&mut Sensitive));

    /// Returns the answer for a downcast.
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send>;
}

impl<A: Answer> AnyAnswer for A {
    fn visit_sensitive(&mut self, visit: &mut dyn FnMut(&mut Sensitive)) {
        crate::VisitSensitive::visit_sensitive(self, visit);
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}
