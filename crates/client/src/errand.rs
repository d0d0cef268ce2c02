//! Work that many wait for and nobody owns.

use std::panic::resume_unwind;

use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::Instrument as _;

/// At most one piece of work at a time, on a task of its own: whoever waits for it may leave, and
/// whoever comes next waits for the same one. So what hangs is started once, not once a caller.
#[derive(Debug)]
pub(crate) struct Errand<T>(Option<JoinHandle<(T, Instant)>>);

/// What came of it, and when, which may be a while ago.
pub(crate) struct Done<T> {
    pub(crate) result: T,
    pub(crate) at: Instant,
}

impl<T> Default for Errand<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Send + 'static> Errand<T> {
    /// Starts `work` unless there is some under way.
    pub(crate) fn start<F>(&mut self, work: impl FnOnce() -> F)
    where
        F: Future<Output = T> + Send + 'static,
    {
        if self.0.is_none() {
            let work = work();
            let task = async move { (work.await, Instant::now()) };
            self.0 = Some(tokio::spawn(task.in_current_span()));
        }
    }

    /// Tells whether nothing is under way and there is no result that nobody has waited for.
    pub(crate) fn is_idle(&self) -> bool {
        self.0.is_none()
    }

    /// Tells whether there is a result that nobody has waited for.
    pub(crate) fn is_done(&self) -> bool {
        self.0.as_ref().is_some_and(JoinHandle::is_finished)
    }

    /// Waits for the end of what is under way; `None` if nothing is, or if the runtime ends before it.
    pub(crate) async fn join(&mut self) -> Option<Done<T>> {
        let joined = self.0.as_mut()?.await;
        self.0 = None;
        match joined {
            Ok((result, at)) => Some(Done { result, at }),
            Err(lost) => match lost.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(_) => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn it_outlives_who_started_it_and_serves_who_comes_next() {
        let started = Arc::new(AtomicUsize::new(0));
        let work = || {
            started.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(3 * SECOND)
        };
        let mut errand = Errand::default();
        assert!(errand.join().await.is_none(), "nothing is under way");
        let begin = Instant::now();
        for _ in 0..2 {
            errand.start(work);
            assert!(tokio::time::timeout(SECOND, errand.join()).await.is_err());
        }
        assert!(!errand.is_done());
        tokio::time::sleep(10 * SECOND).await;
        assert!(errand.is_done());
        let done = errand.join().await.unwrap();
        assert_eq!(done.at - begin, 3 * SECOND, "when it ended");
        assert_eq!(started.load(Ordering::SeqCst), 1);
        errand.start(work);
        assert_eq!(started.load(Ordering::SeqCst), 2);
    }
}
