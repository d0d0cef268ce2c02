//! How long a journal remembers, waits and tries.

use std::time::Duration;

/// The settings of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// How long a change is remembered after its end; 72 hours unless set.
    pub retention: Duration,
    /// The longest that a call without a deadline waits for another change; 60 seconds unless set.
    pub wait_limit: Duration,
    /// The first pause before a lease that somebody else holds is tried again; 20 milliseconds unless set.
    pub lease_poll: Duration,
    /// How long a request may be under way whose answer is lost; 1 second unless set. So long nothing is concluded from a
    /// value that it may still change, and nothing is sent after it that it could undo.
    pub quiet: Duration,
    /// How often open changes are looked at; a second unless set.
    pub interval: Duration,
    /// The longest pause between two tries to end one change; 5 minutes unless set.
    pub max_pause: Duration,
    /// What one try to end a change may take; 30 seconds unless set.
    pub attempt: Duration,
    /// A change that is unknown for longer is told: in a log line and in the metrics; 15 minutes
    /// unless set.
    pub bound: Duration,
    /// The most changes that may run or wait at once; 16,384 unless set.
    pub max_running: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            retention: Duration::from_hours(72),
            wait_limit: Duration::from_secs(60),
            lease_poll: Duration::from_millis(20),
            quiet: Duration::from_secs(1),
            interval: Duration::from_secs(1),
            max_pause: Duration::from_mins(5),
            attempt: Duration::from_secs(30),
            bound: Duration::from_mins(15),
            max_running: 16_384,
        }
    }
}
