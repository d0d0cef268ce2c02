//! The family services: every operation of a family as one method.
//!
//! One service answers all of them. What a method needs besides is a row in a generated table, so a
//! method costs neither a server nor a handler of its own.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Request as HttpRequest;
use kabao_api::{Account, CallContext, Error, FieldViolation, Reason, RequestId};
use kabao_models::{AnyAnswer, AnyEndpoint, Effect, Operation, Record, Upload, Value};
use prost::Message as _;
use tonic::body::Body;
use tonic::server::{ClientStreamingService, Grpc, UnaryService};
use tonic::{Request, Response, Status, Streaming};
use tower_service::Service;

mod codec;

use self::codec::Erased;
use crate::access::Access;
use crate::audit::subjects;
use crate::call::Call;
use crate::credential;
use crate::generated::METHODS;
use crate::generation::Generations;
use crate::idempotency;
use crate::layer::{Answer, at_once};
use crate::method::{Chunk, Method};
use crate::router::unimplemented;
use crate::sizes::MAX_MESSAGE_BYTES;
use crate::upload::{self, Unread};
use crate::wire::{self, Asked, Malformed, account_id};

/// Serves the operations of all families with the credentials of the account that each request
/// names.
#[derive(Clone, Debug)]
pub(crate) struct FamilyService {
    generations: Generations,
    /// The methods by their paths.
    methods: Arc<HashMap<&'static str, &'static Method>>,
}

impl FamilyService {
    /// Serves every method; those whose answers are credentials only if an account lets callers see
    /// them.
    pub(crate) fn new(generations: Generations) -> Self {
        let methods = METHODS.iter().map(|method| (method.path, method));
        Self {
            generations,
            methods: Arc::new(methods.collect()),
        }
    }

    /// Returns the services in the order of the table. Those that have only methods whose answers are credentials are
    /// listed if an account lets callers see them now.
    pub(crate) fn services(&self) -> Vec<Listing> {
        let exposes = self.generations.current().exposes();
        let mut services: Vec<(&'static str, bool)> = Vec::new();
        for method in METHODS {
            let is_served = exposes || !method.operation.credential;
            match services.last_mut() {
                Some((service, listed)) if *service == method.service() => *listed |= is_served,
                _ => services.push((method.service(), is_served)),
            }
        }
        let listing = |(service, listed)| match listed {
            true => Listing::Listed(service),
            false => Listing::Unlisted(service),
        };
        services.into_iter().map(listing).collect()
    }
}

/// A service by its name, and whether whoever asks which there are is told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listing {
    Listed(&'static str),
    Unlisted(&'static str),
}

impl Service<HttpRequest<Body>> for FamilyService {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: HttpRequest<Body>) -> Answer {
        let Some(&method) = self.methods.get(request.uri().path()) else {
            return at_once(unimplemented());
        };
        if method.operation.credential {
            let access = request.extensions().get::<Access>().cloned();
            let access = access.unwrap_or_default();
            if !access.generation(&self.generations).exposes() {
                return at_once(unimplemented());
            }
        }
        let serving = Serving {
            generations: self.generations.clone(),
            method,
        };
        Box::pin(async move {
            let mut grpc = Grpc::new(Erased).max_encoding_message_size(MAX_MESSAGE_BYTES);
            Ok(match method.operation.upload {
                Some(_) => grpc.client_streaming(serving, request).await,
                None => grpc.unary(serving, request).await,
            })
        })
    }
}

/// One method on its way through tonic.
#[derive(Clone)]
struct Serving {
    generations: Generations,
    method: &'static Method,
}

type Answering = Pin<Box<dyn Future<Output = Result<Response<Vec<u8>>, Status>> + Send>>;

impl UnaryService<Bytes> for Serving {
    type Response = Vec<u8>;
    type Future = Answering;

    fn call(&mut self, request: Request<Bytes>) -> Answering {
        Box::pin(self.clone().unary(request))
    }
}

impl ClientStreamingService<Bytes> for Serving {
    type Response = Vec<u8>;
    type Future = Answering;

    fn call(&mut self, request: Request<Streaming<Bytes>>) -> Answering {
        Box::pin(self.clone().upload(request))
    }
}

impl Serving {
    /// Serves one call: message to request, request to WeChat, answer to message. A credential is
    /// answered with what the account holds, if it lets callers see it.
    async fn unary(self, request: Request<Bytes>) -> Result<Response<Vec<u8>>, Status> {
        let mut call = Call::of(&request).renaming(idempotency::in_metadata);
        let operation = self.method.operation;
        let mut asked = wire::read_request(operation, &request.into_inner())?;
        let (account, mut context) = self.open(&mut call, &asked.account)?;
        if !operation.credential {
            let id = self.identify(&call, &account, &mut context);
            if let Some(id) = &context.request_id {
                fill_number(&mut *asked.request, id);
            }
            let request = self.readable(&call, asked, id)?;
            return self.execute(&call, &account, context, request).await;
        }
        let refuse = |error: Error| call.refuse(&error.with_operation(operation.id));
        let held = account
            .held_credentials
            .as_deref()
            .ok_or_else(|| refuse(credential::not_exposed(&account.id)))?;
        let request = self.readable(&call, asked, Ok(()))?;
        call.write_down(&mut context, None, Vec::new)?;
        match credential::held(request, held, &context).await {
            Ok(answer) => self.answer(&call, answer),
            Err(error) => Err(refuse(error)),
        }
    }

