//! What became of changes, for those who ask.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kabao_api::{
    CallContext, CallerId, ChangeApi, ChangeName, ChangeRecord, ChangeState, Cursor, Decision,
    Error, FieldViolation, ListChanges, MemberName, Page, PageScope, Precondition, Reason,
    RequestId,
};
use tokio::time::timeout;

use crate::account::AccountJournal;
use crate::answer::{Coded, refusal};
use crate::party::Party;
use crate::plan::Plan;
use crate::store::{ChangeFilter, ChangeKey, Held, StoredChange};
use crate::subject;

const DEFAULT_PAGE: u32 = 50;
const MAX_PAGE: u32 = 500;

/// The longest note of an operator.
const MAX_NOTE: usize = 200;

/// What an account's journal tells.
struct Changes(Arc<AccountJournal>);

impl AccountJournal {
    /// Tells what became of changes.
    pub fn changes(self: &Arc<Self>) -> Arc<dyn ChangeApi> {
        Arc::new(Changes(Arc::clone(self)))
    }
}

impl Changes {
    async fn find(&self, name: &ChangeName) -> Result<StoredChange, Error> {
        let Self(account) = self;
        let key = ChangeKey {
            account: account.account().clone(),
            id: name.id().clone(),
        };
        let found = match name.account() == account.account() {
            true => account.process().store().find(&key).await?,
            false => None,
        };
        found.ok_or_else(|| {
            let message = format!("the journal has no change {name}");
            Error::new(Reason::ChangeNotFound, message)
        })
    }

    /// Puts a record together. One that runs here and may have left is told as sent.
    fn record(&self, change: &StoredChange) -> ChangeRecord {
        let name = ChangeName::new(change.key.account.clone(), change.key.id.clone());
        let mut record = ChangeRecord::new(
            name,
            change.state,
            change.method.clone(),
            change.create_time,
        );
        record.update_time = change.update_time;
        let running = self.0.process().running();
        if change.state == ChangeState::Intent && running.was_sent(&change.key) {
            record.state = ChangeState::Sent;
        }
        if let Some(plan) = Plan::read(&change.plan) {
            record.operation = Some(plan.operation.into_owned());
            record.member = plan.member;
            record.number = plan.number;
            record.value = plan.value;
            let is_open = !change.state.is_final();
            record.found = plan
                .found
                .filter(|found| is_open && plan.value.is_some_and(|value| value.after != *found));
            record.error = plan.doubt.filter(|_| is_open);
            record.needs_decision = plan.needs_decision && is_open;
            record.decision = plan.decision;
        }
        if let Some(error) = change.answer.as_deref().and_then(refusal) {
            record.error = Some(error);
        }
        record
    }
}

#[async_trait]
impl ChangeApi for Changes {
    async fn get_change(&self, name: &ChangeName) -> Result<ChangeRecord, Error> {
        Ok(self.record(&self.find(name).await?))
    }

    async fn list_changes(&self, request: ListChanges) -> Result<Page<ChangeRecord>, Error> {
        let Self(account) = self;
        let member = request.member.as_ref().map(MemberName::resource_name);
        let mut states: Vec<&str> = request.states.iter().map(|state| state.as_str()).collect();
        states.sort_unstable();
        let mut arguments = vec![
            request.account.as_str(),
            member.as_deref().unwrap_or_default(),
        ];
        arguments.extend(states);
        let scope = PageScope::list_changes(&arguments);
        let cursor = scope.cursor(&request.page, DEFAULT_PAGE, MAX_PAGE)?;
        let filter = ChangeFilter {
            account: Some(account.account().clone()),
            states: request.states,
            subject: request.member.as_ref().map(subject::of_member),
            // The place that the page before ended at; 0 for the first.
            after: i64::try_from(cursor.offset).ok().filter(|after| *after > 0),
            newest_first: true,
            limit: cursor.size,
        };
        let found = account.process().store().list(&filter).await?;
        let is_full = u32::try_from(found.len()).is_ok_and(|count| count == cursor.size);
        let last = found.last().map(|change| change.ticket.sequence);
        let next = last
            .filter(|_| is_full)
            .and_then(|last| u64::try_from(last).ok())
            .map(|offset| {
                let size = cursor.size;
                scope.token(Cursor { offset, size })
            });
        let items = found.iter().map(|change| self.record(change));
        // One code may belong to members of two templates.
        let is_asked =
            |record: &ChangeRecord| request.member.is_none() || record.member == request.member;
        Ok(Page {
            items: items.filter(is_asked).collect(),
            next,
            total: None,
        })
    }

