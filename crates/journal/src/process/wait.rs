//! How long a call waits for others.

use std::time::Duration;

use kabao_api::CallContext;
use tokio::time::{Instant, timeout_at};

use super::Process;

/// Waits as long as the caller does; `None` if that was not long enough.
pub(crate) async fn wait<F: Future>(
    context: &CallContext,
    deadline: Instant,
    future: F,
) -> Option<F::Output> {
    let waiting = timeout_at(deadline, future);
    context.progress().unless_abandoned(waiting).await?.ok()
}

impl Process {
    /// When a call stops waiting for others: in time to tell so.
    pub(crate) fn deadline(&self, context: &CallContext) -> Instant {
        const MARGIN: Duration = Duration::from_millis(20);
        let limit = Instant::now() + self.settings.wait_limit;
        match context.deadline {
            Some(deadline) => limit.min(Instant::from_std(deadline) - MARGIN),
            None => limit,
        }
    }
}
