//! What waits to be written. Nobody who puts something in waits for a disk.
//!
//! The record of a change has a place before the change begins, so what was changed is written down however long the
//! disk takes. Refusals have half of the places and a rate, so callers whom nobody knows can neither stop changes nor
//! fill a disk; what is left out is counted, and told in the log itself.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::members::Members;

/// A record that has no number yet.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) time: Timestamp,
    pub(super) members: Members,
}

/// Why there is no place for the record of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoPlace {
    /// So many records wait already.
    Full,
    /// What waits cannot be written at present.
    Failing,
    /// The log is closed.
    Closed,
}

/// Records that were left out since that was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LeftOut {
    pub(super) changes: u64,
    pub(super) refusals: u64,
}

impl LeftOut {
    pub(super) fn is_none(self) -> bool {
        self == Self::default()
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// How many records may wait.
    pub(super) capacity: usize,
    /// Whether changes are refused for which there is no place; they go on unrecorded otherwise.
    pub(super) refuses: bool,
    /// How many refusals are recorded in a second, and in a moment after quiet ones ten times as many.
    pub(super) refusals_per_second: u32,
}

/// The queue before the writer.
#[derive(Debug)]
pub(super) struct Queue {
    bounds: Bounds,
    state: Mutex<State>,
    something: Condvar,
}

#[derive(Debug)]
struct State {
    waiting: VecDeque<Waiting>,
    /// Places of changes that run.
    reserved: usize,
    left_out: LeftOut,
    failing: bool,
    /// No change begins any more.
    closed: bool,
    /// Nothing is written any more.
    ended: bool,
    allowance: f64,
    counted: Instant,
}

impl Queue {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            state: Mutex::new(State {
                waiting: VecDeque::new(),
                reserved: 0,
                left_out: LeftOut::default(),
                failing: false,
                closed: false,
                ended: false,
                allowance: bounds.burst(),
                counted: Instant::now(),
            }),
            something: Condvar::new(),
        }
    }

    /// Takes a place for the record of a change.
    pub(super) fn reserve(&self) -> Result<(), NoPlace> {
        let mut state = self.state();
        let why = match () {
            () if state.closed => Some(NoPlace::Closed),
            () if state.failing => Some(NoPlace::Failing),
            () if state.taken() >= self.bounds.capacity => Some(NoPlace::Full),
            () => None,
        };
        match why {
            Some(why) if self.bounds.refuses => Err(why),
            _ => {
                state.reserved = state.reserved.saturating_add(1);
                Ok(())
            }
        }
    }

    /// Puts the record of a change into its place; false if it has none, and is left out.
    pub(super) fn change(&self, record: Waiting) -> bool {
        let mut state = self.state();
        state.reserved = state.reserved.saturating_sub(1);
        let room = match self.bounds.refuses {
            true => usize::MAX,
            false => self.bounds.capacity,
        };
        self.put(state, record, room, |left_out| &mut left_out.changes)
    }

    /// Puts a record in that is of a change as well, and has no place: there are no more of them than open changes.
    pub(super) fn late(&self, record: Waiting) -> bool {
        let room = self.bounds.capacity.saturating_mul(2);
        self.put(self.state(), record, room, |left_out| &mut left_out.changes)
    }

    /// Puts the record of a refusal in, if it is its turn and there is a place for it.
    pub(super) fn refusal(&self, record: Waiting) -> bool {
        let mut state = self.state();
        let now = Instant::now();
        let passed = now.saturating_duration_since(state.counted).as_secs_f64();
        let rate = f64::from(self.bounds.refusals_per_second);
        state.counted = now;
        state.allowance = passed
            .mul_add(rate, state.allowance)
            .min(self.bounds.burst());
        let has_turn = state.allowance >= 1.0;
        let is_roomy = state.taken() < self.bounds.capacity / 2;
        let room = match has_turn && is_roomy && !state.failing {
            true => usize::MAX,
            false => 0,
        };
        if room > 0 {
            state.allowance -= 1.0;
        }
        self.put(state, record, room, |left_out| &mut left_out.refusals)
    }

    fn put(
        &self,
        mut state: MutexGuard<'_, State>,
        record: Waiting,
        room: usize,
        count: impl FnOnce(&mut LeftOut) -> &mut u64,
    ) -> bool {
        let fits = state.waiting.len() < room && !state.ended;
        if fits {
            state.waiting.push_back(record);
        } else {
            let count = count(&mut state.left_out);
            *count = count.saturating_add(1);
        }
        drop(state);
        self.something.notify_all();
        fits
    }

    /// Says whether what waits can be written.
    pub(super) fn set_failing(&self, failing: bool) {
        self.state().failing = failing;
    }

    /// Gives no places away any more; who has one may use it.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.something.notify_all();
    }

    /// Waits until something is there, and takes all of it out; for `patience` at most, if there is one. The second
    /// value tells that nothing comes any more.
    pub(super) fn take(&self, patience: Option<Duration>) -> (VecDeque<Waiting>, bool) {
        let mut state = self.state();
        let is_idle = |state: &mut State| {
            state.waiting.is_empty() && state.left_out.is_none() && !state.closed
        };
        let poisoned = PoisonError::into_inner;
        state = match patience {
            None => self
                .something
                .wait_while(state, is_idle)
                .unwrap_or_else(poisoned),
            Some(patience) => {
                self.something
                    .wait_timeout_while(state, patience, is_idle)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
        };
        (std::mem::take(&mut state.waiting), state.closed)
    }

    /// Waits until the log is closed, for `patience` at most, and tells whether it is.
    pub(super) fn closed_within(&self, patience: Duration) -> bool {
        let state = self.state();
        let waited = self
            .something
            .wait_timeout_while(state, patience, |state| !state.closed);
        waited.unwrap_or_else(PoisonError::into_inner).0.closed
    }

    /// Once the queue is closed: waits until every place that was taken is used, for `patience` at most, and takes the
    /// last records out. From then on nothing is taken in.
    pub(super) fn end(&self, patience: Duration) -> VecDeque<Waiting> {
        let state = self.state();
        let settled = self
            .something
            .wait_timeout_while(state, patience, |state| state.reserved > 0);
        let mut state = settled.unwrap_or_else(PoisonError::into_inner).0;
        state.ended = true;
        std::mem::take(&mut state.waiting)
    }

    /// Takes the numbers of what was left out.
    pub(super) fn left_out(&self) -> LeftOut {
        std::mem::take(&mut self.state().left_out)
    }

    /// Every step leaves the state whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bounds {
    fn burst(self) -> f64 {
        f64::from(self.refusals_per_second) * 10.0
    }
}

