//! A client of one account: its parts, and how they are put together.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use kabao_api::{
    Account, AccountApi, AccountId, CallContext, CallId, Capability, CardSigner, Check,
    CredentialState, CredentialStore, Error, Family, HeldCredentials, MediaApi, MemberApi,
    MemberName, Personal, TemplateApi, TemplateId, TemplateName, Upstream,
};
use kabao_models::Endpoint;

use crate::backend::{Backend, Ground};
use crate::decorator::Decorator;
use crate::observer::Observer;
use crate::pipeline::Pipeline;
use crate::pipeline::quota::Quotas;
use crate::vitals::{Handshakes, Vitals};

/// The client of one account of any family. Clones share connections, keys and limits.
///
/// It is made by the builder of a family, and offers every operation of that family by
/// [`call`](Client::call) and the portable API by the traits of [`kabao_api`].
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    pipeline: Pipeline,
    parts: Parts,
    party: String,
    /// Puts the parts together once more, with something else around them.
    again: Arc<Compose>,
}

/// Makes a client of the same account with something else around its parts.
type Compose = dyn Fn(&dyn Decorator) -> Client + Send + Sync;

/// What a client consists of below its door.
pub(crate) struct Parts {
    pub(crate) members: Arc<dyn MemberApi>,
    pub(crate) templates: Arc<dyn TemplateApi>,
    pub(crate) media: Arc<dyn MediaApi>,
    pub(crate) upstream: Arc<dyn Upstream>,
    state: Arc<dyn AccountApi>,
    card_signer: Option<Arc<dyn CardSigner>>,
    held_credentials: Option<Arc<dyn HeldCredentials>>,
}

impl Client {
    /// Puts a client together: the pipeline, what stands around it, the backend, what stands around
    /// that.
    pub(crate) fn compose<B: Backend>(
        pipeline: Pipeline,
        decorator: &dyn Decorator,
        backend: impl Fn(Ground) -> B + Clone + Send + Sync + 'static,
    ) -> Self {
        let again = {
            let (pipeline, backend) = (pipeline.clone(), backend.clone());
            move |decorator: &dyn Decorator| {
                Self::compose(pipeline.clone(), decorator, backend.clone())
            }
        };
        let upstream = decorator.upstream(Arc::new(pipeline.clone()));
        let ground = Ground::new(Arc::clone(&upstream), &pipeline);
        let backend = Arc::new(backend(ground));
        let party = backend.party();
        let parts = Parts {
            members: decorator.members(Arc::<B>::clone(&backend)),
            templates: decorator.templates(Arc::<B>::clone(&backend)),
            media: decorator.media(Arc::<B>::clone(&backend)),
            upstream,
            card_signer: Arc::clone(&backend).card_signer(),
            held_credentials: Arc::clone(&backend).held_credentials(),
            state: backend,
        };
        Self(Arc::new(Inner {
            pipeline,
            party,
            parts,
            again: Arc::new(again),
        }))
    }

    /// Returns a client of the same connections, keys and limits with `decorator` around its parts, in
    /// place of the one that it was built with.
    #[must_use]
    pub fn decorated(&self, decorator: &dyn Decorator) -> Self {
        (self.0.again)(decorator)
    }

    /// Returns what this client shares with others to keep to WeChat's limits of calls.
    pub fn quotas(&self) -> &Quotas {
        self.0.pipeline.quotas()
    }

    pub(crate) fn pipeline(&self) -> &Pipeline {
        &self.0.pipeline
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.0.parts
    }

    /// Returns the account's name, which was given when the client was built.
    pub fn account(&self) -> &AccountId {
        self.0.pipeline.account()
    }

    /// Returns who the account is to WeChat: its merchant number, brand or AppID, as a text that tells it from every other
    /// one. Whatever remembers changes under the account's name has to know when that stands for somebody else.
    pub fn party(&self) -> &str {
        &self.0.party
    }

