//! How many calls of an account are in flight at once.

use std::sync::Arc;
use std::time::Duration;

use kabao_api::{Error, Reason};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::call::Call;

/// Bounds the calls in flight, and the wait for a turn.
pub(crate) struct Admission {
    turns: Arc<Semaphore>,
    patience: Duration,
}

impl Admission {
    pub(crate) fn new(max_concurrent: usize, patience: Duration) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(max_concurrent)),
            patience,
        }
    }

    /// Waits for a turn; the permit is held until the last attempt has ended.
    pub(crate) async fn enter(&self, call: &Call) -> Result<OwnedSemaphorePermit, Error> {
        let patience = Instant::now() + self.patience;
        let turn = Arc::clone(&self.turns).acquire_owned();
        match timeout_at(patience.min(call.deadline), turn).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(closed)) => {
                Err(Error::new(Reason::Internal, "the account is shut down").with_source(closed))
            }
            Err(_) if call.deadline <= patience => {
                Err(call.timed_out("while the call waited for its turn"))
            }
            Err(_) => Err(Error::new(
                Reason::Overloaded,
                "too many calls of this account are in flight",
            )
            .with_retry_after(Duration::from_secs(1))),
        }
    }
}