impl State {
    fn taken(&self) -> usize {
        self.waiting.len().saturating_add(self.reserved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(refuses: bool) -> Queue {
        Queue::new(Bounds {
            capacity: 4,
            refuses,
            refusals_per_second: 1,
        })
    }

    fn record() -> Waiting {
        Waiting {
            time: Timestamp::UNIX_EPOCH,
            members: Members::of_kind("change"),
        }
    }

    #[test]
    fn a_change_that_has_a_place_is_recorded_and_one_that_has_none_is_refused() {
        let queue = queue(true);
        for _ in 0..4 {
            queue.reserve().unwrap();
        }
        assert_eq!(queue.reserve(), Err(NoPlace::Full));
        // Places stay taken until what waits is on its way.
        assert!(queue.change(record()) && queue.change(record()));
        assert_eq!(queue.reserve(), Err(NoPlace::Full));
        assert_eq!(queue.take(None).0.len(), 2);
        queue.reserve().unwrap();
        queue.set_failing(true);
        assert_eq!(queue.reserve(), Err(NoPlace::Failing));
        assert!(queue.change(record()), "it was promised a place");
        queue.set_failing(false);
        queue.reserve().unwrap();
        queue.close();
        assert_eq!(queue.reserve(), Err(NoPlace::Closed));
        assert!(queue.left_out().is_none());
    }

    #[test]
    fn changes_that_go_on_without_a_place_are_counted() {
        let queue = queue(false);
        for _ in 0..6 {
            queue.reserve().unwrap();
        }
        let written: Vec<bool> = (0..6).map(|_| queue.change(record())).collect();
        assert_eq!(written, [true, true, true, true, false, false]);
        let left_out = LeftOut {
            changes: 2,
            refusals: 0,
        };
        assert_eq!(queue.left_out(), left_out);
        assert!(queue.left_out().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_have_a_rate_and_never_take_the_last_half_of_the_places() {
        let queue = queue(true);
        let taken = |tries: u32| (0..tries).filter(|_| queue.refusal(record())).count();
        assert_eq!(taken(100), 2, "half of the places");
        queue.reserve().unwrap();
        queue.take(None);
        assert_eq!(taken(1), 1);
        for _ in 0..7 {
            queue.take(None);
            assert_eq!(taken(1), 1);
        }
        queue.take(None);
        assert_eq!(taken(100), 0, "the burst is over");
        tokio::time::advance(Duration::from_secs(1)).await;
        queue.take(None);
        assert_eq!(taken(100), 1);
        assert_eq!(queue.left_out().refusals, 98 + 100 + 99);
    }
}
