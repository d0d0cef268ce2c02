//! The life of one change: it is found, waited for, taken up or begun; it runs; its end is written.
//!
//! Read [`AccountJournal::change`] first.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use kabao_api::{CallContext, ChangeState, Error, FieldViolation, Reason};
use tokio::time::{Instant, sleep, timeout_at};

use crate::account::AccountJournal;
use crate::answer::Coded;
use crate::entry::{ChangeEntry, End, Intended, Open, ProofEntry, Stage, Stop};
use crate::party::Party;
use crate::plan::Plan;
use crate::prove::{Proven, unknown};
use crate::right::Right;
use crate::running::{Entered, Told};
use crate::store::{ChangeKey, ChangeUpdate, Held, StoredChange, Ticket};

/// A method at work.
pub(crate) type Working<'w, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'w>>;

/// How a call ended, and what those hear that asked for the same change meanwhile.
struct Led<T> {
    result: Result<T, Error>,
    told: Told,
}

impl<T: Coded> Led<T> {
    /// A result that a repeat gets too, though the journal does not keep it.
    fn shared(result: Result<T, Error>) -> Self {
        let told = match &result {
            // The time of this caller, not of others.
            Err(error)
                if matches!(error.reason(), Reason::DeadlineExceeded | Reason::Cancelled) =>
            {
                Told::TryAgain
            }
            result => Told::Answer(T::encode(result).into()),
        };
        Self { result, told }
    }
}

