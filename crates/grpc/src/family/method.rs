//! One row of the table of methods.

use std::fmt;

use bytes::Bytes;
use kabao_api::FieldViolation;
use kabao_models::{AnyAnswer, AnyEndpoint, Endpoint, Operation};
use prost::{DecodeError, Message};

use crate::convert::{FamilyRequest, FromModel, IntoModel, Reader, UploadChunk};

/// A method of a family service.
pub(crate) struct Method {
    /// The path of its calls: `/package.Service/Method`.
    pub(crate) path: &'static str,
    /// The operation that it requests.
    pub(crate) operation: &'static Operation,
    /// What callers send.
    pub(crate) takes: Takes,
    /// Writes the message of an answer, if it is one of this operation.
    pub(crate) write: fn(Box<dyn AnyAnswer>) -> Option<Bytes>,
}

/// What callers of a method send, and how a request is made of it.
#[derive(Clone, Copy)]
pub(crate) enum Takes {
    /// One message.
    Request(Read),
    /// A file in chunks.
    File(Upload),
}

/// Reads the message of a request.
pub(crate) type Read = fn(Bytes) -> Result<Asked, DecodeError>;

/// Makes the request that uploads a file.
#[derive(Clone, Copy)]
pub(crate) struct Upload(pub(crate) fn(String, Bytes) -> Box<dyn AnyEndpoint>);

/// What a message asks for.
pub(crate) struct Asked {
    pub(crate) account: String,
    pub(crate) request: Result<Box<dyn AnyEndpoint>, Vec<FieldViolation>>,
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
    /// A method that takes one message.
    pub(crate) const fn unary<P, R>(path: &'static str) -> Self
    where
        P: FamilyRequest + IntoModel<P::Endpoint> + Message + Default,
        R: FromModel<<P::Endpoint as Endpoint>::Answer> + Message,
    {
        Self {
            path,
            operation: P::Endpoint::OPERATION,
            takes: Takes::Request(read::<P>),
            write: write::<P::Endpoint, R>,
        }
    }

    /// A method that takes a file.
    pub(crate) const fn upload<P, R>(path: &'static str) -> Self
    where
        P: UploadChunk,
        R: FromModel<<P::Endpoint as Endpoint>::Answer> + Message,
    {
        Self {
            path,
            operation: P::Endpoint::OPERATION,
            takes: Takes::File(Upload(|filename, file| {
                Box::new(P::endpoint(filename, file))
            })),
            write: write::<P::Endpoint, R>,
        }
    }

    /// Returns the full name of the service.
    pub(crate) fn service(&self) -> &'static str {
        let name = self.path.trim_start_matches('/');
        name.split_once('/').map_or(name, |(service, _)| service)
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path)
    }
}

fn read<P>(message: Bytes) -> Result<Asked, DecodeError>
where
    P: FamilyRequest + IntoModel<P::Endpoint> + Message + Default,
{
    let message = P::decode(message)?;
    let account = message.account().to_owned();
    let request = Reader::read::<P::Endpoint>(message);
    let request = request.map(|request| -> Box<dyn AnyEndpoint> { Box::new(request) });
    Ok(Asked { account, request })
}

fn write<E, R>(answer: Box<dyn AnyAnswer>) -> Option<Bytes>
where
    E: Endpoint,
    R: FromModel<E::Answer> + Message,
{
    let answer = answer.into_any().downcast().ok()?;
    Some(R::from_model(*answer).encode_to_vec().into())
}
