//! What the reconciler saw when it looked last, less what has ended since.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use kabao_api::ChangeState;

use crate::store::Ticket;
use crate::subject::SubjectKey;

/// How many changes have not ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Changes that run, or whose end is sought.
    pub open: u64,
    /// Those of them that are unknown.
    pub unknown: u64,
    /// Those of them that wait for an operator.
    pub needs_decision: u64,
    /// Those that are unknown for longer than the bound.
    pub overdue: u64,
    /// Those whose account is not served here.
    pub unserved: u64,
    /// When the oldest of them was begun.
    pub oldest: Option<SystemTime>,
}

impl Counts {
    pub(crate) fn count(&mut self, state: ChangeState, begun: SystemTime) {
        self.open += 1;
        self.unknown += u64::from(state == ChangeState::Unknown);
        self.oldest = Some(self.oldest.map_or(begun, |oldest| oldest.min(begun)));
    }
}

/// What one look at the store finds open.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) counts: Counts,
    subjects: HashMap<SubjectKey, HashSet<i64>>,
    places: HashMap<i64, SubjectKey>,
}

impl Seen {
    /// Adds an open change of a subject.
    pub(crate) fn insert(&mut self, ticket: Ticket, subject: SubjectKey) {
        let changes = self.subjects.entry(subject.clone()).or_default();
        changes.insert(ticket.sequence);
        self.places.insert(ticket.sequence, subject);
    }

    fn remove(&mut self, place: i64) {
        if let Some(subject) = self.places.remove(&place)
            && let Some(changes) = self.subjects.get_mut(&subject)
        {
            changes.remove(&place);
            if changes.is_empty() {
                self.subjects.remove(&subject);
            }
        }
    }
}

/// What was seen last. A change that ends here, also during a look, is not open any more.
#[derive(Debug, Default)]
pub(crate) struct Sight(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    seen: Seen,
    /// The places of changes that have ended since a look has begun.
    ended: Option<HashSet<i64>>,
}

impl Sight {
    /// A look at the store begins.
    pub(crate) fn begin(&self) {
        self.lock().ended = Some(HashSet::new());
    }

    /// A look at the store has ended.
    pub(crate) fn see(&self, mut seen: Seen) {
        let mut state = self.lock();
        for place in state.ended.take().unwrap_or_default() {
            seen.remove(place);
        }
        state.seen = seen;
    }

    /// A change has ended.
    pub(crate) fn end(&self, ticket: Ticket) {
        let mut state = self.lock();
        state.seen.remove(ticket.sequence);
        if let Some(ended) = &mut state.ended {
            ended.insert(ticket.sequence);
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        self.lock().seen.counts
    }

    /// Tells whether a change of a subject is open.
    pub(crate) fn changes(&self, subject: &SubjectKey) -> bool {
        self.lock().seen.subjects.contains_key(subject)
    }

    /// Every step leaves the state whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject() -> SubjectKey {
        ("shop".parse().unwrap(), "member 1001".to_owned())
    }

    fn ticket(sequence: i64) -> Ticket {
        Ticket { sequence, fence: 1 }
    }

    fn seen(sequences: &[i64]) -> Seen {
        let mut seen = Seen::default();
        for sequence in sequences {
            seen.insert(ticket(*sequence), subject());
        }
        seen
    }

    #[test]
    fn a_change_that_ended_after_the_look_is_not_open() {
        let sight = Sight::default();
        sight.begin();
        sight.see(seen(&[7, 8]));
        sight.end(ticket(7));
        assert!(sight.changes(&subject()), "the other one is");
        sight.end(ticket(8));
        assert!(!sight.changes(&subject()));
    }

    #[test]
    fn a_change_that_ended_during_the_look_is_not_open() {
        let sight = Sight::default();
        sight.begin();
        let found = seen(&[7]);
        sight.end(ticket(7));
        sight.see(found);
        assert!(!sight.changes(&subject()));
        // Only of that look: the next one tells the truth again.
        sight.begin();
        sight.see(seen(&[9]));
        assert!(sight.changes(&subject()));
    }
}
