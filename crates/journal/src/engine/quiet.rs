//! Waiting for what may be under way.

use std::time::Instant as StdInstant;

use kabao_api::CallContext;
use tokio::time::{Instant, sleep_until};

use crate::account::AccountJournal;
use crate::machine::{Proof, first_proof};
use crate::plan::Plan;

impl AccountJournal {
    /// Waits until a request that may have left a moment ago has arrived or never will; false if the call has no time
    /// for that.
    pub(super) async fn settled(&self, context: &CallContext, plan: &Plan) -> bool {
        plan.number.is_some() || first_proof(plan) == Proof::Ask || self.quiet(context).await
    }

    pub(super) async fn quiet(&self, context: &CallContext) -> bool {
        let quiet = self.process().settings().quiet;
        if quiet.is_zero() {
            return true;
        }
        let until = Instant::now() + quiet;
        let has_time = |deadline: StdInstant| until < Instant::from_std(deadline);
        if !context.deadline.is_none_or(has_time) {
            return false;
        }
        sleep_until(until).await;
        true
    }
}
