//! Family messages on the wire of protobuf: read into models and written from them, by the tables
//! of their fields.
//!
//! There are no types for these messages beside the models. Field numbers, kinds and presence stand
//! in the table of each model ([`Shape`](kabao_models::Shape)), so reading and writing exist once.
//! What the tables do not tell is the same everywhere: a request has the field `account`, and every
//! message but a request without a JSON body has the field `extra`.
//!
//! A proto message cannot express everything that JSON can: a member that this version does not know,
//! a value that an enumeration does not know, a list that is present but empty, a member of an answer
//! that is not of its documented type. Those travel in `extra` as JSON texts by member name, the first
//! three in both directions, so that nothing is lost.

mod read;
mod write;

use kabao_api::{AccountId, Error, FieldViolation, Reason};
use kabao_models::{AnyAnswer, AnyEndpoint, Body, Operation, Record};

pub(crate) use self::read::Malformed;

/// The number of the field `account` of a request.
const ACCOUNT: u32 = 1;

/// The number of the field `extra`.
const EXTRA: u32 = 1000;

/// The fields that a message has besides those of its table.
#[derive(Clone, Copy, Debug)]
struct Besides {
    account: bool,
    extra: bool,
}

impl Besides {
    /// Those of an object, of the payload of a notification, and of an answer that has members.
    const MESSAGE: Self = Self {
        account: false,
        extra: true,
    };

    fn of_request(operation: &Operation) -> Self {
        Self {
            account: true,
            extra: operation.body == Body::Json,
        }
    }

    fn of_answer(operation: &Operation) -> Self {
        Self {
            account: false,
            extra: !operation.answer.fields.is_empty(),
        }
    }
}

/// What a message asks for.
pub(crate) struct Asked {
    /// The field `account`.
    pub(crate) account: String,
    /// The request, as far as it can be read.
    pub(crate) request: Box<dyn AnyEndpoint>,
    /// What the message cannot mean.
    unread: Vec<FieldViolation>,
}

impl Asked {
    /// Returns the request.
    ///
    /// A message that can mean nothing is refused with all that is wrong: what cannot be read, and the
    /// documented limits that the rest breaks. Otherwise the limits are checked where every caller
    /// passes, in front of the pipeline.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, if something cannot be read.
    pub(crate) fn finish(self) -> Result<Box<dyn AnyEndpoint>, Vec<FieldViolation>> {
        if self.unread.is_empty() {
            return Ok(self.request);
        }
        let mut violations = self.unread;
        for violation in self.request.violations() {
            // What could not be read is missing only because of that.
            if violations
                .iter()
                .all(|known| known.field != violation.field)
            {
                violations.push(violation.into());
            }
        }
        Err(violations)
    }
}

/// Reads the message of a request.
///
/// # Errors
///
/// Fails if the bytes are no message.
pub(crate) fn read_request(operation: &Operation, message: &[u8]) -> Result<Asked, Malformed> {
    let mut request = operation.new_request();
    let (account, unread) = read::read(&mut *request, message, Besides::of_request(operation))?;
    Ok(Asked {
        account,
        request,
        unread,
    })
}

/// Reads a request that stands in another message into an empty one, without its limits; returns its
/// field `account` and what it cannot mean.
///
/// # Errors
///
/// Fails if the bytes are no message.
pub(crate) fn read_inner(
    request: &mut dyn AnyEndpoint,
    message: &[u8],
) -> Result<(String, Vec<FieldViolation>), Malformed> {
    let besides = Besides::of_request(request.operation());
    read::read(request, message, besides)
}

/// Writes the message of an answer.
pub(crate) fn write_answer(operation: &Operation, answer: &dyn AnyAnswer) -> Vec<u8> {
    write::write(answer, Besides::of_answer(operation))
}

/// Writes an answer or an object that stands in another message.
pub(crate) fn write_inner(record: &dyn Record) -> Vec<u8> {
    write::write(record, Besides::MESSAGE)
}

/// Parses the field `account`.
pub(crate) fn account_id(name: &str) -> Result<AccountId, Error> {
    let refuse = |description: &str| {
        Error::violated(
            Reason::NameInvalid,
            [FieldViolation::new("account", description)],
        )
    };
    if name.is_empty() {
        return Err(refuse("is required"));
    }
    name.strip_prefix("accounts/")
        .and_then(|id| id.parse().ok())
        .ok_or_else(|| refuse("must be the name of an account: accounts/{account}"))
}

#[cfg(test)]
mod tests;
