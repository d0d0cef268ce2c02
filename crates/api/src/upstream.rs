//! Any operation of any family behind one object-safe trait.

use async_trait::async_trait;
use kabao_models::{AnyAnswer, AnyEndpoint, Endpoint};

use crate::{CallContext, Error, Reason};

/// Executes operations with the credentials of one account.
///
/// Implemented by the client; decorators and mocks implement it too. Programs use the typed
/// [`call`] on top of it.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Upstream: Send + Sync {
    /// Checks, encrypts, signs and sends one request, and returns its verified answer.
    ///
    /// # Errors
    ///
    /// Every [`Reason`] from [`Reason::FieldInvalid`] on that concerns a call; after a write,
    /// [`Error::may_have_executed`] tells whether the failure is a clean one.
    async fn execute(
        &self,
        context: &CallContext,
        request: Box<dyn AnyEndpoint>,
    ) -> Result<Box<dyn AnyAnswer>, Error>;
}

/// Executes one operation with types.
///
/// # Errors
///
/// Those of [`Upstream::execute`].
pub async fn call<E: Endpoint>(
    upstream: &dyn Upstream,
    context: &CallContext,
    request: E,
) -> Result<E::Answer, Error> {
    let answer = upstream.execute(context, Box::new(request)).await?;
    match answer.into_any().downcast::<E::Answer>() {
        Ok(answer) => Ok(*answer),
        Err(_) => Err(
            Error::new(Reason::Internal, "the answer is of another operation")
                .with_operation(E::OPERATION.id),
        ),
    }
}
