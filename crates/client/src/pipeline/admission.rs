//! How many calls of an account are in flight at once.

use std::sync::Arc;
use std::time::Duration;

use kabao_api::{Error, Reason};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::call::Call;
use crate::bounds::caller_left;

/// Bounds the calls in flight, and the wait for a permit.
pub(crate) struct Admission {
    permits: Arc<Semaphore>,
    wait_limit: Duration,
}

impl Admission {
    pub(crate) fn new(max_concurrent: usize, wait_limit: Duration) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(max_concurrent)),
            wait_limit,
        }
    }

    /// Waits for a permit, which is held until the last attempt has ended.
    pub(crate) async fn enter(&self, call: &Call) -> Result<OwnedSemaphorePermit, Error> {
        let limit = Instant::now() + self.wait_limit;
        let deadline = call.bounds.deadline;
        let permit = timeout_at(
            limit.min(deadline),
            Arc::clone(&self.permits).acquire_owned(),
        );
        match call.progress.unless_abandoned(permit).await {
            Some(Ok(Ok(permit))) => Ok(permit),
            Some(Ok(Err(closed))) => {
                Err(Error::new(Reason::Internal, "the account is shut down").with_source(closed))
            }
            Some(Err(_)) if deadline <= limit => {
                Err(call.bounds.timed_out("while the call waited for its turn"))
            }
            Some(Err(_)) => Err(Error::new(
                Reason::Overloaded,
                "too many calls of this account are in flight",
            )
            .with_retry_after(Duration::from_secs(1))),
            None => Err(caller_left()),
        }
    }
}
