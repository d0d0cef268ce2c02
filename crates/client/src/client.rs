//! A client of one account: its parts, and how they are put together.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use kabao_api::{
    Account, AccountApi, AccountId, CallContext, Capability, CardSigner, Check, CredentialState,
    Error, Family, HeldCredentials, MediaApi, MemberApi, TemplateApi, Upstream,
};
use kabao_models::Endpoint;

use crate::backend::{Backend, Ground};
use crate::brand::BrandBuilder;
use crate::decorator::Decorator;
use crate::merchant::MerchantBuilder;
use crate::observer::Observer;
use crate::official_account::OfficialAccountBuilder;
use crate::pipeline::Pipeline;

/// The client of one account of any family. Clones share connections, keys and limits.
///
/// It is made by the builder of a family, and offers every operation of that family by
/// [`call`](Client::call) and the portable API by the traits of [`kabao_api`].
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    pipeline: Pipeline,
    parts: Parts,
}

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
    /// Starts the configuration of a merchant number of WeChat Pay.
    pub fn merchant() -> MerchantBuilder {
        MerchantBuilder::new()
    }

    /// Starts the configuration of a brand.
    pub fn brand() -> BrandBuilder {
        BrandBuilder::new()
    }

    /// Starts the configuration of an official account.
    pub fn official_account() -> OfficialAccountBuilder {
        OfficialAccountBuilder::new()
    }

    /// Puts a client together: the pipeline, what stands around it, the backend, what stands around
    /// that.
    pub(crate) fn compose<B: Backend>(
        pipeline: Pipeline,
        decorator: &dyn Decorator,
        backend: impl FnOnce(Ground) -> B,
    ) -> Self {
        let upstream = decorator.upstream(Arc::new(pipeline.clone()));
        let ground = Ground::new(Arc::clone(&upstream), &pipeline);
        let backend = Arc::new(backend(ground));
        let parts = Parts {
            members: decorator.members(Arc::<B>::clone(&backend)),
            templates: decorator.templates(Arc::<B>::clone(&backend)),
            media: decorator.media(Arc::<B>::clone(&backend)),
            upstream,
            card_signer: Arc::clone(&backend).card_signer(),
            held_credentials: Arc::clone(&backend).held_credentials(),
            state: backend,
        };
        Self(Arc::new(Inner { pipeline, parts }))
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.0.parts
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

    /// Fetches keys or token now instead of at the first call, and so tells whether WeChat accepts
    /// the credentials as far as that shows.
    ///
    /// # Errors
    ///
    /// `CREDENTIAL_REJECTED`, `KEY_UNAVAILABLE`, or why WeChat cannot be reached.
    pub async fn warm_up(&self) -> Result<(), Error> {
        self.0.pipeline.warm_up().await
    }

    /// Keeps platform certificates fresh for as long as it is polled; the caller owns the task. It
    /// ends at once for an account that has none. Without it, a rotation is noticed at the first
    /// answer with a new key.
    pub async fn maintain(self) {
        self.0.pipeline.maintain().await;
    }

    /// Tells `observer` of what happens from now on; the first one of all clones stays.
    pub fn observe(&self, observer: Arc<dyn Observer>) {
        self.0.pipeline.observe(observer);
    }

    /// Gives the client a name among the configured accounts.
    pub fn into_account(self, id: AccountId) -> Account {
        let client = Arc::new(self);
        Account {
            id,
            family: client.family(),
            upstream: Arc::<Self>::clone(&client),
            templates: Arc::<Self>::clone(&client),
            media: Arc::<Self>::clone(&client),
            card_signer: client.parts().card_signer.clone(),
            held_credentials: client.parts().held_credentials.clone(),
            state: Arc::<Self>::clone(&client),
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
            .field("family", &self.family().as_str())
            .finish_non_exhaustive()
    }
}
