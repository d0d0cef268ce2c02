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

    /// Says why this request would be refused now before anything is done for it, if that is known at once: because too
    /// much is under way already, or because nothing is sent for a moment. It is counted as refused then. Otherwise a place
    /// is kept for it for a moment, and whoever has asked says so in the context ([`CallContext::expected`]).
    ///
    /// Whoever begins something of its own for a call asks before that, since there may be very many.
    fn refusal(&self, context: &CallContext, request: &dyn AnyEndpoint) -> Option<Error> {
        let (_, _) = (context, request);
        None
    }
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

#[cfg(test)]
#[cfg(feature = "mock")]
mod tests {
    use kabao_models::merchant::cards::GetCard;
    use kabao_models::merchant::user_cards::{GetUserCard, UserCard};

    use super::*;

    fn context() -> CallContext {
        CallContext::new(
            "demo-merchant".parse().expect("a valid id"),
            "r-1".parse().expect("a valid id"),
        )
    }

    #[tokio::test]
    async fn a_typed_call_reaches_the_object_safe_trait_and_comes_back_typed() {
        let mut upstream = MockUpstream::new();
        upstream.expect_execute().returning(|context, request| {
            assert_eq!(context.account.as_str(), "demo-merchant");
            assert!(request.as_any().is::<GetUserCard>());
            let card = UserCard {
                level: Some("黄金会员".to_owned()),
                ..UserCard::default()
            };
            Ok(Box::new(card))
        });
        let request = GetUserCard::new("pbLatjvWOibDc5-TBnbUk1pD12o0", "478515832665");
        let card = call(&upstream, &context(), request).await.unwrap();
        assert_eq!(card.level.as_deref(), Some("黄金会员"));
    }

    #[tokio::test]
    async fn an_answer_of_another_operation_is_an_internal_error() {
        let mut upstream = MockUpstream::new();
        upstream
            .expect_execute()
            .returning(|_, _| Ok(Box::new(UserCard::default())));
        let error = call(&upstream, &context(), GetCard::new("p"))
            .await
            .unwrap_err();
        assert_eq!(
            (error.reason(), error.operation()),
            (Reason::Internal, Some("merchant.cards.get"))
        );
    }
}
