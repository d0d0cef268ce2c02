//! Connections that are closed because of what their peer does or is.

use std::net::SocketAddr;

use super::complaints::Complaints;
use crate::telemetry::Metrics;

/// Why a connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// More frames without progress than a client has reason to send.
    Flood,
    /// Nothing of what was sent was taken.
    Stall,
    /// Its certificate is not taken any more, for this reason.
    Distrust(&'static str),
}

impl Cause {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Flood => "it floods the connection with frames that do nothing",
            Self::Stall => "it takes nothing of what is sent to it",
            Self::Distrust(_) => "its certificate is not accepted any more",
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Flood => "flood",
            Self::Stall => "stall",
            Self::Distrust(kind) => kind,
        }
    }
}

/// Counts and tells them.
#[derive(Debug)]
pub(super) struct Evictions {
    metrics: Metrics,
    complaints: Complaints,
}

impl Evictions {
    pub(super) fn new(metrics: Metrics) -> Self {
        Self {
            metrics,
            complaints: Complaints::new("the connection of a caller was closed"),
        }
    }

    pub(super) fn evicted(&self, caller: Option<SocketAddr>, cause: Cause) {
        self.metrics.connection_evicted(cause.label());
        self.complaints.add(caller, &cause.as_str());
    }
}
