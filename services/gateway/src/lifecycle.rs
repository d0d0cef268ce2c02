//! The stages of the process, from the first listener to the last connection.

use tokio::sync::watch;

/// What the process is up to. Stages only move forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Listeners are being opened.
    Starting,
    /// Calls are welcome.
    Serving,
    /// Readiness is withdrawn, calls are still taken: load balancers need time to notice.
    Leaving,
    /// No new connections; existing ones are told to go away as soon as their calls are answered.
    Draining,
}

/// Announces the stage to everybody who listens.
#[derive(Clone, Debug)]
pub(crate) struct Lifecycle(watch::Sender<Stage>);

impl Lifecycle {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(Stage::Starting))
    }

    pub(crate) fn stage(&self) -> Stage {
        *self.0.borrow()
    }

    /// Moves on to `stage`; a step back is ignored.
    pub(crate) fn advance(&self, stage: Stage) {
        self.0.send_if_modified(|current| {
            let forward = stage > *current;
            if forward {
                tracing::info!(stage = ?stage, "stage");
                *current = stage;
            }
            forward
        });
    }

    pub(crate) fn watch(&self) -> Watch {
        Watch(self.0.subscribe())
    }
}

/// One listener's view of the stages.
#[derive(Clone, Debug)]
pub(crate) struct Watch(watch::Receiver<Stage>);

impl Watch {
    /// Returns as soon as the process drains, and at once if it already does.
    pub(crate) async fn draining(&mut self) {
        // The sender is gone only when the process is past caring.
        let _ = self.0.wait_for(|stage| *stage >= Stage::Draining).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn stages_only_move_forward() {
        let lifecycle = Lifecycle::new();
        let mut watch = lifecycle.watch();
        lifecycle.advance(Stage::Serving);
        assert_eq!(lifecycle.stage(), Stage::Serving);
        lifecycle.advance(Stage::Draining);
        lifecycle.advance(Stage::Serving);
        assert_eq!(lifecycle.stage(), Stage::Draining);
        watch.draining().await;
    }
}
