//! The portable API of each family, and what the backends of all families have in common.

pub(crate) mod brand;
mod look;
pub(crate) mod merchant;
pub(crate) mod official_account;

use std::sync::Arc;
use std::time::Duration;

use kabao_api::{
    AccountApi, CallContext, CardSigner, CredentialState, Error, HeldCredentials, MediaApi,
    MemberApi, TemplateApi, Upstream,
};
use kabao_models::Endpoint;

use self::look::Look;
use crate::clock::Clock;
use crate::member_locks::MemberLocks;
use crate::pipeline::Pipeline;
use crate::pipeline::credentials::Credentials;

/// The portable API of a family. It reaches WeChat by [`Upstream`] alone.
pub(crate) trait Backend:
    MemberApi + TemplateApi + MediaApi + AccountApi + Sized + 'static
{
    /// Returns who the account is to WeChat.
    fn party(&self) -> String;

    /// Returns what signs for pages; only official accounts need it.
    fn card_signer(self: Arc<Self>) -> Option<Arc<dyn CardSigner>> {
        None
    }

    /// Returns what hands out the credentials that the account holds, if callers may see them.
    fn held_credentials(self: Arc<Self>) -> Option<Arc<dyn HeldCredentials>> {
        None
    }
}

/// What every backend stands on.
#[derive(Clone)]
pub(crate) struct Ground {
    pub(crate) upstream: Arc<dyn Upstream>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) locks: MemberLocks,
    pub(crate) credentials: Credentials,
    /// What a call may take, all in all.
    pub(crate) call_timeout: Duration,
}

impl Ground {
    /// Takes from `pipeline` what a backend needs besides `upstream`.
    pub(crate) fn new(upstream: Arc<dyn Upstream>, pipeline: &Pipeline) -> Self {
        let call_timeout = pipeline.settings().call_timeout;
        Self {
            upstream,
            clock: Arc::clone(pipeline.clock()),
            locks: MemberLocks::new(call_timeout),
            credentials: pipeline.credentials().clone(),
            call_timeout,
        }
    }

    /// Executes one operation, with types.
    pub(crate) async fn call<E: Endpoint>(
        &self,
        context: &CallContext,
        request: E,
    ) -> Result<E::Answer, Error> {
        if let Some(look) = Look::of(context) {
            return Err(look.ask(self.upstream.as_ref(), &request));
        }
        kabao_api::call(self.upstream.as_ref(), context, request).await
    }

    /// Tells the state of keys and tokens.
    pub(crate) fn credential_states(&self) -> Vec<CredentialState> {
        self.credentials.states(self.clock.unix_seconds())
    }
}
