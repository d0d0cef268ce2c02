//! How far a change got whose caller may leave before its end.

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{self, Poll, Waker};

use crate::Error;

/// How far a write method got. The caller that stops waiting and the task that works agree on it
/// through this one value: either the method is abandoned before it has sent anything that changes
/// something, or it runs to its end.
///
/// Nobody leaves a call that is not on a task of its own; the progress of such a call, which is the
/// default, keeps nothing.
#[derive(Clone, Default)]
pub struct Progress(Option<Arc<Mutex<State>>>);

#[derive(Default)]
struct State {
    /// A write is in flight, or its fate is open.
    sent: bool,
    /// A write is proved to have run.
    done: bool,
    abandoned: bool,
    /// What the caller is told before the end.
    early: Option<Error>,
    waiting: Vec<Waker>,
}

impl Progress {
    /// Starts to follow a method.
    pub(crate) fn followed() -> Self {
        Self(Some(Arc::default()))
    }

    /// Tells whether the method is followed at all.
    pub fn is_followed(&self) -> bool {
        self.0.is_some()
    }

    /// Announces that a write leaves now; false if the caller has abandoned the method.
    pub fn begin(&self) -> bool {
        self.change(true, |state| {
            state.sent |= !state.abandoned;
            !state.abandoned
        })
    }

    /// Takes that back: it is proved that the write did nothing.
    pub fn settle(&self) {
        self.change((), |state| state.sent = false);
    }

    /// Says that the write is proved to have run. What the method does after it belongs to it, and
    /// is not abandoned any more.
    pub fn confirm(&self) {
        self.change((), |state| {
            state.sent = false;
            state.done = true;
        });
    }

    /// Stops the method if nothing has been changed or may have been, and tells whether it did.
    pub fn abandon(&self) -> bool {
        self.change(false, |state| {
            let unsent = !state.sent && !state.done;
            state.abandoned |= unsent;
            state.wake();
            unsent
        })
    }

    /// Tells whether the caller has abandoned the method.
    pub fn is_abandoned(&self) -> bool {
        self.change(false, |state| state.abandoned)
    }

    /// Tells whether something has been changed or may have been.
    pub fn may_have_executed(&self) -> bool {
        self.change(false, |state| state.sent || state.done)
    }

    /// Lets the caller go with this error, while the method runs on.
    pub fn release(&self, error: Error) {
        self.change((), |state| {
            state.early.get_or_insert(error);
            state.wake();
        });
    }

    /// Waits until the caller is let go, and gives what it is told.
    pub async fn released(&self) -> Error {
        poll_fn(|context| {
            self.change(Poll::Pending, |state| match state.early.take() {
                Some(error) => Poll::Ready(error),
                None => state.wait(context),
            })
        })
        .await
    }

    /// Polls `future` until it is ready, or gives `None` as soon as the method is abandoned: for what
    /// waits or reads before anything is written.
    pub async fn unless_abandoned<F: Future>(&self, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        poll_fn(|context| {
            let abandoned = self.change(Poll::Pending, |state| match state.abandoned {
                true => Poll::Ready(()),
                false => state.wait(context),
            });
            match abandoned {
                Poll::Ready(()) => Poll::Ready(None),
                Poll::Pending => future.as_mut().poll(context).map(Some),
            }
        })
        .await
    }

    fn change<T>(&self, unfollowed: T, change: impl FnOnce(&mut State) -> T) -> T {
        match &self.0 {
            Some(state) => change(&mut locked(state)),
            None => unfollowed,
        }
    }
}

impl State {
    fn wait<T>(&mut self, context: &task::Context<'_>) -> Poll<T> {
        let waker = context.waker();
        if !self.waiting.iter().any(|waiting| waiting.will_wake(waker)) {
            self.waiting.push(waker.clone());
        }
        Poll::Pending
    }

    fn wake(&mut self) {
        for waker in self.waiting.drain(..) {
            waker.wake();
        }
    }
}

/// Every change leaves the state whole.
fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reason;

    #[test]
    fn what_is_abandoned_sends_nothing_and_what_was_sent_is_not_abandoned() {
        let progress = Progress::followed();
        assert!(progress.abandon());
        assert!(!progress.begin() && progress.is_abandoned());

        let progress = Progress::followed();
        assert!(progress.begin() && !progress.abandon());
        progress.settle();
        assert!(!progress.may_have_executed() && progress.abandon());

        let progress = Progress::followed();
        assert!(progress.begin());
        progress.confirm();
        assert!(progress.may_have_executed() && !progress.abandon());
        assert!(progress.begin(), "a second write of the same method");
        progress.settle();
        assert!(!progress.abandon(), "the first one has run");
    }

    #[test]
    fn nobody_leaves_what_is_not_followed() {
        let progress = Progress::default();
        assert!(!progress.abandon() && progress.begin());
        assert!(!progress.is_abandoned());
    }

    #[tokio::test]
    async fn whoever_waits_hears_of_it() {
        let progress = Progress::followed();
        assert_eq!(progress.unless_abandoned(async { 1 }).await, Some(1));
        let waiting = progress.unless_abandoned(std::future::pending::<()>());
        let leaving = async { progress.abandon() };
        assert_eq!(tokio::join!(waiting, leaving), (None, true));
        assert_eq!(progress.unless_abandoned(async { 1 }).await, None);

        let release = async { progress.release(Error::new(Reason::OutcomeUnknown, "late")) };
        let (told, ()) = tokio::join!(progress.released(), release);
        assert_eq!(told.reason(), Reason::OutcomeUnknown);
    }
}