    /// Starts the context of one call: with an id of its own, without a deadline.
    pub fn context(&self) -> CallContext {
        let id = self.0.pipeline.clock().nonce();
        let id = id.and_then(|nonce| CallId::new(nonce).ok());
        CallContext::new(self.account().clone(), id.unwrap_or_else(CallId::unknown))
    }

    /// Names one of the account's templates.
    ///
    /// # Errors
    ///
    /// `NAME_INVALID` for what no `card_id` can be.
    pub fn template(&self, card_id: impl AsRef<str>) -> Result<TemplateName, Error> {
        let id = TemplateId::new(card_id)?;
        Ok(TemplateName::new(self.account().clone(), id))
    }

    /// Names one of the account's members.
    ///
    /// # Errors
    ///
    /// `NAME_INVALID` for what no `card_id` or no code can be.
    pub fn member(
        &self,
        card_id: impl AsRef<str>,
        code: impl Into<Personal>,
    ) -> Result<MemberName, Error> {
        MemberName::new(self.template(card_id)?, code)
    }

    /// Tells whether `other` is a clone of this client.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Returns which API generation the account speaks.
    pub fn family(&self) -> Family {
        self.0.pipeline.family()
    }

    /// Executes one operation of the family, with types.
    ///
    /// # Errors
    ///
    /// Those of [`kabao_api::Upstream::execute`].
    pub async fn call<E: Endpoint>(
        &self,
        context: &CallContext,
        request: E,
    ) -> Result<E::Answer, Error> {
        kabao_api::call(self, context, request).await
    }

    /// Fetches keys or token now instead of at the first call (later ones are fetched beside the calls
    /// that need them), and so tells whether WeChat accepts
    /// the credentials as far as that shows.
    ///
    /// # Errors
    ///
    /// `CREDENTIAL_REJECTED`, `KEY_UNAVAILABLE`, or why WeChat cannot be reached.
    pub async fn warm_up(&self) -> Result<(), Error> {
        self.0.pipeline.warm_up().await
    }

    /// Opens a connection to WeChat ahead of the first call, which waits for no handshake then. For some twenty seconds one
    /// is kept ready, and from then on as long as there are calls. If that fails, the first call finds out.
    pub async fn connect(&self) {
        self.0.pipeline.connect().await;
    }

    /// Tells whether there has been a connection to WeChat since the client was built.
    pub fn has_connected(&self) -> bool {
        let Handshakes { full, resumed, .. } = self.0.pipeline.handshakes();
        full + resumed > 0
    }

    /// Keeps tokens and platform certificates in `store` from now on, in place of the one before: a start needs no
    /// download then, and of all processes that share the store one fetches a token.
    pub fn keep_credentials(&self, store: &Arc<dyn CredentialStore>) {
        self.0.pipeline.credentials().keep_in(store);
    }

    /// Tells `observer` of what happens from now on; the first one of all clones stays.
    pub fn observe(&self, observer: Arc<dyn Observer>) {
        self.0.pipeline.observe(observer);
    }

    /// Looks at how it is, for metrics.
    pub fn vitals(&self) -> Vitals {
        self.0.pipeline.vitals()
    }

    /// Makes it one of the accounts of a registry.
    pub fn into_account(self) -> Account {
        let client = Arc::new(self);
        Account {
            id: client.account().clone(),
            family: client.family(),
            upstream: Arc::<Self>::clone(&client),
            templates: Arc::<Self>::clone(&client),
            media: Arc::<Self>::clone(&client),
            card_signer: client.parts().card_signer.clone(),
            held_credentials: client.parts().held_credentials.clone(),
            state: Arc::<Self>::clone(&client),
            changes: None,
            members: client,
        }
    }
}

#[async_trait]
impl AccountApi for Client {
    fn capabilities(&self) -> Vec<Capability> {
        self.parts().state.capabilities()
    }

    fn credentials(&self) -> Vec<CredentialState> {
        self.parts().state.credentials()
    }

    async fn check(&self, context: &CallContext) -> Result<Vec<Check>, Error> {
        self.parts().state.check(context).await
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("account", self.account())
            .field("family", &self.family().as_str())
            .finish_non_exhaustive()
    }
}
