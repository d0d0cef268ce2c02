//! The end of a change, which is written before anybody hears of it.

use kabao_api::{CallContext, ChangeState, Error, Reason};

use super::prove::unknown;
use crate::account::AccountJournal;
use crate::answer::Coded;
use crate::entry::{End, Intended, Open, Stage};
use crate::plan::Plan;
use crate::process::Told;
use crate::store::{ChangeUpdate, Held, Ticket};

/// How a call ended, and what those hear that asked for the same change meanwhile.
pub(super) struct Led<T> {
    pub(super) result: Result<T, Error>,
    pub(super) told: Told,
}

impl<T: Coded> Led<T> {
    /// A result that a repeat gets too, though the journal does not keep it.
    pub(super) fn shared(result: Result<T, Error>) -> Self {
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
    /// Writes the end of a change, before anybody hears of it.
    pub(super) async fn finish<T: Coded>(
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
                let forgotten = self.process().store().forget(ticket).await;
                if let Ok(Held::Yes) = forgotten {
                    self.process().sight().end(ticket);
                }
                forgotten.map_err(Error::from)
            }
            Some(state) => {
                let held = self.write(ticket, state, Some(&plan), None).await;
                if matches!(held, Ok(Held::Yes)) {
                    witness(context, state);
                }
                self.process().wake();
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
            time: self.process().clock().now(),
        };
        let held = self.process().store().update(ticket, update).await?;
        if held == Held::Yes && state.is_final() {
            self.process().sight().end(ticket);
        }
        self.process().changed();
        Ok(held)
    }
}

/// Tells whoever writes down what the call has changed.
fn witness(context: &CallContext, state: ChangeState) {
    if let Some(witness) = context.witness() {
        witness.written(state);
    }
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
