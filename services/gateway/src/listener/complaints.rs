//! Says what is wrong with callers, without letting them fill the log.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// One cause has one line in this time; the rest is counted.
const INTERVAL: Duration = Duration::from_secs(10);
/// So many causes are told apart; what callers send must not fill the memory either.
const CAUSES: usize = 16;

/// What goes wrong with callers in one way, from whatever cause.
#[derive(Debug)]
pub(super) struct Complaints {
    /// The text of their lines.
    what: &'static str,
    causes: Mutex<BTreeMap<String, Cause>>,
}

/// What is known of one cause.
#[derive(Debug)]
struct Cause {
    told: Instant,
    untold: u64,
}

impl Complaints {
    pub(super) fn new(what: &'static str) -> Self {
        Self {
            what,
            causes: Mutex::default(),
        }
    }

    /// Logs a complaint, or counts it for the next line about its cause.
    pub(super) fn add(&self, caller: Option<SocketAddr>, cause: &dyn fmt::Display) {
        let cause = cause.to_string();
        if let Some(untold) = self.turn(&cause, Instant::now()) {
            tracing::warn!(
                caller = caller.map(|caller| caller.to_string()),
                cause,
                untold,
                "{}",
                self.what
            );
        }
    }

    /// Returns how many complaints the line stands for besides its own; `None` if it is not its turn.
    fn turn(&self, cause: &str, now: Instant) -> Option<u64> {
        let mut causes = self.causes.lock().unwrap_or_else(PoisonError::into_inner);
        let full = causes.len() >= CAUSES;
        let key = if full && !causes.contains_key(cause) {
            "another cause"
        } else {
            cause
        };
        match causes.get_mut(key) {
            Some(known) if now.saturating_duration_since(known.told) < INTERVAL => {
                known.untold = known.untold.saturating_add(1);
                None
            }
            Some(known) => {
                known.told = now;
                Some(std::mem::take(&mut known.untold))
            }
            None => {
                let cause = Cause {
                    told: now,
                    untold: 0,
                };
                causes.insert(key.to_owned(), cause);
                Some(0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_has_a_line_now_and_then_and_none_is_forgotten() {
        let complaints = Complaints::new("it failed");
        let start = Instant::now();
        assert_eq!(complaints.turn("no certificate", start), Some(0));
        for _ in 0..5 {
            assert_eq!(complaints.turn("no certificate", start), None);
        }
        // Another cause is not hidden behind it.
        assert_eq!(complaints.turn("unknown authority", start), Some(0));
        assert_eq!(complaints.turn("no certificate", start + INTERVAL), Some(5));
        assert_eq!(
            complaints.turn("no certificate", start + INTERVAL * 2),
            Some(0)
        );
    }

    #[test]
    fn causes_without_end_share_one_line() {
        let complaints = Complaints::new("it failed");
        let now = Instant::now();
        let lines = (0..1000)
            .filter(|number| complaints.turn(&format!("cause {number}"), now).is_some())
            .count();
        assert_eq!(lines, CAUSES + 1);
        assert!(complaints.causes.lock().unwrap().len() <= CAUSES + 1);
    }
}
