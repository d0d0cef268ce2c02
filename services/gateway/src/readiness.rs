//! Whether new calls should come here, for load balancers.

use std::fmt;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use kabao_grpc::Load;
use tokio::time::Instant;

use crate::connect::Ahead;
use crate::lifecycle::{Lifecycle, Stage};

/// Something that calls wait or are refused for when it is full.
pub(crate) trait Queue: Send + Sync {
    /// Returns since when it has been full without interruption.
    fn full_since(&self) -> Option<Instant>;
}

impl Queue for Load {
    fn full_since(&self) -> Option<Instant> {
        Load::full_since(self)
    }
}

/// What `/readyz` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Ready,
    Starting,
    /// A queue has been full for too long.
    Overloaded,
    Draining,
}

/// Knows the stage of the process, the queues that calls go through, and whether the first calls will find connections.
#[derive(Clone)]
pub(crate) struct Readiness {
    lifecycle: Lifecycle,
    patience: Duration,
    queues: Arc<RwLock<Vec<Arc<dyn Queue>>>>,
    ahead: Arc<OnceLock<Ahead>>,
}

impl Readiness {
    /// Without queues; one that is full for `patience` makes the process unready, until it is not.
    pub(crate) fn new(lifecycle: Lifecycle, patience: Duration) -> Self {
        Self {
            lifecycle,
            patience,
            queues: Arc::default(),
            ahead: Arc::default(),
        }
    }

    /// Takes another queue into account.
    pub(crate) fn watch(&self, queue: impl Queue + 'static) {
        let mut queues = self.queues.write().unwrap_or_else(PoisonError::into_inner);
        queues.push(Arc::new(queue));
    }

    /// Takes into account which connections are opened ahead; the first ones count.
    pub(crate) fn warms(&self, ahead: Ahead) {
        let _ = self.ahead.set(ahead);
    }

    /// Returns how many accounts wait for the connection to WeChat that is opened ahead of their calls. They do not make the
    /// process unready: if WeChat is down, it is so for every replica.
    pub(crate) fn cold(&self) -> usize {
        self.ahead.get().map_or(0, Ahead::cold)
    }

    pub(crate) fn state(&self) -> State {
        match self.lifecycle.stage() {
            Stage::Starting => State::Starting,
            Stage::Serving if self.is_overloaded() => State::Overloaded,
            Stage::Serving => State::Ready,
            Stage::Leaving | Stage::Draining => State::Draining,
        }
    }

    fn is_overloaded(&self) -> bool {
        let now = Instant::now();
        let queues = self.queues.read().unwrap_or_else(PoisonError::into_inner);
        queues.iter().any(|queue| {
            queue
                .full_since()
                .is_some_and(|since| now.saturating_duration_since(since) >= self.patience)
        })
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Readiness").field(&self.state()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[derive(Clone, Default)]
    struct Scripted(Arc<Mutex<Option<Instant>>>);

    impl Scripted {
        fn is_full(&self, is_full: bool) {
            *self.0.lock().unwrap() = is_full.then(Instant::now);
        }
    }

    impl Queue for Scripted {
        fn full_since(&self) -> Option<Instant> {
            *self.0.lock().unwrap()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_that_is_full_for_long_is_told_until_it_is_not() {
        let lifecycle = Lifecycle::new();
        let readiness = Readiness::new(lifecycle.clone(), 5 * SECOND);
        let queues = [Scripted::default(), Scripted::default()];
        for queue in &queues {
            readiness.watch(queue.clone());
        }
        let [_, queue] = &queues;
        queue.is_full(true);
        tokio::time::advance(10 * SECOND).await;
        assert_eq!(readiness.state(), State::Starting);

        lifecycle.advance(Stage::Serving);
        assert_eq!(readiness.state(), State::Overloaded);
        queue.is_full(false);
        assert_eq!(readiness.state(), State::Ready);
        queue.is_full(true);
        tokio::time::advance(5 * SECOND - Duration::from_millis(1)).await;
        assert_eq!(readiness.state(), State::Ready);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(readiness.state(), State::Overloaded);

        for stage in [Stage::Leaving, Stage::Draining] {
            lifecycle.advance(stage);
            assert_eq!(readiness.state(), State::Draining);
        }
    }
}
