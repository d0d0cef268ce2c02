//! How many calls are in flight, by what they are after.

use std::sync::Arc;

use tokio::time::Instant;

use crate::share::{Bounds, Pool};

/// What a call is after. Each kind has places of its own, so that none shuts out another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// The API.
    Call,
    /// Whether the server is well: there must be an answer, above all when it is busy.
    Health,
    /// Which methods there are.
    Reflection,
}

impl Class {
    /// Returns the class of calls of `path`.
    pub(crate) fn of(path: &str) -> Self {
        if path.starts_with("/grpc.health.") {
            Self::Health
        } else if path.starts_with("/grpc.reflection.") {
            Self::Reflection
        } else {
            Self::Call
        }
    }

    /// Returns the class in a word, for metrics.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Call => "calls",
            Self::Health => "health",
            Self::Reflection => "reflection",
        }
    }
}

/// Streams of reflection at a time: people and their tools.
const REFLECTION: usize = 64;

/// The calls in flight of a server. Clones speak of the same server.
#[derive(Clone, Debug)]
pub struct Load(Arc<Pools>);

#[derive(Debug)]
struct Pools {
    calls: Pool,
    health: Pool,
    reflection: Pool,
    room: Pool,
}

impl Load {
    /// Has room for calls within `calls`, for `health` watches and checks of health, and for `parts` of large requests.
    pub(crate) fn new(calls: Bounds, health: usize, parts: usize) -> Self {
        Self(Arc::new(Pools {
            calls: Pool::new(calls),
            health: Pool::new(bounds(health)),
            reflection: Pool::new(bounds(REFLECTION)),
            room: Pool::new(Bounds {
                total: parts,
                per_connection: (parts / 2).max(1),
                per_caller: (parts - parts / 4).max(1),
            }),
        }))
    }

    /// Returns the places of which a large request takes some.
    pub(crate) fn room(&self) -> &Pool {
        &self.0.room
    }

    pub(crate) fn pool(&self, class: Class) -> &Pool {
        match class {
            Class::Call => &self.0.calls,
            Class::Health => &self.0.health,
            Class::Reflection => &self.0.reflection,
        }
    }

    /// Returns how many are in flight: calls, health checks and watches, streams of reflection.
    pub fn in_flight(&self) -> [(&'static str, usize); 3] {
        [Class::Call, Class::Health, Class::Reflection]
            .map(|class| (class.as_str(), self.pool(class).taken()))
    }

    /// Returns since when there has been no room for calls, without interruption.
    pub fn full_since(&self) -> Option<Instant> {
        self.0.calls.full_since()
    }
}

/// A caller alone gets three quarters, a connection a quarter.
fn bounds(total: usize) -> Bounds {
    Bounds {
        total,
        per_connection: (total / 4).max(1),
        per_caller: (total / 4 * 3).max(1),
    }
}
