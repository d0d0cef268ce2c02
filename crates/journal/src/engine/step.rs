//! The one write of a change: written down before it leaves, concluded from when it comes back.

use kabao_api::{CallContext, Entry as _, Error, Reason};
use kabao_models::{AnyAnswer, AnyEndpoint, Operation, archive};

use super::prove::{Proven, is_remembered, under_way, unknown};
use crate::account::AccountJournal;
use crate::answer::archived;
use crate::entry::{ChangeEntry, End, Intended, Open, Stage, Stop, stopped};
use crate::machine::{Conclusion, Evidence, Known, Proof, conclude};
use crate::plan::Plan;
use crate::store::{Begun, ChangeKey, Held, NewChange, StoreError};

impl AccountJournal {
    /// Runs the write of a change.
    pub(crate) async fn step(
        &self,
        context: &CallContext,
        entry: &ChangeEntry,
        request: Box<dyn AnyEndpoint>,
    ) -> Result<Box<dyn AnyAnswer>, Error> {
        let operation = request.operation();
        match entry.take() {
            Stage::Fresh => self.send(context, entry, request).await,
            Stage::Resumed(open) => match self.settled(context, &open.plan).await {
                true => self.resume(context, entry, operation, open).await,
                false => {
                    let error = unknown(&under_way(), open.plan.needs_decision);
                    entry.put(Stage::Done(open, End::Unknown));
                    Err(error)
                }
            },
            Stage::Proved(open) => {
                let answer = answer_of(operation, &open.plan);
                entry.put(Stage::Done(open, End::Applied));
                Ok(answer)
            }
            stage => {
                entry.put(stage);
                Err(Error::new(
                    Reason::Internal,
                    "one change would send two requests",
                ))
            }
        }
    }

    /// Writes the plan down, and lets the request leave.
    async fn send(
        &self,
        context: &CallContext,
        entry: &ChangeEntry,
        request: Box<dyn AnyEndpoint>,
    ) -> Result<Box<dyn AnyAnswer>, Error> {
        let operation = request.operation();
        // What is refused anyway is not worth a commit, let alone a second one that takes it back.
        if !context.take_expected()
            && let Some(error) = self.pipeline().refusal(context, request.as_ref())
        {
            entry.put(Stage::Fresh);
            return Err(error);
        }
        let plan = plan(&entry.intended, entry, request.as_ref());
        let change = NewChange {
            key: entry.intended.key.clone(),
            method: entry.intended.method.to_owned(),
            fingerprint: entry.intended.fingerprint,
            subject: entry.intended.subject.clone(),
            lease: entry.lease.clone(),
            plan: plan.write(),
            time: self.process().clock().now(),
        };
        let begun = match self.process().store().begin(change).await {
            Ok(begun) => begun,
            Err(error) => {
                entry.put(Stage::Fresh);
                return Err(self.undo(&entry.intended.key, error).await);
            }
        };
        let ticket = match begun {
            Begun::Fresh(ticket) => ticket,
            Begun::Exists(change) => return stop(entry, Stop::Exists(change)),
            Begun::Blocked(change) => return stop(entry, Stop::Blocked(change)),
            Begun::LeaseLost => return stop(entry, Stop::LeaseLost),
        };
        self.process().changed();
        // A place is kept for it, since somebody has asked.
        let expected = context.clone().expected();
        let result = self.pipeline().execute(&expected, request).await;
        let open = Box::new(Open { ticket, plan });
        self.conclude(context, entry, operation, open, result).await
    }

    /// Takes back what a store may have begun that says it failed: whoever hears that nothing was sent must not
    /// have it sent later. Where that cannot be done for certain, the error says so. That the change is not to be
    /// found is no proof: it may show only after the store was opened anew.
    async fn undo(&self, key: &ChangeKey, error: StoreError) -> Error {
        if error.is_refusal() {
            return error.into();
        }
        let store = self.process().store();
        let undone = match store.find(key).await {
            // Of one id this process runs one change, so it is this one.
            Ok(Some(change))
                if change.owner == self.process().leases().replica()
                    && !change.state.is_final() =>
            {
                store.forget(change.ticket).await
            }
            _ => Ok(Held::Lost),
        };
        if let Ok(Held::Yes) = undone {
            return error.into();
        }
        let message =
            "the store of the gateway may have kept the change though it failed, and then it runs";
        Error::new(Reason::OutcomeUnknown, message)
            .with_source(error)
            .with_remedy("repeat the call with the same request id")
            .mark_retryable()
    }

