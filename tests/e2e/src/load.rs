//! Calls without a pause while something happens to the keys or tokens under them: none of them may fail.

use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::watch;

/// So many calls of each worker have to succeed before what has happened counts as survived: those that began before it
/// have ended by then.
const ROUNDS: usize = 3;

/// Workers, what they have done, and whether they go on.
pub(crate) struct Load {
    done: Vec<AtomicUsize>,
    changed: watch::Sender<()>,
    is_over: AtomicBool,
}

impl Load {
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            done: (0..workers).map(|_| AtomicUsize::new(0)).collect(),
            changed: watch::Sender::new(()),
            is_over: AtomicBool::new(false),
        }
    }

    /// Calls again and again until the load is over; fails with the first call that does.
    pub(crate) async fn run<T, E: Debug, F>(&self, worker: usize, mut call: impl FnMut(usize) -> F)
    where
        F: Future<Output = Result<T, E>>,
    {
        let mut number = 0;
        while !self.is_over.load(Ordering::SeqCst) {
            number += 1;
            let answer = call(number).await;
            assert!(
                answer.is_ok(),
                "worker {worker}, call {number}: {:?}",
                answer.err()
            );
            self.done[worker].fetch_add(1, Ordering::SeqCst);
            self.changed.send_replace(());
        }
    }

    /// Waits until every worker has had some more successes.
    pub(crate) async fn survived(&self) {
        let counts = || self.done.iter().map(|done| done.load(Ordering::SeqCst));
        let wanted: Vec<_> = counts().map(|done| done + ROUNDS).collect();
        let mut changed = self.changed.subscribe();
        while counts().zip(&wanted).any(|(done, wanted)| done < *wanted) {
            changed.changed().await.unwrap();
        }
    }

    /// Ends it; returns how many calls there were.
    pub(crate) fn end(&self) -> usize {
        self.is_over.store(true, Ordering::SeqCst);
        let counts = self.done.iter().map(|done| done.load(Ordering::SeqCst));
        counts.sum()
    }
}
