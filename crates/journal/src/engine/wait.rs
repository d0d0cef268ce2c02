//! How long a call waits: for others, and for what may be under way.

use std::time::{Duration, Instant as StdInstant};

use kabao_api::CallContext;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::account::AccountJournal;
use crate::machine::{Proof, first_proof};
use crate::plan::Plan;

impl AccountJournal {
    /// Waits as long as the caller does; `None` if that was not long enough.
    pub(super) async fn wait<F: Future>(
        &self,
        context: &CallContext,
        deadline: Instant,
        future: F,
    ) -> Option<F::Output> {
        let waiting = timeout_at(deadline, future);
        context.progress().unless_abandoned(waiting).await?.ok()
    }

    /// When a call stops waiting for others: in time to tell so.
    pub(super) fn deadline(&self, context: &CallContext) -> Instant {
        const MARGIN: Duration = Duration::from_millis(20);
        let limit = Instant::now() + self.process().settings().wait_limit;
        match context.deadline {
            Some(deadline) => limit.min(Instant::from_std(deadline) - MARGIN),
            None => limit,
        }
    }

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