    /// Draws the conclusion from how the first attempts ended.
    async fn conclude(
        &self,
        context: &CallContext,
        entry: &ChangeEntry,
        operation: &'static Operation,
        mut open: Box<Open>,
        result: Result<Box<dyn AnyAnswer>, Error>,
    ) -> Result<Box<dyn AnyAnswer>, Error> {
        let error = match result {
            Ok(answer) => {
                entry.put(Stage::Done(open, End::Applied));
                return Ok(answer);
            }
            Err(error) => error,
        };
        let known = Known {
            may_have_left: context.progress().may_have_executed(),
            ..Known::default()
        };
        let evidence = match error.reason() {
            Reason::RequestNumberUsed => Evidence::NumberUsed,
            _ if error.may_have_executed() => Evidence::Silence,
            _ => Evidence::Refused,
        };
        match conclude(&open.plan, known, evidence) {
            Conclusion::Applied => {
                entry.put(Stage::Done(open, End::Applied));
                Ok(operation.new_answer())
            }
            Conclusion::Rejected => {
                let end = match is_remembered(&error) {
                    true => End::Rejected,
                    false => End::Forgotten,
                };
                entry.put(Stage::Done(open, end));
                Err(error)
            }
            Conclusion::Unknown(proof) => {
                // A caller that is still there may have its proof now; the pipeline has repeated
                // what may be repeated already.
                if proof == Proof::ReadBack && self.settled(context, &open.plan).await {
                    return self.resume(context, entry, operation, open).await;
                }
                open.plan.needs_decision = proof == Proof::Ask;
                let error = unknown(&error, open.plan.needs_decision);
                open.plan.doubt = Some(unknown(&error, open.plan.needs_decision));
                entry.put(Stage::Done(open, End::Unknown));
                Err(error)
            }
        }
    }

    /// Seeks the end of a request that may have left before.
    async fn resume(
        &self,
        context: &CallContext,
        entry: &ChangeEntry,
        operation: &'static Operation,
        mut open: Box<Open>,
    ) -> Result<Box<dyn AnyAnswer>, Error> {
        match self.prove(context, &mut open.plan).await {
            Proven::Applied(answer) => {
                let answer = answer.unwrap_or_else(|| operation.new_answer());
                entry.put(Stage::Done(open, End::Applied));
                Ok(answer)
            }
            Proven::Rejected(error) => {
                entry.put(Stage::Done(open, End::Rejected));
                Err(error)
            }
            Proven::Unknown(error) => {
                let error = unknown(&error, open.plan.needs_decision);
                entry.put(Stage::Done(open, End::Unknown));
                Err(error)
            }
        }
    }
}

fn stop<T>(entry: &ChangeEntry, stop: Stop) -> Result<T, Error> {
    entry.put(Stage::Stopped(stop));
    Err(stopped())
}

/// The answer of an operation that has run: WeChat's, or, where that is lost, one without members.
fn answer_of(operation: &'static Operation, plan: &Plan) -> Box<dyn AnyAnswer> {
    let known = plan
        .answer
        .as_deref()
        .filter(|_| plan.operation == operation.id);
    known
        .and_then(|answer| archive::read_answer(operation.id, answer.as_bytes()).ok())
        .unwrap_or_else(|| operation.new_answer())
}

/// What is going to be sent, and how to prove it.
fn plan(intended: &Intended, entry: &ChangeEntry, request: &dyn AnyEndpoint) -> Plan {
    let is_safe_to_repeat = request.is_safe_to_repeat();
    let number = request.request_number().filter(|number| !number.is_empty());
    Plan {
        operation: request.operation().id.into(),
        party: intended.party.clone(),
        request: is_safe_to_repeat.then(|| archived(request)),
        number: number.map(str::to_owned),
        is_safe_to_repeat,
        value: entry.planned(),
        subject: intended.subject.clone(),
        member: intended.member.clone(),
        openid: intended.openid.clone(),
        answer: None,
        doubt: None,
        found: None,
        needs_decision: false,
        decision: None,
    }
}
