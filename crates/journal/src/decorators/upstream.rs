//! The calls of WeChat: reads pass, and every write has its memory.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use kabao_api::{CallContext, Error, Reason, Upstream};
use kabao_models::{AnyAnswer, AnyEndpoint, Effect, Record};

use crate::account::AccountJournal;
use crate::answer::{FamilyAnswer, archived};
use crate::engine::Working;
use crate::entry::{ChangeEntry, Intended, entry_of};
use crate::subject;

/// Stands around every call of WeChat: lets reads pass, and gives every write its memory.
pub(super) struct JournalledUpstream(pub(super) Arc<AccountJournal>);

#[async_trait]
impl Upstream for JournalledUpstream {
    async fn execute(
        &self,
        context: &CallContext,
        request: Box<dyn AnyEndpoint>,
    ) -> Result<Box<dyn AnyAnswer>, Error> {
        let Self(account) = self;
        if request.operation().effect == Effect::Read {
            return account.pipeline().execute(context, request).await;
        }
        // In a box of its own, since a read shall not pay for what a write needs.
        let write = async {
            match entry_of::<ChangeEntry>(context) {
                Some(entry) => account.step(context, &entry, request).await,
                None => account.operation(context, request).await,
            }
        };
        Box::pin(write).await
    }

    /// What the journal may know of a write comes before anything that is in its way.
    fn refusal(&self, context: &CallContext, request: &dyn AnyEndpoint) -> Option<Error> {
        let Self(account) = self;
        match request.operation().effect {
            Effect::Write if !account.is_new(context, None) => None,
            _ => account.pipeline().refusal(context, request),
        }
    }
}

impl AccountJournal {
    /// Runs an operation of the family as a change.
    async fn operation(
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
            fingerprint: self.process().store().fingerprint(content.as_bytes())?,
            subject: subject::of_request(request.as_ref()),
            member: subject::member_of(self.account(), request.as_ref()),
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
                let entry = entry_of::<ChangeEntry>(&context)
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
