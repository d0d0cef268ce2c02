//! The life of one change: it is found, waited for, taken up or begun; it runs; its end is written.
//!
//! Read [`AccountJournal::change`] first.

mod end;
mod finish;
mod prove;
mod quiet;
mod step;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use kabao_api::{CallContext, Error, FieldViolation, Reason};
use tokio::time::{Instant, sleep};

use self::finish::Led;
use crate::account::AccountJournal;
use crate::answer::Coded;
use crate::entry::{ChangeEntry, Intended, Open, Stage, Stop, entry_of};
use crate::party::Party;
use crate::plan::Plan;
use crate::process::{Batch, Entered, Right, Told, earlier_open, wait};
use crate::store::{ChangeKey, StoredChange};

/// A method at work.
pub(crate) type Working<'w, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'w>>;

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
        let deadline = self.process().deadline(&context);
        loop {
            let entered = match self.process().running().enter(&intended) {
                Ok(entered) => entered,
                Err(full) => return self.ended_before(&intended, full).await,
            };
            match entered {
                Entered::Joined(run) => {
                    if !run.is_of(&intended) {
                        return Err(reused());
                    }
                    match wait(&context, deadline, run.ended()).await {
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
        let store = self.process().store();
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
        let store = self.process().store();
        let mut found = store.find(&intended.key).await?;
        if let Some(led) = replay(intended, found.as_ref())? {
            return Ok(led);
        }
        let batch = entry_of::<Batch>(context);
        if batch.as_ref().is_some_and(|batch| !batch.holds()) {
            return self.without_right(intended, found, out_of_touch()).await;
        }
        let take_right = || {
            let process = self.process();
            process.right(context, deadline, intended.subject_key())
        };
        let mut right = match take_right().await {
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
                // That of the batch, if it is an item of one, is the older one.
                batch
                    .as_ref()
                    .and_then(|batch| batch.standing())
                    .unwrap_or_else(|| right.standing()),
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
                    let ended = match self.settled(context, &Plan::require(&change.plan)?).await {
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
                    right = match take_right().await {
                        Ok(right) => right,
                        Err(error) => return self.without_right(intended, None, error).await,
                    };
                    found = store.find(&intended.key).await?;
                }
                stage => {
                    let quiet = self.process().settings().quiet;
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

    /// Tells what came of a call that does not get the right. Whoever has it may run this very change, begun meanwhile by
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
                let found = self.process().store().find(&intended.key).await;
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
        let plan = Plan::require(&change.plan)?;
        if change.state.is_final() {
            let ticket = change.ticket;
            return Ok(Some(Stage::Proved(Box::new(Open { ticket, plan }))));
        }
        // Whoever runs a change of a subject holds its lease. Without one only the owner tells.
        let is_free = right.lease().is_some() || self.process().is_abandoned(&change).await?;
        if !is_free {
            let pause = sleep(self.process().settings().lease_poll);
            let waited = wait(context, deadline, pause).await;
            return match waited {
                Some(()) => Ok(None),
                None => Err(in_progress(&change.key)),
            };
        }
        let claimed = self.process().store().claim(change.ticket).await;
        let claimed = claimed.map_err(|error| Error::from(error).mark_may_have_executed())?;
        Ok(claimed.map(|ticket| Stage::Resumed(Box::new(Open { ticket, plan }))))
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

/// Another replica may have the batch.
fn out_of_touch() -> Error {
    Error::new(
        Reason::Store,
        "the gateway has lost touch with its store, so that another replica may run the batch",
    )
}

/// The first call runs on, and whatever it sends is sent.
fn in_progress(key: &ChangeKey) -> Error {
    let message = format!("{key} is still under way");
    Error::new(Reason::InProgress, message)
        .with_retry_after(Duration::from_secs(1))
        .mark_may_have_executed()
}
