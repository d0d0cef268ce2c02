//! The journal of one account: whom its changes are of, and where its calls go.

use std::sync::{Arc, OnceLock, Weak};

use async_trait::async_trait;
use kabao_api::{AccountId, CallContext, Error, MemberApi, Reason, RequestId, Upstream};
use kabao_models::{AnyAnswer, AnyEndpoint};

use crate::party::Party;
use crate::process::Process;
use crate::store::ChangeKey;

/// The journal of one account.
///
/// It goes around the parts of a client in this order: [`upstream`](Self::upstream), then
/// [`members`](Self::members) and [`templates`](Self::templates).
pub struct AccountJournal {
    process: Arc<Process>,
    account: AccountId,
    party: Option<Party>,
    pipeline: OnceLock<Arc<dyn Upstream>>,
    /// The backend, which holds what stands around the pipeline, which holds this.
    members: OnceLock<Weak<dyn MemberApi>>,
}

impl AccountJournal {
    pub(crate) fn new(process: Arc<Process>, account: AccountId, party: Option<Party>) -> Self {
        Self {
            process,
            account,
            party,
            pipeline: OnceLock::new(),
            members: OnceLock::new(),
        }
    }

    pub(crate) fn process(&self) -> &Process {
        &self.process
    }

    pub(crate) fn account(&self) -> &AccountId {
        &self.account
    }

    /// Who the account is to WeChat, if that is known.
    pub(crate) fn party(&self) -> Option<&Party> {
        self.party.as_ref()
    }

    /// Says what stands behind the journal; the first one stays.
    pub(crate) fn send_by(&self, pipeline: Arc<dyn Upstream>) {
        let _ = self.pipeline.set(pipeline);
    }

    /// Says by what values are read back; the first one stays.
    pub(crate) fn read_by(&self, members: &Arc<dyn MemberApi>) {
        let _ = self.members.set(Arc::downgrade(members));
    }

    /// What stands behind the journal; where nobody was set, nothing can be sent.
    pub(crate) fn pipeline(&self) -> &dyn Upstream {
        match self.pipeline.get() {
            Some(pipeline) => pipeline.as_ref(),
            None => &NoPipeline,
        }
    }

    pub(crate) fn backend(&self) -> Result<Arc<dyn MemberApi>, Error> {
        let members = self.members.get().and_then(Weak::upgrade);
        members.ok_or_else(|| {
            Error::new(
                Reason::UpstreamUnavailable,
                "the account of the change is not served any more",
            )
        })
    }

    /// Makes the key of a change, with an id of its own if nobody gave one.
    pub(crate) fn key(
        &self,
        context: &CallContext,
        request_id: Option<&RequestId>,
    ) -> Result<ChangeKey, Error> {
        let id =
            match request_id.or(context.request_id.as_ref()) {
                Some(id) => id.clone(),
                None => self.process.clock().request_id().ok_or_else(|| {
                    Error::new(Reason::Internal, "the system gives no randomness")
                })?,
            };
        Ok(ChangeKey {
            account: self.account.clone(),
            id,
        })
    }

    /// Tells whether nothing can be known of a change with this id, which is certain of one that gets its id here. False
    /// where the store would have to be asked.
    pub(crate) fn is_new(&self, context: &CallContext, request_id: Option<&RequestId>) -> bool {
        let Some(id) = request_id.or(context.request_id.as_ref()) else {
            return true;
        };
        let key = ChangeKey {
            account: self.account.clone(),
            id: id.clone(),
        };
        // In this order: what runs is in the store before it runs no more.
        !self.process.running().contains(&key) && self.process.store().is_new(&key)
    }
}

struct NoPipeline;

#[async_trait]
impl Upstream for NoPipeline {
    async fn execute(
        &self,
        _: &CallContext,
        _: Box<dyn AnyEndpoint>,
    ) -> Result<Box<dyn AnyAnswer>, Error> {
        Err(Error::new(
            Reason::Internal,
            "the journal stands around no pipeline",
        ))
    }
}