    async fn resolve_change(
        &self,
        name: &ChangeName,
        decision: Decision,
    ) -> Result<ChangeRecord, Error> {
        let Self(account) = self;
        let count = decision.note.expose().chars().count();
        if !(1..=MAX_NOTE).contains(&count) {
            return Err(Error::field_invalid([FieldViolation::new(
                "note",
                format!("must have 1 to {MAX_NOTE} characters"),
            )]));
        }
        let change = self.find(name).await?;
        let ended = |change: &StoredChange| {
            let state = format!("it is {}", change.state);
            Error::new(Reason::ChangeEnded, format!("{name} has ended"))
                .with_precondition(Precondition::new("CHANGE_ENDED", name.to_string(), state))
        };
        if change.state.is_final() {
            return Err(ended(&change));
        }
        let mut plan = Plan::require(&change.plan)?;
        let subject = plan.subject_key(account.account());
        let right = account.process().right_now(subject).await?;
        let is_free = match &right {
            Some(right) => {
                right.lease().is_some() || account.process().is_abandoned(&change).await?
            }
            None => false,
        };
        let (Some(right), true) = (
            right,
            is_free && !account.process().running().contains(&change.key),
        ) else {
            let message = format!("{name} is still under way");
            return Err(
                Error::new(Reason::InProgress, message).with_retry_after(Duration::from_secs(1))
            );
        };
        let result = async {
            let store = account.process().store();
            let Some(ticket) = store.claim(change.ticket).await? else {
                return Err(ended(&self.find(name).await?));
            };
            let applied = decision.applied;
            let answer = (!applied).then(|| {
                let message = "an operator has found that the change did not take effect";
                let error = Error::new(Reason::UpstreamRefused, message);
                <() as Coded>::encode(&Err(error))
            });
            plan.decision = Some(decision.clone());
            plan.doubt = None;
            let state = match applied {
                true => ChangeState::Applied,
                false => ChangeState::Rejected,
            };
            match account.write(ticket, state, Some(&plan), answer).await? {
                Held::Yes => {
                    tracing::info!(
                        account = %account.account(),
                        change = %name,
                        applied,
                        caller = decision.caller.as_ref().map(CallerId::as_str),
                        "an operator has decided what became of a change"
                    );
                    Ok(self.record(&self.find(name).await?))
                }
                Held::Lost => Err(ended(&self.find(name).await?)),
            }
        }
        .await;
        right.release().await;
        result
    }

    async fn watch_change(
        &self,
        name: &ChangeName,
        known: Option<ChangeState>,
    ) -> Result<ChangeRecord, Error> {
        let Self(account) = self;
        let mut changes = account.process().changes();
        loop {
            changes.mark_unchanged();
            let change = self.find(name).await?;
            let record = self.record(&change);
            if known != Some(record.state) {
                return Ok(record);
            }
            // Another replica may write it, which nobody tells.
            let _ = timeout(account.process().settings().interval, changes.changed()).await;
        }
    }

    async fn begin_batch(
        &self,
        context: &CallContext,
        id: &RequestId,
        list: &[u8],
    ) -> Result<CallContext, Error> {
        let Self(account) = self;
        let key = ChangeKey {
            account: account.account().clone(),
            id: id.clone(),
        };
        let process = account.process();
        let list = process.store().fingerprint(list)?;
        let batch = process.batch(context, &key, list).await?;
        Ok(context.clone().with_entry(batch))
    }

    async fn is_reused(&self, id: &RequestId, content: &[u8]) -> Result<bool, Error> {
        let Self(account) = self;
        let key = ChangeKey {
            account: account.account().clone(),
            id: id.clone(),
        };
        let store = account.process().store();
        let Some(found) = store.find(&key).await? else {
            return Ok(false);
        };
        Ok(found.fingerprint != store.fingerprint(content)?
            || !Party::of_plan(&found.plan).may_be(account.party()))
    }

    async fn first_known(&self, ids: &[RequestId]) -> Result<Option<RequestId>, Error> {
        let Self(account) = self;
        let store = account.process().store();
        Ok(store.first_known(account.account(), ids).await?)
    }

    fn new_request_id(&self) -> Option<RequestId> {
        self.0.process().clock().request_id()
    }

    fn is_changing(&self, member: &MemberName) -> bool {
        let Self(account) = self;
        let subject = subject::of_member(member);
        account.process().is_changing(account.account(), &subject)
    }
}
