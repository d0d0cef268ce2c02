//! `kabao.v1.ChangeService`.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::{Stream, StreamExt, stream};
use kabao_api::{
    Account, AccountId, CallContext, ChangeApi, ChangeName, ChangeRecord, ChangeState, Decision,
    Error, ListChanges, MemberName, MemberValue, PageToken, PlannedValue, Reason,
};
use kabao_proto::kabao::v1 as proto;
use kabao_proto::kabao::v1::change_service_server::ChangeService;
use tonic::{Request, Response, Status};

use super::arguments::Arguments;
use super::{before_end, text};
use crate::call::Call;
use crate::generation::Generations;
use crate::status;

/// Characters of the note of a decision.
const MAX_NOTE: usize = 200;

/// Tells what became of the changes of every configured account.
#[derive(Clone, Debug)]
pub struct ChangeGrpc {
    generations: Generations,
}

impl ChangeGrpc {
    /// Serves the changes of `accounts`.
    pub fn new(generations: impl Into<Generations>) -> Self {
        Self {
            generations: generations.into(),
        }
    }

    fn journal(&self, call: &mut Call, id: &AccountId) -> Result<Arc<dyn ChangeApi>, Status> {
        let (account, _) = call.account(&self.generations, id)?;
        journal_of(call, &account)
    }

    /// The same for a decision, with the context that tells what is written down of it.
    fn journal_to_decide(
        &self,
        call: &mut Call,
        name: &ChangeName,
    ) -> Result<(Arc<dyn ChangeApi>, CallContext), Status> {
        let (account, mut context) = call.account(&self.generations, name.account())?;
        let journal = journal_of(call, &account)?;
        let subjects = || vec![name.to_string()];
        call.write_down(&mut context, Some(name.id()), subjects)?;
        Ok((journal, context))
    }
}

fn journal_of(call: &Call, account: &Account) -> Result<Arc<dyn ChangeApi>, Status> {
    let Account { changes, id, .. } = account;
    changes.clone().ok_or_else(|| {
        call.refuse(&Error::new(
            Reason::PreconditionFailed,
            format!("account {id} has no journal, so that its changes are not remembered"),
        ))
    })
}

#[tonic::async_trait]
impl ChangeService for ChangeGrpc {
    type WatchChangeStream = Pin<Box<dyn Stream<Item = Result<proto::Change, Status>> + Send>>;

    async fn get_change(
        &self,
        request: Request<proto::GetChangeRequest>,
    ) -> Result<Response<proto::Change>, Status> {
        let mut call = Call::of(&request);
        let name = name(&request.into_inner().name).map_err(|error| call.refuse(&error))?;
        let journal = self.journal(&mut call, name.account())?;
        match journal.get_change(&name).await {
            Ok(change) => Ok(Response::new(answer(&call, change))),
            Err(error) => Err(call.refuse(&error)),
        }
    }

    async fn list_changes(
        &self,
        request: Request<proto::ListChangesRequest>,
    ) -> Result<Response<proto::ListChangesResponse>, Status> {
        let mut call = Call::of(&request);
        let list = list(request.into_inner()).map_err(|error| call.refuse(&error))?;
        let journal = self.journal(&mut call, &list.account)?;
        match journal.list_changes(list).await {
            Ok(page) => Ok(Response::new(proto::ListChangesResponse {
                next_page_token: text(page.next.as_ref().map(PageToken::as_str)),
                changes: page
                    .items
                    .into_iter()
                    .map(|change| answer(&call, change))
                    .collect(),
            })),
            Err(error) => Err(call.refuse(&error)),
        }
    }

    async fn resolve_change(
        &self,
        request: Request<proto::ResolveChangeRequest>,
    ) -> Result<Response<proto::Change>, Status> {
        let mut call = Call::of(&request);
        let (name, mut decision) =
            decision(request.into_inner()).map_err(|error| call.refuse(&error))?;
        decision.caller = call.caller().cloned();
        let (journal, context) = self.journal_to_decide(&mut call, &name)?;
        match journal.resolve_change(&name, decision).await {
            Ok(change) => {
                // What was decided is what is written down, and the journal forgets it.
                if let Some(witness) = context.witness() {
                    witness.written(change.state);
                }
                Ok(Response::new(answer(&call, change)))
            }
            Err(error) => Err(call.refuse(&error)),
        }
    }

    async fn watch_change(
        &self,
        request: Request<proto::WatchChangeRequest>,
    ) -> Result<Response<Self::WatchChangeStream>, Status> {
        let mut call = Call::of(&request);
        let name = name(&request.into_inner().name).map_err(|error| call.refuse(&error))?;
        let journal = self.journal(&mut call, name.account())?;
        // What is wrong with the call is told instead of a stream, not in one.
        let first = journal
            .watch_change(&name, None)
            .await
            .map_err(|error| call.refuse(&error))?;
        let watch = Watch {
            journal,
            name,
            seen: Some(first.state),
            call: call.clone(),
            generations: self.generations.clone(),
        };
        let rest = stream::unfold(watch, |mut watch| async {
            let change = watch.next().await?;
            Some((change, watch))
        });
        let states = stream::iter([Ok(first)]).chain(rest);
        let telling = call.clone();
        let answers = states.map(move |change| match change {
            Ok(change) => Ok(answer(&telling, change)),
            Err(error) => Err(telling.refuse(&error)),
        });
        Ok(Response::new(before_end(call, answers)))
    }
}