impl AccountJournal {
    /// Runs a change, or answers with what came of it before.
    ///
    /// `work` is the method itself. It sends at most one write, through the journal's own
    /// [`Upstream`](kabao_api::Upstream), which finds the entry in the context; it may run several
    /// times, as long as that write was not sent.
    pub(crate) async fn change<'w, T: Coded>(
        &self,
        context: &CallContext,
        intended: Intended,
        work: impl Fn(CallContext) -> Working<'w, T>,
    ) -> Result<T, Error> {
        let context = match context.progress().is_followed() {
            true => context.clone(),
            false => context.clone().detached(),
        };
        let intended = Arc::new(intended);
        let deadline = self.deadline(&context);
        loop {
            let entered = match self.journal().running().enter(&intended) {
                Ok(entered) => entered,
                Err(full) => return self.ended_before(&intended, full).await,
            };
            match entered {
                Entered::Joined(run) => {
                    if !run.is_of(&intended) {
                        return Err(reused());
                    }
                    match self.wait(&context, deadline, run.ended()).await {
                        Some(Told::Answer(answer)) => return T::decode(&answer),
                        Some(Told::TryAgain) => {}
                        None => return Err(in_progress(&intended.key)),
                    }
                }
                Entered::Leading(lead) => {
                    let led = match self
                        .lead(&context, deadline, &intended, lead.sent(), &work)
                        .await
                    {
                        Ok(led) => led,
                        Err(error) => Led::shared(Err(error)),
                    };
                    lead.end(led.told);
                    return led.result;
                }
            }
        }
    }

    /// Answers with what came of a change before, where there is no room to run one.
    async fn ended_before<T: Coded>(&self, intended: &Intended, full: Error) -> Result<T, Error> {
        let store = self.journal().store();
        if store.is_new(&intended.key) {
            return Err(full);
        }
        let found = store.find(&intended.key).await?;
        match replay(intended, found.as_ref())? {
            Some(led) => led.result,
            None if found.is_some() => Err(full.mark_may_have_executed()),
            None => Err(full),
        }
    }

    async fn lead<'w, T: Coded>(
        &self,
        context: &CallContext,
        deadline: Instant,
        intended: &Arc<Intended>,
        sent: &Arc<AtomicBool>,
        work: &impl Fn(CallContext) -> Working<'w, T>,
    ) -> Result<Led<T>, Error> {
        let store = self.journal().store();
        let mut found = store.find(&intended.key).await?;
        if let Some(led) = replay(intended, found.as_ref())? {
            return Ok(led);
        }
        let mut right = match self.right(context, deadline, intended).await {
            Ok(right) => right,
            Err(error) => return self.without_right(intended, found, error).await,
        };
        if right.waited() {
            found = store.find(&intended.key).await?;
        }
        loop {
            if let Some(led) = replay(intended, found.as_ref())? {
                right.release().await;
                return Ok(led);
            }
            let stage = match found.take() {
                None => Stage::Fresh,
                Some(change) => match self.take_up(context, deadline, &right, change).await? {
                    Some(stage) => stage,
                    None => {
                        found = store.find(&intended.key).await?;
                        continue;
                    }
                },
            };
            if matches!(stage, Stage::Resumed(_) | Stage::Proved(_)) {
                // Something was sent long ago: no caller that leaves can take that back.
                context.progress().confirm();
            }
            let entry = Arc::new(ChangeEntry::new(
                Arc::clone(intended),
                right.lease().cloned(),
                right.standing(),
                Arc::clone(sent),
                stage,
            ));
            let followed = context
                .clone()
                .with_entry(Arc::<ChangeEntry>::clone(&entry));
            let result = work(followed).await;
            match entry.take() {
                Stage::Stopped(Stop::Exists(change)) => found = Some(*change),
                Stage::Stopped(Stop::Blocked(change)) => {
                    // Its subject is that of this change, whose right is held here.
                    let ended = match self.settled(context, &read_plan(&change)?).await {
                        true => self.end(context, &right, *change).await,
                        false => Ok(change.state),
                    };
                    if !ended.as_ref().is_ok_and(|state| state.is_final()) {
                        right.release().await;
                        ended?;
                        return Err(earlier_open());
                    }
                }
                Stage::Stopped(Stop::LeaseLost) => {
                    right.release().await;
                    right = match self.right(context, deadline, intended).await {
                        Ok(right) => right,
                        Err(error) => return self.without_right(intended, None, error).await,
                    };
                    found = store.find(&intended.key).await?;
                }
                stage => {
                    let quiet = self.journal().settings().quiet;
                    let trails = entry.trails(&stage) && !quiet.is_zero();
                    let led = self.finish(context, intended, stage, result).await;
                    match trails {
                        true => right.release_after(quiet),
                        false => right.release().await,
                    }
                    return Ok(led);
                }
            }
        }
    }

    /// Tells what came of waiting in vain for the right. Whoever has it may run this very change, begun meanwhile by
    /// another process; only a change that the store does not have was not sent.
    async fn without_right<T: Coded>(
        &self,
        intended: &Intended,
        found: Option<StoredChange>,
        error: Error,
    ) -> Result<Led<T>, Error> {
        let is_kept_out = error.reason() == Reason::EarlierChangeOpen;
        let found = match found {
            None if is_kept_out => {
                let found = self.journal().store().find(&intended.key).await;
                found.map_err(|error| Error::from(error).mark_may_have_executed())?
            }
            found => found,
        };
        if let Some(led) = replay(intended, found.as_ref())? {
            return Ok(led);
        }
        Err(match found {
            Some(_) if is_kept_out => in_progress(&intended.key),
            Some(_) => error.mark_may_have_executed(),
            None => error,
        })
    }

    /// Takes over what the store has of this change; `None` if that is not what it was any more.
    async fn take_up(
        &self,
        context: &CallContext,
        deadline: Instant,
        right: &Right,
        change: StoredChange,
    ) -> Result<Option<Stage>, Error> {
        let plan = read_plan(&change)?;
        if change.state.is_final() {
            let ticket = change.ticket;
            return Ok(Some(Stage::Proved(Box::new(Open { ticket, plan }))));
        }
        // Whoever runs a change of a subject holds its lease. Without one only the owner tells.
        let is_free = right.lease().is_some() || self.is_abandoned(&change).await?;
        if !is_free {
            let pause = sleep(self.journal().settings().lease_poll);
            let waited = self.wait(context, deadline, pause).await;
            return match waited {
                Some(()) => Ok(None),
                None => Err(in_progress(&change.key)),
            };
        }
        let claimed = self.journal().store().claim(change.ticket).await;
        let claimed = claimed.map_err(|error| Error::from(error).mark_may_have_executed())?;
        Ok(claimed.map(|ticket| Stage::Resumed(Box::new(Open { ticket, plan }))))
    }

    /// Tells whether nobody runs a change: its process is gone, or it is this one, which would have
    /// found it among the running ones.
    pub(crate) async fn is_abandoned(&self, change: &StoredChange) -> Result<bool, Error> {
        let leases = self.journal().leases();
        Ok(change.owner == leases.replica() || !leases.is_alive(&change.owner).await?)
    }

    /// Seeks the end of a change that the store has and that nobody runs, under the right to its subject, and writes it
    /// down.
    pub(crate) async fn end(
        &self,
        context: &CallContext,
        right: &Right,
        change: StoredChange,
    ) -> Result<ChangeState, Error> {
        let mut plan = read_plan(&change)?;
        if change.state.is_final() || plan.needs_decision {
            return Ok(change.state);
        }
        let store = self.journal().store();
        let Some(ticket) = store.claim(change.ticket).await? else {
            return Ok(change.state);
        };
        // What is tried here belongs to another caller, and ends as it ends.
        let entry = Arc::new(ProofEntry::new(plan.value, right.standing()));
        let context = context
            .clone()
            .detached()
            .without_witness()
            .with_entry(Arc::<ProofEntry>::clone(&entry));
        context.progress().confirm();
        let (state, answer) = match self.prove(&context, &mut plan).await {
            Proven::Applied(answer) => {
                plan.answer = answer.map(|answer| archived(answer.as_ref()));
                plan.doubt = None;
                (ChangeState::Applied, None)
            }
            Proven::Rejected(error) => {
                let answer = <() as Coded>::encode(&Err(error));
                (ChangeState::Rejected, Some(answer))
            }
            Proven::Unknown(_) => (ChangeState::Unknown, None),
        };
        if state.is_final() && entry.trails(&plan) {
            sleep(self.journal().settings().quiet).await;
        }
        let held = self.write(ticket, state, Some(&plan), answer).await?;
        if held == Held::Yes && state.is_final() {
            self.journal()
                .tell_ended(&change.key, &change.method, state);
        }
        Ok(state)
    }

    /// Writes the end of a change, before anybody hears of it.
    async fn finish<T: Coded>(
        &self,
        context: &CallContext,
        intended: &Intended,
        stage: Stage,
        result: Result<T, Error>,
    ) -> Led<T> {
        match stage {
            // Refused before anything was written: nothing to remember.
            Stage::Fresh => Led::shared(result),
            // The method failed before it came to the write that was sent long ago.
            Stage::Resumed(open) => {
                Led::shared(result.map_err(|error| unknown(&error, open.plan.needs_decision)))
            }
            // Applied; its answer could not be made this time.
            Stage::Proved(_) => {
                Led::shared(result.map_err(|error| error.mark_may_have_executed().mark_retryable()))
            }
            Stage::Sending | Stage::Stopped(_) => Led::shared(Err(Error::new(
                Reason::OutcomeUnknown,
                "the change was left in the middle",
            ))),
            Stage::Done(open, end) => {
                self.finish_done(context, intended, *open, end, result)
                    .await
            }
        }
    }

    async fn finish_done<T: Coded>(
        &self,
        context: &CallContext,
        intended: &Intended,
        Open { ticket, plan }: Open,
        end: End,
        result: Result<T, Error>,
    ) -> Led<T> {
        let written = match end.state() {
            Some(state) if state.is_final() => {
                let answer = T::encode(&result);
                // The answer says it all: the plan stays as it was begun.
                let write = self.write(ticket, state, None, Some(answer.clone()));
                match write.await {
                    Ok(Held::Yes) => {
                        witness(context, state);
                        let told = Told::Answer(answer.into());
                        return Led { result, told };
                    }
                    other => other,
                }
            }
            None => {
                let forgotten = self.journal().store().forget(ticket).await;
                if let Ok(Held::Yes) = forgotten {
                    self.journal().sight().end(ticket);
                }
                forgotten.map_err(Error::from)
            }
            Some(state) => {
                let held = self.write(ticket, state, Some(&plan), None).await;
                if matches!(held, Ok(Held::Yes)) {
                    witness(context, state);
                }
                self.journal().wake();
                held
            }
        };
        match written {
            Ok(Held::Yes) => Led::shared(result),
            // Whoever has taken the change over says how it ended.
            Ok(Held::Lost) => Led::shared(Err(taken_over())),
            Err(error) => {
                tracing::warn!(
                    account = %intended.key.account,
                    change = %intended.key,
                    "the end of a change could not be written; it is found out again"
                );
                Led::shared(Err(unrecorded(error)))
            }
        }
    }

    pub(crate) async fn write(
        &self,
        ticket: Ticket,
        state: ChangeState,
        plan: Option<&Plan>,
        answer: Option<Vec<u8>>,
    ) -> Result<Held, Error> {
        let update = ChangeUpdate {
            state,
            plan: plan.map(Plan::write),
            answer,
            time: self.journal().clock().now(),
        };
        let held = self.journal().store().update(ticket, update).await?;
        if held == Held::Yes && state.is_final() {
            self.journal().sight().end(ticket);
        }
        self.journal().changed();
        Ok(held)
    }

    /// Waits as long as the caller does; `None` if that was not long enough.
    pub(crate) async fn wait<F: Future>(
        &self,
        context: &CallContext,
        deadline: Instant,
        future: F,
    ) -> Option<F::Output> {
        let waiting = timeout_at(deadline, future);
        context.progress().unless_abandoned(waiting).await?.ok()
    }

    /// When a call stops waiting for others: in time to tell so.
    fn deadline(&self, context: &CallContext) -> Instant {
        const MARGIN: Duration = Duration::from_millis(20);
        let limit = Instant::now() + self.journal().settings().wait_limit;
        match context.deadline {
            Some(deadline) => limit.min(Instant::from_std(deadline) - MARGIN),
            None => limit,
        }
    }
}

