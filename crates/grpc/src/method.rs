//! One row of the table of methods.

use std::fmt;

use bytes::Bytes;
use kabao_models::{AnyAnswer, AnyEndpoint, Kind, Operation, Record, Value};
use prost::Message;

use crate::wire;

/// A method of a family service.
pub(crate) struct Method {
    /// The path of its calls: `/package.Service/Method`.
    pub(crate) path: &'static str,
    /// The operation that it requests.
    pub(crate) operation: &'static Operation,
}

/// A piece of a file: the message that callers of every upload send.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(crate) struct Chunk {
    #[prost(string, tag = "1")]
    pub(crate) account: String,
    #[prost(string, tag = "2")]
    pub(crate) filename: String,
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) content: Bytes,
}

impl Method {
    /// Returns the full name of the service.
    pub(crate) fn service(&self) -> &'static str {
        let name = self.path.trim_start_matches('/');
        name.split_once('/').map_or(name, |(service, _)| service)
    }

    /// Returns the request that uploads a file: it goes into the first field that takes one, its name
    /// into the JSON part or, where there is none, beside it.
    pub(crate) fn upload(&self, filename: String, file: Bytes) -> Box<dyn AnyEndpoint> {
        let mut request = self.operation.new_request();
        let record: &mut dyn Record = &mut *request;
        let mut fields = record.shape().fields.iter();
        let place = fields.position(|field| matches!(field.kind, Kind::Bytes));
        if let Some(slot) = place.and_then(|place| record.slot(place)) {
            slot.set(Value::Bytes(file));
        }
        let name_field = self
            .operation
            .upload
            .as_ref()
            .map(|upload| upload.name_field);
        let slot = match name_field.unwrap_or_default().split_once('.') {
            Some((part, name)) => record
                .named_slot(part)
                .and_then(|part| part.object())
                .and_then(|part| part.named_slot(name)),
            None => record.named_slot(name_field.unwrap_or_default()),
        };
        if let Some(slot) = slot {
            slot.set(Value::Text(filename.into()));
        }
        request
    }

    /// Returns the message of an answer, if it is one of the operation.
    pub(crate) fn answer(&self, answer: &dyn AnyAnswer) -> Option<Vec<u8>> {
        let (given, own) = (answer.shape(), self.operation.answer);
        let is_own = given.name == own.name && given.members == own.members;
        is_own.then(|| wire::write_answer(self.operation, answer))
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path)
    }
}

/// Lists methods by the services and the modules of their operations.
macro_rules! methods {
    ($($service:literal of $family:ident::$resource:ident { $($method:literal $operation:ident,)* })*) => {
        &[$($($crate::method::Method {
            path: concat!("/", $service, "/", $method),
            operation: &kabao_models::$family::$resource::$operation,
        },)*)*]
    };
}

pub(crate) use methods;
