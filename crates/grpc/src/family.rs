//! The family services: every operation of a family as one RPC.
//!
//! What is common to all of them is here; the service implementations, which only name their
//! types, are generated.

use std::convert::Infallible;
use std::sync::Arc;

use kabao_api::{AccountId, Accounts, Error, FieldViolation, Reason, call};
use kabao_models::Endpoint;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::{Request, Response, Status};
use tower_service::Service;

use crate::call::Call;
use crate::convert::{FamilyRequest, FromModel, IntoModel, Reader};

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
        let operation = P::Endpoint::OPERATION;
        let mut call_state = Call::of(&request);
        let message = request.into_inner();
        let id = account_id(message.account()).map_err(|error| call_state.refuse(&error))?;
        let (account, context) = call_state.account(&self.accounts, &id)?;
        if account.family != operation.family {
            let error = Error::new(
                Reason::NotSupportedByFamily,
                format!(
                    "account {id} belongs to the family {}, {} to the family {}",
                    account.family, operation.id, operation.family
                ),
            );
            return Err(call_state.refuse(&error.with_operation(operation.id)));
        }
        let endpoint = Reader::read(message)
            .map_err(|violations| call_state.refuse(&Error::field_invalid(violations).with_operation(operation.id)))?;
        let answer = call(account.upstream.as_ref(), &context, endpoint)
            .await
            .map_err(|error| call_state.refuse(&error))?;
        Ok(Response::new(R::from_model(answer)))
    }
}

/// Parses the field `account`.
fn account_id(name: &str) -> Result<AccountId, Error> {
    let refuse =
        |description: &str| Error::violated(Reason::NameInvalid, [FieldViolation::new("account", description)]);
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
