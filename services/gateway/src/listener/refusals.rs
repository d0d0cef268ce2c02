//! Says that connections were refused, without letting their peers fill the log.

use std::net::SocketAddr;
use std::time::Duration;

use kabao_grpc::Bound;
use tokio::time::{Instant, sleep_until};

use crate::telemetry::Metrics;

/// There is a line in this time; the rest is counted.
const INTERVAL: Duration = Duration::from_secs(1);

/// The connections that were refused and not told of yet.
#[derive(Debug)]
pub(super) struct Refusals {
    metrics: Metrics,
    untold: u64,
    last: Option<(Bound, SocketAddr)>,
    next: Instant,
}

impl Refusals {
    pub(super) fn new(metrics: Metrics) -> Self {
        Self {
            metrics,
            untold: 0,
            last: None,
            next: Instant::now(),
        }
    }

    /// Counts a connection that was refused because of `bound`.
    pub(super) fn refused(&mut self, bound: Bound, caller: SocketAddr) {
        self.metrics.connection_refused(bound);
        self.untold = self.untold.saturating_add(1);
        self.last = Some((bound, caller));
    }

    /// Waits until there is something to tell, and its time has come.
    pub(super) async fn due(&self) {
        match self.last {
            Some(_) => sleep_until(self.next).await,
            None => std::future::pending().await,
        }
    }

    /// Logs what was not told yet.
    pub(super) fn tell(&mut self) {
        let Some((bound, caller)) = self.last.take() else {
            return;
        };
        self.next = Instant::now() + INTERVAL;
        let refused = std::mem::take(&mut self.untold);
        let setting = match bound {
            Bound::Caller => "grpc.limits.max_connections_per_address",
            Bound::Total | Bound::Connection => "grpc.limits.max_connections",
        };
        tracing::warn!(
            refused,
            caller = %caller,
            setting,
            "connections above a limit were closed; the last one is named"
        );
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_first_is_told_at_once_and_the_rest_by_the_second() {
        let mut refusals = Refusals::new(Metrics::new().unwrap());
        let caller = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        let start = Instant::now();
        refusals.refused(Bound::Caller, caller);
        refusals.due().await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        refusals.tell();
        for _ in 0..1000 {
            refusals.refused(Bound::Total, caller);
        }
        refusals.due().await;
        assert_eq!((start.elapsed(), refusals.untold), (INTERVAL, 1000));
        refusals.tell();
        // Nothing is left to tell.
        let silent = tokio::time::timeout(100 * INTERVAL, refusals.due()).await;
        assert!(silent.is_err());
        let page = refusals.metrics.render().unwrap();
        let line = r#"kabao_connections_refused_total{kabao_bound="total"} 1000"#;
        assert!(page.contains(line), "{page}");
    }
}
