//! The journal of one account: what stands around the parts of its client.

use std::sync::{Arc, Mutex, OnceLock, Weak};

use async_trait::async_trait;
use kabao_api::{
    AccountId, CallContext, ChangeApi, Error, MemberApi, Reason, RequestId, TemplateApi, Upstream,
};
use kabao_models::{AnyAnswer, AnyEndpoint, Record};

use crate::answer::FamilyAnswer;
use crate::changes::Changes;
use crate::engine::{Working, archived};
use crate::entry::Intended;
use crate::journal::Journal;
use crate::members::JournalledMembers;
use crate::party::Party;
use crate::step::{JournalledUpstream, entry_of};
use crate::store::ChangeKey;
use crate::subject;
use crate::templates::JournalledTemplates;

/// The journal of one account.
///
/// It goes around the parts of a client in this order: [`upstream`](Self::upstream), then
/// [`members`](Self::members) and [`templates`](Self::templates).
pub struct AccountJournal {
    journal: Journal,
    account: AccountId,
    party: Option<Party>,
    pipeline: OnceLock<Arc<dyn Upstream>>,
    /// The backend, which holds what stands around the pipeline, which holds this.
    members: OnceLock<Weak<dyn MemberApi>>,
}

impl AccountJournal {
    pub(crate) fn new(journal: Journal, account: AccountId, party: Option<Party>) -> Self {
        Self {
            journal,
            account,
            party,
            pipeline: OnceLock::new(),
            members: OnceLock::new(),
        }
    }

    /// Gives every write of WeChat its memory.
    pub fn upstream(self: &Arc<Self>, pipeline: Arc<dyn Upstream>) -> Arc<dyn Upstream> {
        let _ = self.pipeline.set(pipeline);
        Arc::new(JournalledUpstream(Arc::clone(self)))
    }

    /// Gives the portable changes of members their memory.
    pub fn members(self: &Arc<Self>, inner: Arc<dyn MemberApi>) -> Arc<dyn MemberApi> {
        let _ = self.members.set(Arc::downgrade(&inner));
        Arc::new(JournalledMembers::new(Arc::clone(self), inner))
    }

    /// Gives the portable changes of templates their memory.
    pub fn templates(self: &Arc<Self>, inner: Arc<dyn TemplateApi>) -> Arc<dyn TemplateApi> {
        Arc::new(JournalledTemplates::new(Arc::clone(self), inner))
    }

    /// Tells what became of changes.
    pub fn changes(self: &Arc<Self>) -> Arc<dyn ChangeApi> {
        Arc::new(Changes::new(Arc::clone(self)))
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    pub(crate) fn account(&self) -> &AccountId {
        &self.account
    }

    /// Who the account is to WeChat, if that is known.
    pub(crate) fn party(&self) -> Option<&Party> {
        self.party.as_ref()
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
                None => self.journal.clock().request_id().ok_or_else(|| {
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
        !self.journal.running().contains(&key) && self.journal.store().is_new(&key)
    }

    /// Runs an operation of the family as a change.
    pub(crate) async fn operation(
        &self,
        context: &CallContext,
        request: Box<dyn AnyEndpoint>,
    ) -> Result<Box<dyn AnyAnswer>, Error> {
        let operation = request.operation();
        // A file of an upload is in it, so that there is one copy.
        let archived = archived(request.as_ref());
        let start = operation.id.len() + 1;
        let mut content = String::with_capacity(start + archived.len());
        content.push_str(operation.id);
        content.push(' ');
        content.push_str(&archived);
        let record: &dyn Record = request.as_ref();
        let intended = Intended {
            key: self.key(context, None)?,
            party: self.party().cloned(),
            method: operation.id,
            fingerprint: self.journal.store().fingerprint(content.as_bytes()),
            subject: subject::of_request(request.as_ref()),
            member: subject::member_of(&self.account, request.as_ref()),
            openid: record.named("openid").text().map(Into::into),
        };
        let first = Mutex::new(Some(request));
        let work = |context: CallContext| -> Working<'_, _> {
            let request = first.lock().ok().and_then(|mut first| first.take());
            let archive = content.as_bytes().get(start..).unwrap_or_default();
            Box::pin(async move {
                let request = match request {
                    Some(request) => request,
                    None => kabao_models::archive::read_request(operation.id, archive).map_err(
                        |error| {
                            Error::new(Reason::Internal, "the request cannot be taken up again")
                                .with_source(error)
                        },
                    )?,
                };
                let entry = entry_of(&context)
                    .ok_or_else(|| Error::new(Reason::Internal, "the change has no entry"))?;
                let answer = self.step(&context, &entry, request).await?;
                Ok(FamilyAnswer {
                    operation: operation.id,
                    answer,
                })
            })
        };
        let answer = self.change(context, intended, work).await?;
        Ok(answer.answer)
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
