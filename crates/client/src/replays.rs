//! Answers that were received before: a good signature proves who made an answer, and not that it was made now.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, PoisonError};

/// An answer is believed from 300 s before its timestamp to 300 s after it, so its second half cannot come later, in
/// seconds.
const WINDOW: i64 = 600;
/// So many are known from each half of the time; beyond that, the oldest are forgotten early.
const KNOWN: usize = 65_536;

/// The answers that one credential has believed within ten minutes, or the last ones if there were very many.
#[derive(Debug, Default)]
pub(crate) struct Replays {
    state: Mutex<State>,
    /// With keys of its own, so nobody finds two signatures of one digest.
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct State {
    since: i64,
    young: HashSet<u64>,
    old: HashSet<u64>,
}

impl Replays {
    /// Takes in the signature of an answer that was verified at a moment in Unix seconds. Tells whether it is new.
    pub(crate) fn is_new(&self, signature: &str, now: i64) -> bool {
        let digest = self.hasher.hash_one(signature);
        // Every step leaves the sets whole.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if now.abs_diff(state.since) >= WINDOW.unsigned_abs() || state.young.len() >= KNOWN {
            state.since = now;
            state.old = std::mem::take(&mut state.young);
        }
        !state.old.contains(&digest) && state.young.insert(digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_new_once_as_long_as_it_is_believed() {
        let replays = Replays::default();
        assert!(replays.is_new("a", 1000));
        for later in [1000, 1001, 1000 + WINDOW - 1, 1000 + WINDOW] {
            assert!(!replays.is_new("a", later), "{later}");
            assert!(replays.is_new(&format!("b{later}"), later));
        }
    }

    #[test]
    fn what_is_known_is_bounded() {
        let replays = Replays::default();
        for number in 0..3 * KNOWN {
            assert!(replays.is_new(&number.to_string(), 1000));
        }
        let state = replays.state.lock().unwrap();
        assert!(state.young.len() + state.old.len() <= 2 * KNOWN);
    }
}
