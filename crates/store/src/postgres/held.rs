//! What this process holds, as far as it knows: the database may hold more in its name for a moment.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::{Duration, Instant};

/// For so long after a failure the database is asked what it holds in the name of this process: a statement whose
/// answer was lost may arrive late.
const DOUBT: Duration = Duration::from_mins(1);

/// The leases of a process.
#[derive(Debug, Default)]
pub(super) struct HeldLeases(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    leases: HashMap<String, State>,
    doubt: Option<Instant>,
}

#[derive(Debug)]
struct State {
    /// `None` as long as the database is being asked.
    fence: Option<i64>,
    wanted: bool,
}

/// The question for a lease. Dropped without an answer, it leaves a doubt.
pub(super) struct Asking<'h> {
    held: &'h HeldLeases,
    name: String,
    is_answered: bool,
}

impl HeldLeases {
    /// Begins to ask for a lease; `None` if a task of this process holds it or asks for it, which is noted there.
    pub(super) fn ask(&self, name: &str) -> Option<Asking<'_>> {
        let mut inner = self.lock();
        if let Some(state) = inner.leases.get_mut(name) {
            state.wanted = true;
            return None;
        }
        let asked = State {
            fence: None,
            wanted: false,
        };
        inner.leases.insert(name.to_owned(), asked);
        Some(Asking {
            held: self,
            name: name.to_owned(),
            is_answered: false,
        })
    }

    /// Forgets a lease; true if a task of this process has asked for it.
    pub(super) fn forget(&self, name: &str, fence: i64) -> bool {
        let mut inner = self.lock();
        match inner.leases.get(name) {
            Some(state) if state.fence == Some(fence) => {
                inner.leases.remove(name).is_some_and(|state| state.wanted)
            }
            _ => false,
        }
    }

    /// Forgets what was held under a name that others took for dead. What is asked for meanwhile ends by itself.
    pub(super) fn forget_all(&self) {
        self.lock().leases.retain(|_, state| state.fence.is_none());
    }

    /// Tells whether a lease that the database has is unknown here: nobody would ever give it back.
    pub(super) fn is_stray(&self, name: &str, fence: i64) -> bool {
        match self.lock().leases.get(name) {
            None => true,
            Some(state) => state.fence.is_some_and(|held| held != fence),
        }
    }

    /// Notes that a statement has failed whose effect is not known.
    pub(super) fn doubt(&self) {
        self.lock().doubt = Some(Instant::now() + DOUBT);
    }

    /// Tells whether the database may hold something that is not known here.
    pub(super) fn is_in_doubt(&self) -> bool {
        let now = Instant::now();
        self.lock().doubt.is_some_and(|until| now < until)
    }

    /// Every step leaves the values whole.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asking<'_> {
    /// It is held from now on.
    pub(super) fn held(mut self, fence: i64) {
        self.is_answered = true;
        if let Some(state) = self.held.lock().leases.get_mut(&self.name) {
            state.fence = Some(fence);
        }
    }

    /// Somebody else holds it.
    pub(super) fn busy(mut self) {
        self.is_answered = true;
        self.held.lock().leases.remove(&self.name);
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            self.held.lock().leases.remove(&self.name);
            self.held.doubt();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_that_was_asked_for_without_an_answer_is_a_stray() {
        let held = HeldLeases::default();
        let asking = held.ask("a").unwrap();
        assert!(held.ask("a").is_none() && !held.is_stray("a", 1));
        drop(asking);
        assert!(held.is_in_doubt() && held.is_stray("a", 1));

        held.ask("a").unwrap().held(2);
        assert!(held.is_stray("a", 1) && !held.is_stray("a", 2));
        assert!(held.ask("a").is_none());
        assert!(!held.forget("a", 1), "it is another one's");
        assert!(held.forget("a", 2), "somebody has asked");
        assert!(held.is_stray("a", 2));
    }
}