/// Tells whoever writes down what the call has changed.
fn witness(context: &CallContext, state: ChangeState) {
    if let Some(witness) = context.witness() {
        witness.written(state);
    }
}

/// Answers with what the store has of this change, if that is all that there is to do.
fn replay<T: Coded>(
    intended: &Intended,
    found: Option<&StoredChange>,
) -> Result<Option<Led<T>>, Error> {
    let Some(change) = found else {
        return Ok(None);
    };
    if change.fingerprint != intended.fingerprint {
        return Err(reused());
    }
    if !Party::of_plan(&change.plan).may_be(intended.party.as_ref()) {
        return Err(of_another_party());
    }
    Ok(change.answer.as_deref().map(|answer| Led {
        result: T::decode(answer),
        told: Told::Answer(answer.into()),
    }))
}

pub(crate) fn read_plan(change: &StoredChange) -> Result<Plan, Error> {
    Plan::read(&change.plan).ok_or_else(|| {
        Error::new(Reason::Store, "the plan of the change cannot be read").mark_may_have_executed()
    })
}

pub(crate) fn archived(record: &dyn kabao_models::Record) -> String {
    String::from_utf8(kabao_models::archive::write(record)).unwrap_or_default()
}

fn reused() -> Error {
    Error::violated(
        Reason::RequestIdReused,
        [FieldViolation::new(
            "request_id",
            "was used for another change before",
        )],
    )
}

