//! The family services: every operation of a family as one RPC.
//!
//! What is common to all of them is here; the service implementations, which only name their
//! types, are generated.

use std::convert::Infallible;
use std::sync::Arc;

use kabao_api::{Account, AccountId, Accounts, CallContext, Error, FieldViolation, Reason, call};
use kabao_models::{Endpoint, Operation, Upload};
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::{Request, Response, Status, Streaming};
use tower_service::Service;

use crate::call::Call;
use crate::convert::{FamilyRequest, FromModel, IntoModel, Reader, UploadChunk};
use crate::credential::{self, HeldEndpoint};
use crate::upload::{self, Unread};

/// Serves the operations of all families with the credentials of the account that each request
/// names.
#[derive(Clone, Debug)]
pub(crate) struct FamilyService {
    accounts: Arc<Accounts>,
}

impl FamilyService {
    pub(crate) fn new(accounts: Arc<Accounts>) -> Self {
        Self { accounts }
    }

    /// Serves one call: message to request, request to WeChat, answer to message.
    pub(crate) async fn unary<P, R>(&self, request: Request<P>) -> Result<Response<R>, Status>
    where
        P: FamilyRequest + IntoModel<P::Endpoint>,
        R: FromModel<<P::Endpoint as Endpoint>::Answer>,
    {
        let mut call = Call::of(&request);
        let message = request.into_inner();
        let (account, context) = self.open(&mut call, message.account(), P::Endpoint::OPERATION)?;
        let endpoint = Reader::read(message).map_err(|violations| {
            let error = Error::field_invalid(violations);
            call.refuse(&error.with_operation(P::Endpoint::OPERATION.id))
        })?;
        execute(&call, &account, &context, endpoint).await
    }

    /// Serves one upload: chunks to a file, checked before anything is sent, answer to message.
    pub(crate) async fn upload<P, R>(
        &self,
        request: Request<Streaming<P>>,
    ) -> Result<Response<R>, Status>
    where
        P: UploadChunk,
        R: FromModel<<P::Endpoint as Endpoint>::Answer>,
    {
        let mut call = Call::of(&request);
        let mut chunks = request.into_inner();
        let (account, filename, content) = match chunks.message().await? {
            Some(first) => first.into_parts(),
            None => Default::default(),
        };
        let (account, context) = self.open(&mut call, &account, P::Endpoint::OPERATION)?;
        let operation = P::Endpoint::OPERATION;
        let limits = upload_limits(operation).map_err(|error| call.refuse(&error))?;
        let content_of = |chunk: P| chunk.into_parts().2;
        let file = upload::collect(limits, &filename, content, &mut chunks, content_of)
            .await
            .map_err(|unread| match unread {
                Unread::Refused(violation) => {
                    call.refuse(&Error::field_invalid([violation]).with_operation(operation.id))
                }
                Unread::Broken(status) => status,
            })?;
        execute(&call, &account, &context, P::endpoint(filename, file)).await
    }

    /// Serves one call whose answer is a credential: what the account holds, if it lets callers see it.
    pub(crate) async fn credential<P, R>(&self, request: Request<P>) -> Result<Response<R>, Status>
    where
        P: FamilyRequest + IntoModel<P::Endpoint>,
        P::Endpoint: HeldEndpoint,
        R: FromModel<<P::Endpoint as Endpoint>::Answer>,
    {
        let mut call = Call::of(&request);
        let operation = P::Endpoint::OPERATION;
        let message = request.into_inner();
        let (account, context) = self.open(&mut call, message.account(), operation)?;
        let refuse = |error: Error| call.refuse(&error.with_operation(operation.id));
        let held = account
            .held_credentials
            .as_deref()
            .ok_or_else(|| refuse(credential::not_exposed(&account.id)))?;
        let endpoint =
            Reader::read(message).map_err(|violations| refuse(Error::field_invalid(violations)))?;
        match endpoint.held(held, &context).await {
            Ok(answer) => Ok(Response::new(R::from_model(answer))),
            Err(error) => Err(refuse(error)),
        }
    }

    /// Finds the account and makes sure that the operation is one of its family.
    fn open(
        &self,
        call: &mut Call,
        account: &str,
        operation: &'static Operation,
    ) -> Result<(Arc<Account>, CallContext), Status> {
        let id = account_id(account).map_err(|error| call.refuse(&error))?;
        let (account, context) = call.account(&self.accounts, &id)?;
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

/// The limits that every upload of the catalogue has.
fn upload_limits(operation: &'static Operation) -> Result<&'static Upload, Error> {
    operation.upload.as_ref().ok_or_else(|| {
        Error::new(Reason::Internal, "the operation uploads nothing").with_operation(operation.id)
    })
}

async fn execute<E: Endpoint, R: FromModel<E::Answer>>(
    state: &Call,
    account: &Account,
    context: &CallContext,
    endpoint: E,
) -> Result<Response<R>, Status> {
    match call(account.upstream.as_ref(), context, endpoint).await {
        Ok(answer) => Ok(Response::new(R::from_model(answer))),
        Err(error) => Err(state.refuse(&error)),
    }
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

/// Takes services of different types.
pub(crate) trait Register {
    /// Takes one service.
    fn service<S>(&mut self, service: S)
    where
        S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static;
}