/// A change whose states are told one after another.
struct Watch {
    journal: Arc<dyn ChangeApi>,
    name: ChangeName,
    /// The last state that was told; `None` after a failure.
    seen: Option<ChangeState>,
    call: Call,
    generations: Generations,
}

impl Watch {
    /// Waits for another state than that which was seen; `None` after a final one and after a failure.
    async fn next(&mut self) -> Option<Result<ChangeRecord, Error>> {
        let seen = self.seen.filter(|seen| !seen.is_final())?;
        let change = self.journal.watch_change(&self.name, Some(seen)).await;
        // Meanwhile the caller may have lost the right to hear of it.
        let may_hear = self.call.require_still(&self.generations);
        let change = may_hear.and(change);
        self.seen = change.as_ref().ok().map(|change| change.state);
        Some(change)
    }
}

fn name(text: &str) -> Result<ChangeName, Error> {
    let mut arguments = Arguments::default();
    let name = arguments.name("name", text);
    arguments.finish(name)
}

fn list(request: proto::ListChangesRequest) -> Result<ListChanges, Error> {
    let mut arguments = Arguments::default();
    let account = arguments.account("parent", &request.parent);
    let mut states = Vec::new();
    for (index, state) in request.states.into_iter().enumerate() {
        match proto::change::State::try_from(state).ok().and_then(known) {
            Some(state) => states.push(state),
            None => arguments.report(
                Reason::FieldInvalid,
                &format!("states[{index}]"),
                "is not a state of changes",
            ),
        }
    }
    let member: Option<MemberName> = match request.member.as_str() {
        "" => None,
        member => arguments.name("member", member),
    };
    if let (Some(account), Some(member)) = (&account, &member)
        && member.account() != account
    {
        let description = "is of another account than parent";
        arguments.report(Reason::NameInvalid, "member", description);
    }
    let page = arguments.page(request.page_size, request.page_token);
    arguments.finish(account.map(|account| {
        let mut wanted = ListChanges::new(account);
        wanted.states = states;
        wanted.member = member;
        wanted.page = page;
        wanted
    }))
}

fn decision(request: proto::ResolveChangeRequest) -> Result<(ChangeName, Decision), Error> {
    use proto::resolve_change_request::Outcome;
    let mut arguments = Arguments::default();
    let name = arguments.name("name", &request.name);
    let applied = match Outcome::try_from(request.outcome) {
        Ok(Outcome::Applied) => Some(true),
        Ok(Outcome::NotApplied) => Some(false),
        Ok(Outcome::Unspecified) | Err(_) => {
            let description = "must be OUTCOME_APPLIED or OUTCOME_NOT_APPLIED";
            arguments.report(Reason::FieldInvalid, "outcome", description);
            None
        }
    };
    let note = request.note.trim().to_owned();
    let length = note.chars().count();
    if length == 0 {
        arguments.report(Reason::FieldInvalid, "note", "is required");
    } else if length > MAX_NOTE {
        let description = format!("has {length} characters, at most {MAX_NOTE} are allowed");
        arguments.report(Reason::FieldInvalid, "note", description);
    }
    let decided = name.zip(applied);
    arguments.finish(decided.map(|(name, applied)| {
        let decision = Decision {
            applied,
            note: note.into(),
            caller: None,
        };
        (name, decision)
    }))
}

fn answer(call: &Call, change: ChangeRecord) -> proto::Change {
    let error = change.error.as_ref();
    proto::Change {
        name: change.name.to_string(),
        state: state(change.state).into(),
        error: error.map(|error| status::to_message(&call.status(error))),
        method: change.method,
        operation: text(change.operation),
        member: text(change.member.map(|member| member.resource_name())),
        out_request_no: text(change.number),
        value: change.value.map(value),
        found: change.found,
        needs_decision: change.needs_decision,
        decision: change.decision.map(|decision| proto::change::Decision {
            applied: decision.applied,
            note: decision.note.into_exposed(),
            caller: text(decision.caller.map(|caller| caller.to_string())),
        }),
        create_time: Some(change.create_time.into()),
        update_time: Some(change.update_time.into()),
    }
}

fn value(planned: PlannedValue) -> proto::change::Value {
    use proto::change::value::Kind;
    let kind = match planned.value {
        MemberValue::Points => Kind::Points,
        MemberValue::Balance => Kind::Balance,
    };
    proto::change::Value {
        kind: kind.into(),
        before: planned.before,
        after: planned.after,
        difference: planned.is_difference,
    }
}

fn state(state: ChangeState) -> proto::change::State {
    use proto::change::State;
    match state {
        ChangeState::Intent => State::Intent,
        ChangeState::Sent => State::Sent,
        ChangeState::Applied => State::Applied,
        ChangeState::Rejected => State::Rejected,
        ChangeState::Unknown => State::Unknown,
    }
}

fn known(wanted: proto::change::State) -> Option<ChangeState> {
    ChangeState::ALL
        .into_iter()
        .find(|known| state(*known) == wanted)
}

#[cfg(test)]
mod tests;
