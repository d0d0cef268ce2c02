//! The batches that run in this process: under one id one list at a time.
//!
//! The ids of items follow from the id of their batch and their places. What keeps another list away from them is what
//! the store knows of the first one, and that is nothing until the first item is begun. So a list holds the right to its
//! id from before it is compared with what is known until its last item has ended.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use kabao_api::{CallContext, Entry, Error, PlannedValue, Reason};
use tokio::sync::{OnceCell, watch};

use super::Process;
use super::right::Right;
use super::wait::wait;
use crate::entry::Standing;
use crate::store::{ChangeKey, Fingerprint};

/// All of them, by the ids of the batches.
#[derive(Default)]
pub(super) struct Batches(Mutex<HashMap<ChangeKey, Weak<Batch>>>);

/// A list that runs, and the entry of the calls that are its items, which share it: it ends with the last of them.
pub(crate) struct Batch {
    list: Fingerprint,
    right: OnceCell<Right>,
    /// Closed when it has ended.
    ended: watch::Sender<()>,
}

impl Batch {
    /// Returns the standing of this process from before it took the right.
    pub(crate) fn standing(&self) -> Option<Standing> {
        self.right.get().map(Right::standing)
    }

    /// Tells whether no other list can have its id.
    pub(crate) fn holds(&self) -> bool {
        self.standing().is_some_and(|standing| standing.holds())
    }

    /// Tells whether others have its id for good.
    fn is_lost(&self) -> bool {
        self.standing().is_some_and(|standing| standing.is_lost())
    }
}

impl Entry for Batch {
    /// Each item plans its own.
    fn planned(&self) -> Option<PlannedValue> {
        None
    }

    fn plan(&self, _: PlannedValue) {}

    fn may_send(&self) -> bool {
        self.holds()
    }

    fn may_still_leave(&self) -> bool {
        self.holds()
    }
}

impl Batches {
    /// Joins the calls that run this list, or becomes the first one; else returns what is closed when the list has ended
    /// that runs now.
    fn enter(&self, key: &ChangeKey, list: Fingerprint) -> Result<Arc<Batch>, watch::Receiver<()>> {
        let mut batches = self.lock();
        let running = batches.get(key).and_then(Weak::upgrade);
        if let Some(batch) = running.filter(|batch| !batch.is_lost()) {
            return match batch.list == list {
                true => Ok(batch),
                false => Err(batch.ended.subscribe()),
            };
        }
        batches.retain(|_, batch| batch.strong_count() > 0);
        let batch = Arc::new(Batch {
            list,
            right: OnceCell::new(),
            ended: watch::Sender::new(()),
        });
        batches.insert(key.clone(), Arc::downgrade(&batch));
        Ok(batch)
    }

    /// Every step leaves the map whole.
    fn lock(&self) -> MutexGuard<'_, HashMap<ChangeKey, Weak<Batch>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Process {
    /// Waits for the right to run a list under the id of its batch, which calls of this process share that run the same
    /// list.
    pub(crate) async fn batch(
        &self,
        context: &CallContext,
        key: &ChangeKey,
        list: Fingerprint,
    ) -> Result<Arc<Batch>, Error> {
        let deadline = self.deadline(context);
        let entered = async {
            loop {
                match self.batches.enter(key, list) {
                    Ok(batch) => break batch,
                    Err(mut ended) => while ended.changed().await.is_ok() {},
                }
            }
        };
        let batch = wait(context, deadline, entered).await;
        let batch = batch.ok_or_else(|| under_way(key))?;
        let taken = batch.right.get_or_try_init(async || {
            let subject = (key.account.clone(), format!("batch/{}", key.id));
            let right = self.lease(context, deadline, &subject).await?;
            right.ok_or_else(|| under_way(key))
        });
        let taken = wait(context, deadline, taken).await;
        taken.ok_or_else(|| under_way(key))??;
        Ok(batch)
    }
}

/// What that call has sent is sent.
fn under_way(key: &ChangeKey) -> Error {
    let message = format!("another call of the batch {} is still under way", key.id);
    Error::new(Reason::InProgress, message)
        .with_retry_after(Duration::from_secs(1))
        .mark_may_have_executed()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use async_trait::async_trait;
    use kabao_api::CallId;

    use super::*;
    use crate::clock::MockClock;
    use crate::model::ModelStore;
    use crate::settings::Settings;
    use crate::store::{Acquired, Lease, Leases, StoreError};

    /// A process that may be taken for dead, and go on under another name.
    #[derive(Default)]
    struct Renamed(AtomicBool);

    #[async_trait]
    impl Leases for Renamed {
        fn replica(&self) -> &str {
            match self.0.load(Ordering::Relaxed) {
                true => "after",
                false => "before",
            }
        }

        async fn acquire(&self, name: &str) -> Result<Acquired, StoreError> {
            let name = name.to_owned();
            Ok(Acquired::Held(Lease { name, fence: 1 }))
        }

        async fn release(&self, _: Lease) -> Result<bool, StoreError> {
            Ok(false)
        }

        async fn is_alive(&self, _: &str) -> Result<bool, StoreError> {
            Ok(true)
        }

        fn is_fresh(&self) -> bool {
            true
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_that_lost_its_right_keeps_nobody_waiting() {
        let leases = Arc::new(Renamed::default());
        let process = Process::new(
            Arc::new(ModelStore::new().replica()),
            Arc::<Renamed>::clone(&leases),
            Arc::new(MockClock::new()),
            Settings::default(),
        );
        let account: kabao_api::AccountId = "acme".parse().unwrap();
        let context = CallContext::new(account.clone(), CallId::unknown());
        let id = "batch-1".parse().unwrap();
        let key = ChangeKey { account, id };
        let list = |list| process.batch(&context, &key, Fingerprint([list; 32]));
        let first = list(1).await.unwrap();
        assert!(Arc::ptr_eq(&first, &list(1).await.unwrap()) && first.holds());
        assert_eq!(list(2).await.err().unwrap().reason(), Reason::InProgress);
        leases.0.store(true, Ordering::Relaxed);
        assert!(!first.holds());
        let second = list(2).await.unwrap();
        assert!(second.holds() && !first.holds());
        drop(first);
        assert!(list(1).await.is_err(), "the second one runs");
        drop(second);
        assert!(list(1).await.is_ok());
    }
}