    /// Serves one upload: chunks to a file, checked before anything is sent, answer to message.
    async fn upload(self, request: Request<Streaming<Bytes>>) -> Result<Response<Vec<u8>>, Status> {
        let mut call = Call::of(&request).renaming(idempotency::in_metadata);
        let operation = self.method.operation;
        let mut chunks = request.into_inner();
        let first = match chunks.message().await? {
            Some(first) => chunk(first)?,
            None => Chunk::default(),
        };
        let (account, mut context) = self.open(&mut call, &first.account)?;
        self.identify(&call, &account, &mut context)
            .map_err(|violations| self.refuse_id(&call, violations))?;
        let limits = upload_limits(operation).map_err(|error| call.refuse(&error))?;
        let content_of = |message| chunk(message).map(|chunk| chunk.content);
        let filename = first.filename;
        let file = upload::collect(limits, &filename, first.content, &mut chunks, content_of)
            .await
            .map_err(|unread| match unread {
                Unread::Refused(violation) => {
                    call.refuse(&Error::field_invalid([violation]).with_operation(operation.id))
                }
                Unread::Broken(status) => status,
            })?;
        let request = self.method.upload(filename, file);
        self.execute(&call, &account, context, request).await
    }

    /// Gives a change the id under which it is remembered.
    ///
    /// # Errors
    ///
    /// What is wrong with the caller's id.
    fn identify(
        &self,
        call: &Call,
        account: &Account,
        context: &mut CallContext,
    ) -> Result<(), Vec<FieldViolation>> {
        if self.method.operation.effect == Effect::Write {
            context.request_id = call.idempotency().given(None)?;
            call.settle(account, &mut context.request_id);
        }
        Ok(())
    }

    /// Returns the request, if nothing is wrong with it and with the id of the change.
    fn readable(
        &self,
        call: &Call,
        asked: Asked,
        id: Result<(), Vec<FieldViolation>>,
    ) -> Result<Box<dyn AnyEndpoint>, Status> {
        match (asked.finish(), id) {
            (Ok(request), Ok(())) => Ok(request),
            (Ok(_), Err(id)) => Err(self.refuse_id(call, id)),
            (Err(mut violations), id) => {
                violations.extend(id.err().unwrap_or_default());
                let error = Error::field_invalid(violations);
                Err(call.refuse(&error.with_operation(self.method.operation.id)))
            }
        }
    }

    fn refuse_id(&self, call: &Call, violations: Vec<FieldViolation>) -> Status {
        let error = Error::violated(Reason::RequestIdInvalid, violations);
        call.refuse(&error.with_operation(self.method.operation.id))
    }

    async fn execute(
        &self,
        call: &Call,
        account: &Account,
        mut context: CallContext,
        request: Box<dyn AnyEndpoint>,
    ) -> Result<Response<Vec<u8>>, Status> {
        if self.method.operation.effect == Effect::Write {
            let id = context.request_id.clone();
            let subjects = || subjects::of_request(&account.id, &*request);
            call.write_down(&mut context, id.as_ref(), subjects)?;
        }
        match account.upstream.execute(&context, request).await {
            Ok(answer) => self.answer(call, answer),
            Err(error) => Err(call.refuse(&error)),
        }
    }

    fn answer(&self, call: &Call, answer: Box<dyn AnyAnswer>) -> Result<Response<Vec<u8>>, Status> {
        let message = self.method.answer(&*answer).ok_or_else(|| {
            let error = Error::new(Reason::Internal, "the answer is of another operation");
            call.refuse(&error.with_operation(self.method.operation.id))
        })?;
        Ok(Response::new(message))
    }

    /// Finds the account and makes sure that the operation is one of its family.
    fn open(&self, call: &mut Call, account: &str) -> Result<(Arc<Account>, CallContext), Status> {
        let operation = self.method.operation;
        let id = account_id(account).map_err(|error| call.refuse(&error))?;
        let (account, context) = call.account(&self.generations, &id)?;
        if account.family == operation.family {
            return Ok((account, context));
        }
        let error = Error::new(
            Reason::FamilyMismatch,
            format!(
                "account {id} belongs to the family {}, {} to the family {}",
                account.family, operation.id, operation.family
            ),
        );
        Err(call.refuse(&error.with_operation(operation.id)))
    }
}

/// Makes the id of a change its request number, where the caller gave none.
fn fill_number(request: &mut dyn AnyEndpoint, id: &RequestId) {
    let number = request.operation().request_number;
    if request
        .request_number()
        .is_some_and(|number| !number.is_empty())
    {
        return;
    }
    let record: &mut dyn Record = request;
    if let Some(slot) = number.and_then(|number| record.named_slot(number)) {
        slot.set(Value::Text(id.as_str().into()));
    }
}

fn chunk(message: Bytes) -> Result<Chunk, Status> {
    Chunk::decode(message).map_err(|error| Malformed::from(error).into())
}

/// The limits that every upload of the catalogue has.
fn upload_limits(operation: &'static Operation) -> Result<&'static Upload, Error> {
    operation.upload.as_ref().ok_or_else(|| {
        Error::new(Reason::Internal, "the operation uploads nothing").with_operation(operation.id)
    })
}
