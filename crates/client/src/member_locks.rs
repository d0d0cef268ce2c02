//! One change of a member's value at a time.
//!
//! Points and stored value are changed by reading the present value and writing another one, and
//! WeChat is not documented to notice when two such changes overlap. Inside one process they wait
//! for each other here; between processes nothing helps but one of them being in charge.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kabao_api::{CallContext, Error, MemberName, Reason};
use tokio::sync::{Mutex as Lock, OwnedMutexGuard};
use tokio::time::timeout_at;

use crate::bounds::{Bounds, caller_left};

/// How many changes may run or wait at once, over all members of an account.
const MAX_CHANGES: usize = 4096;

/// The locks of all members that are being changed; members that are not have none.
#[derive(Clone)]
pub(crate) struct MemberLocks {
    state: Arc<Mutex<State>>,
    max_changes: usize,
    wait_limit: Duration,
}

#[derive(Default)]
struct State {
    members: HashMap<MemberName, Arc<Lock<()>>>,
    changes: usize,
}

/// The right to change one member, until it is dropped.
pub(crate) struct MemberGuard {
    // Before the place, so that the lock is free when the place looks for others.
    _lock: OwnedMutexGuard<()>,
    _place: Place,
}

/// A place among the changes that run or wait.
struct Place {
    state: Arc<Mutex<State>>,
    name: MemberName,
    lock: Arc<Lock<()>>,
}

impl MemberLocks {
    /// Makes locks that are waited for no longer than `wait_limit`.
    pub(crate) fn new(wait_limit: Duration) -> Self {
        Self::bounded(MAX_CHANGES, wait_limit)
    }

    fn bounded(max_changes: usize, wait_limit: Duration) -> Self {
        Self {
            state: Arc::default(),
            max_changes,
            wait_limit,
        }
    }

    /// Waits until no other change of the member is under way, as long as the caller and the limit
    /// allow.
    pub(crate) async fn lock(
        &self,
        context: &CallContext,
        name: &MemberName,
    ) -> Result<MemberGuard, Error> {
        let place = self.enter(name)?;
        let bounds = Bounds::open(context, self.wait_limit);
        let lock = timeout_at(bounds.deadline, Arc::clone(&place.lock).lock_owned());
        match context.progress().unless_abandoned(lock).await {
            Some(Ok(lock)) => Ok(MemberGuard {
                _lock: lock,
                _place: place,
            }),
            Some(Err(_)) if bounds.by_caller => {
                Err(bounds.timed_out("while another change of the member was under way"))
            }
            Some(Err(_)) => Err(overloaded("other changes of the member take too long")),
            None => Err(caller_left()),
        }
    }

    fn enter(&self, name: &MemberName) -> Result<Place, Error> {
        let mut state = locked(&self.state);
        if state.changes >= self.max_changes {
            return Err(overloaded("too many changes of members are under way"));
        }
        state.changes += 1;
        let lock = Arc::clone(state.members.entry(name.clone()).or_default());
        Ok(Place {
            state: Arc::clone(&self.state),
            name: name.clone(),
            lock,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = locked(&self.state);
        state.changes = state.changes.saturating_sub(1);
        // One reference in the map and one here: nobody else runs or waits, and nobody can begin
        // to while the map is locked.
        if Arc::strong_count(&self.lock) == 2 {
            state.members.remove(&self.name);
        }
    }
}

fn overloaded(message: &'static str) -> Error {
    Error::new(Reason::Overloaded, message).with_retry_after(Duration::from_secs(1))
}

/// Nothing in here panics while it holds the map, and the map is whole after every step.
fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::time::Instant;

    use super::*;
    use crate::testing::context;

    const WAIT_LIMIT: Duration = Duration::from_secs(30);

    fn name(code: &str) -> MemberName {
        format!("accounts/demo/templates/p1/members/{code}")
            .parse()
            .unwrap()
    }

    fn members(locks: &MemberLocks) -> (usize, usize) {
        let state = locked(&locks.state);
        (state.members.len(), state.changes)
    }

    #[tokio::test(start_paused = true)]
    async fn changes_of_one_member_follow_one_another_and_of_others_do_not_wait() {
        let locks = MemberLocks::new(WAIT_LIMIT);
        let running = Arc::new(AtomicUsize::new(0));
        let change = |code: &str| {
            let (locks, running, name) = (locks.clone(), Arc::clone(&running), name(code));
            async move {
                let _guard = locks.lock(&context(), &name).await.unwrap();
                assert_eq!(running.fetch_add(1, Ordering::SeqCst), 0);
                tokio::time::sleep(Duration::from_secs(1)).await;
                running.fetch_sub(1, Ordering::SeqCst);
            }
        };
        let started = Instant::now();
        tokio::join!(change("1"), change("1"), change("1"));
        assert_eq!(started.elapsed(), Duration::from_secs(3));

        let other = locks.lock(&context(), &name("2")).await.unwrap();
        let started = Instant::now();
        change("1").await;
        assert_eq!(started.elapsed(), Duration::from_secs(1));
        drop(other);
        assert_eq!(members(&locks), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever_and_nothing_is_left_behind() {
        let locks = MemberLocks::new(WAIT_LIMIT);
        let held = locks.lock(&context(), &name("1")).await.unwrap();
        let impatient = locks.lock(&context(), &name("1")).await;
        assert_eq!(impatient.err().unwrap().reason(), Reason::Overloaded);
        let deadline = Instant::now() + Duration::from_secs(1);
        let late = context().with_deadline(deadline.into_std());
        let late = locks.lock(&late, &name("1")).await;
        assert_eq!(late.err().unwrap().reason(), Reason::DeadlineExceeded);

        // A caller that goes away while it waits.
        let context = context();
        let one = name("1");
        let waiting = locks.lock(&context, &one);
        assert!(
            tokio::time::timeout(Duration::from_secs(1), waiting)
                .await
                .is_err()
        );
        assert_eq!(members(&locks), (1, 1));
        drop(held);
        assert_eq!(members(&locks), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn the_number_of_changes_is_bounded() {
        let locks = MemberLocks::bounded(2, WAIT_LIMIT);
        let first = locks.lock(&context(), &name("1")).await.unwrap();
        let _second = locks.lock(&context(), &name("2")).await.unwrap();
        let third = locks.lock(&context(), &name("3")).await;
        assert_eq!(third.err().unwrap().reason(), Reason::Overloaded);
        drop(first);
        assert!(locks.lock(&context(), &name("3")).await.is_ok());
    }
}