/// What was asked for is the same, but of somebody else: nothing of that has happened for the present one.
fn of_another_party() -> Error {
    Error::violated(
        Reason::RequestIdReused,
        [FieldViolation::new(
            "request_id",
            "was used before, when the account had another merchant number, brand or AppID",
        )],
    )
}

/// The first call runs on, and whatever it sends is sent.
fn in_progress(key: &ChangeKey) -> Error {
    let message = format!("{key} is still under way");
    Error::new(Reason::InProgress, message)
        .with_retry_after(Duration::from_secs(1))
        .mark_may_have_executed()
}

/// The name of the other change is not told: it may be another caller's.
pub(crate) fn earlier_open() -> Error {
    Error::new(
        Reason::EarlierChangeOpen,
        "an earlier change of the same member or template has not ended",
    )
    .with_retry_after(Duration::from_secs(1))
}

fn taken_over() -> Error {
    let message = "another replica has taken the change over, and finds out how it ended";
    Error::new(Reason::OutcomeUnknown, message)
        .with_remedy("repeat the call with the same request id")
        .mark_retryable()
}

/// What was done is done, but nobody could answer a repeat.
fn unrecorded(error: Error) -> Error {
    Error::new(
        Reason::OutcomeUnknown,
        "the end of the change could not be written to the store of the gateway",
    )
    .with_source(error)
    .with_remedy("repeat the call with the same request id")
    .mark_retryable()
}
