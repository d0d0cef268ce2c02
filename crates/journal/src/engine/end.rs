//! Ending a change that nobody runs any more, without its caller.

use std::sync::Arc;

use kabao_api::{CallContext, ChangeState, Error};
use tokio::time::sleep;

use super::prove::Proven;
use crate::account::AccountJournal;
use crate::answer::{Coded, archived};
use crate::entry::ProofEntry;
use crate::plan::Plan;
use crate::process::Right;
use crate::store::{Held, StoredChange};

impl AccountJournal {
    /// Seeks the end of a change that the store has and that nobody runs, under the right to its subject, and writes it
    /// down.
    pub(crate) async fn end(
        &self,
        context: &CallContext,
        right: &Right,
        change: StoredChange,
    ) -> Result<ChangeState, Error> {
        let mut plan = Plan::require(&change.plan)?;
        if change.state.is_final() || plan.needs_decision {
            return Ok(change.state);
        }
        let store = self.process().store();
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
            sleep(self.process().settings().quiet).await;
        }
        let held = self.write(ticket, state, Some(&plan), answer).await?;
        if held == Held::Yes && state.is_final() {
            self.process()
                .tell_ended(&change.key, &change.method, state);
        }
        Ok(state)
    }
}
