//! Which calls of an account are in flight, which wait for that, and which are refused at once.
//!
//! A rejected call costs a look at counters under the account's own lock: nothing is decoded, signed or
//! allocated for it but its error.

mod latency;
mod limit;
mod queue;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kabao_api::{AccountId, Error, Reason};
use kabao_models::Operation;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use self::latency::Latencies;
use self::limit::Limit;
use self::queue::{Patience, Queue, Ticket};
use crate::bounds::{Bounds, caller_left};
use crate::call::Call;
use crate::settings::Settings;
use crate::vitals::Vitals;

/// A queue may be so long, however low the limit of calls in flight is.
const SHORTEST_QUEUE: usize = 8;
/// What a refused call is told to wait at least, and at most; a spread of a half comes on top.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(4));

/// Calls that were looked at come within this time, or not at all.
const EXPECTED_FOR: Duration = Duration::from_millis(20);

/// Refusals are told of at most so often.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// Bounds the calls of one account in flight, and the queue before them. Clones are the same.
#[derive(Clone)]
pub(crate) struct Admission(Arc<Gate>);

/// The right to be in flight, given on when it is dropped.
pub(crate) struct Permit(Option<Arc<Gate>>);

/// What an attempt showed of how much WeChat has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    /// An answer came, whatever it said.
    Answered,
    /// WeChat could not be reached, gave no answer, or one that is none.
    Failed,
    /// The wait was broken off before an answer came.
    BrokenOff,
}

struct Gate {
    state: Mutex<State>,
    account: AccountId,
    max_queued: usize,
    /// How long a call waits at most.
    patience: Duration,
}

struct State {
    in_flight: usize,
    limit: Limit,
    latencies: Latencies,
    queue: Queue<oneshot::Sender<Permit>>,
    expected: Expected,
    /// Calls that were refused since somebody was told.
    refused: u64,
    refused_in_all: u64,
    told_at: Option<Instant>,
}

impl Admission {
    pub(crate) fn new(account: AccountId, settings: &Settings) -> Self {
        let patience = Patience {
            interval: settings.admission_timeout,
            target: settings.queue_target.min(settings.admission_timeout),
        };
        Self(Arc::new(Gate {
            state: Mutex::new(State {
                in_flight: 0,
                limit: Limit::new(settings.max_concurrent_calls),
                latencies: Latencies::default(),
                queue: Queue::new(patience),
                expected: Expected::default(),
                refused: 0,
                refused_in_all: 0,
                told_at: None,
            }),
            account,
            max_queued: settings.max_queued_calls,
            patience: settings.admission_timeout,
        }))
    }

    /// Notes how things are.
    pub(crate) fn look(&self, vitals: &mut Vitals) {
        let state = self.0.lock();
        vitals.in_flight = state.in_flight;
        vitals.queued = state.queue.len();
        vitals.limit = state.limit.get();
        vitals.refused = state.refused_in_all;
    }

    /// About how many calls there are a second, if all are of this operation.
    pub(crate) fn pace(&self, operation: &Operation) -> usize {
        let state = self.0.lock();
        let took = state.latencies.lately(operation.id).as_millis();
        let took = usize::try_from(took).unwrap_or(usize::MAX);
        // Of an operation of which nothing is known yet, as if it took a second.
        let took = if took == 0 { 1000 } else { took };
        state.in_flight.saturating_mul(1000) / took
    }

    /// Fails if a call that wants to be in flight now is refused at once. `jitter` gives 0 to 1000.
    pub(crate) fn require(
        &self,
        operation: &Operation,
        bounds: &Bounds,
        jitter: impl Fn() -> u32,
    ) -> Result<(), Error> {
        let found = self.0.look(&mut self.0.lock(), operation, bounds.deadline);
        self.told(found, bounds, jitter)
    }

    /// The same for a call that comes in a moment: a place is kept for it, so that of many that are looked at together no
    /// more are let pass than find one.
    pub(crate) fn expect(
        &self,
        operation: &Operation,
        bounds: &Bounds,
        jitter: impl Fn() -> u32,
    ) -> Result<(), Error> {
        let found = {
            let mut state = self.0.lock();
            let found = self.0.look(&mut state, operation, bounds.deadline);
            if found.is_ok() {
                state.expected.add();
            }
            found
        };
        self.told(found, bounds, jitter)
    }

    fn told(
        &self,
        found: Result<(), Why>,
        bounds: &Bounds,
        jitter: impl Fn() -> u32,
    ) -> Result<(), Error> {
        found.map_err(|why| {
            let pause = self.0.tell_of_refusals();
            why.error(bounds, spread(pause, jitter()))
        })
    }

    /// Waits for a permit, which is held while an attempt is under way. `jitter` gives 0 to 1000.
    pub(crate) async fn enter(
        &self,
        call: &Call,
        jitter: impl Fn() -> u32,
    ) -> Result<Permit, Error> {
        let deadline = call.bounds.deadline;
        if call.is_expected {
            self.0.lock().expected.remove();
        }
        let (mut waiting, until) = match self.0.join(call.sending.operation, deadline) {
            Joined::Permitted(permit) => return Ok(permit),
            Joined::Waiting(waiting, until) => (waiting, until),
            Joined::Refused(why) => {
                let pause = self.0.tell_of_refusals();
                return Err(why.error(&call.bounds, spread(pause, jitter())));
            }
        };
        let turn = timeout_at(until, &mut waiting.turn);
        match call.progress.unless_abandoned(turn).await {
            Some(Ok(Ok(permit))) => Ok(permit),
            // Its time was up, and either it or whoever gave the next turn saw that first.
            Some(Ok(Err(_)) | Err(_)) => {
                let why = match until < deadline && waiting.is_for_deadline {
                    true => Why::TooLate,
                    false => Why::TooMany,
                };
                let pause = self.0.tell_of_refusals();
                Err(why.error(&call.bounds, spread(pause, jitter())))
            }
            None => Err(caller_left()),
        }
    }
}

/// What became of a call that wants to be in flight.
enum Joined {
    Permitted(Permit),
    Waiting(Waiting, Instant),
    Refused(Why),
}

/// Why a call is refused.
enum Why {
    TooMany,
    TooLate,
}

impl Why {
    fn error(self, bounds: &Bounds, pause: Duration) -> Error {
        if bounds.remaining().is_zero() {
            return bounds.timed_out("while the call waited for its turn");
        }
        let message = match self {
            Self::TooMany => "too many calls of this account are in flight",
            Self::TooLate => {
                "too many calls of this account are in flight for an answer before the deadline"
            }
        };
        Error::new(Reason::Overloaded, message).with_retry_after(pause)
    }
}

/// A call in the queue; it leaves the queue when it is dropped, and a permit that it has not taken yet
/// is given on.
struct Waiting {
    gate: Arc<Gate>,
    ticket: Ticket,
    turn: oneshot::Receiver<Permit>,
    /// Whether it gives up for its deadline's sake.
    is_for_deadline: bool,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.gate.lock().queue.remove(self.ticket);
    }
}

impl Permit {
    /// Notes what an attempt showed: how long WeChat took for it, and how long it took in all, its
    /// signature included. Tells whether WeChat took far more than usual.
    pub(crate) fn note(
        &self,
        operation: &'static Operation,
        sign: Sign,
        took: Duration,
        in_all: Duration,
    ) -> bool {
        let Some(gate) = &self.0 else { return false };
        let is_late = gate.lock().note(operation, sign, took, in_all);
        // There may be room for more.
        gate.hand_on();
        is_late
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(gate) = self.0.take() {
            gate.take_back();
            gate.hand_on();
        }
    }
}

impl Gate {
    fn join(self: &Arc<Self>, operation: &Operation, deadline: Instant) -> Joined {
        let now = Instant::now();
        let mut state = self.lock();
        if state.has_room() {
            state.in_flight += 1;
            state.queue.note_room();
            return Joined::Permitted(Permit(Some(Arc::clone(self))));
        }
        let (until, is_for_deadline) = match self.wait(&state, now, operation, deadline, 0) {
            Ok(wait) => wait,
            Err(why) => return Joined::Refused(why),
        };
        let (give, turn) = oneshot::channel();
        let ticket = state.queue.push(now, until, give);
        let waiting = Waiting {
            gate: Arc::clone(self),
            ticket,
            turn,
            is_for_deadline,
        };
        Joined::Waiting(waiting, until)
    }

    /// Tells whether a call would find a place, after all that are expected.
    fn look(&self, state: &mut State, operation: &Operation, deadline: Instant) -> Result<(), Why> {
        let now = Instant::now();
        let expected = state.expected.count(now);
        let room = state.limit.get().saturating_sub(state.in_flight);
        match expected < room {
            true => Ok(()),
            false => {
                let before = expected - room;
                self.wait(state, now, operation, deadline, before).map(drop)
            }
        }
    }

    /// Returns until when a call may wait that comes now, with so many before it that are not there yet, and whether that is
    /// for its deadline's sake.
    fn wait(
        &self,
        state: &State,
        now: Instant,
        operation: &Operation,
        deadline: Instant,
        before: usize,
    ) -> Result<(Instant, bool), Why> {
        let needed = state.latencies.lately(operation.id);
        let last_start = deadline.checked_sub(needed).unwrap_or(now);
        let until = state.queue.leaves_at(now, last_start);
        let is_for_deadline = until == last_start;
        if until <= now {
            return Err(match is_for_deadline {
                true => Why::TooLate,
                false => Why::TooMany,
            });
        }
        let queued = state.queue.len().saturating_add(before);
        match queued < self.capacity(state, now, needed) {
            true => Ok((until, is_for_deadline)),
            false => Err(Why::TooMany),
        }
    }

    /// As many may wait as can have their turn in time, if each takes as long as `needed`. While more come than can be
    /// served, a longer queue serves nobody more: one round is enough until it runs empty, and then it stands no more.
    fn capacity(&self, state: &State, now: Instant, needed: Duration) -> usize {
        if state.queue.stands(now) {
            return state.limit.get().max(SHORTEST_QUEUE).min(self.max_queued);
        }
        let rounds = self.patience.as_micros().checked_div(needed.as_micros());
        let Some(rounds) = rounds else {
            return self.max_queued;
        };
        let rounds = usize::try_from(rounds).unwrap_or(usize::MAX);
        let in_time = state.limit.get().saturating_mul(rounds);
        in_time.max(SHORTEST_QUEUE).min(self.max_queued)
    }

    /// Counts one more refusal, says once in a while how many there were, and gives the pause.
    fn tell_of_refusals(&self) -> Duration {
        let mut state = self.lock();
        let now = Instant::now();
        state.refused += 1;
        state.refused_in_all += 1;
        let pause = state.pause();
        let is_told = state
            .told_at
            .is_some_and(|told| now.duration_since(told) < TELL_EVERY);
        if !is_told {
            let (refused, limit, queued) = (state.refused, state.limit.get(), state.queue.len());
            state.refused = 0;
            state.told_at = Some(now);
            drop(state);
            tracing::warn!(
                account = %self.account,
                refused,
                limit,
                queued,
                "more calls than WeChat can take now; some are refused"
            );
        }
        pause
    }

    fn take_back(&self) {
        let mut state = self.lock();
        state.in_flight = state.in_flight.saturating_sub(1);
    }

    /// Gives free permits to those whose turn it is.
    fn hand_on(self: &Arc<Self>) {
        while let Some(waiter) = self.next() {
            // Whoever left at this very moment does not get it, and it is free again.
            if let Err(mut unwanted) = waiter.send(Permit(Some(Arc::clone(self)))) {
                unwanted.0 = None;
                self.take_back();
            }
        }
    }

    fn next(&self) -> Option<oneshot::Sender<Permit>> {
        let mut state = self.lock();
        if !state.has_room() || state.queue.len() == 0 {
            return None;
        }
        let waiter = state.queue.pop(Instant::now())?;
        state.in_flight += 1;
        Some(waiter)
    }

    /// Every change leaves the state whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Calls for which a place is kept. Those that do not come, because they fail before, are forgotten soon.
#[derive(Debug, Default)]
struct Expected {
    count: usize,
    since: Option<Instant>,
}

impl Expected {
    fn count(&mut self, now: Instant) -> usize {
        let is_old = |since| now.duration_since(since) >= EXPECTED_FOR;
        if self.since.is_none_or(is_old) {
            self.since = Some(now);
            self.count = 0;
        }
        self.count
    }

    fn add(&mut self) {
        self.count += 1;
    }

    fn remove(&mut self) {
        self.count = self.count.saturating_sub(1);
    }
}

impl State {
    fn has_room(&self) -> bool {
        self.in_flight < self.limit.get()
    }

    fn note(
        &mut self,
        operation: &'static Operation,
        sign: Sign,
        took: Duration,
        in_all: Duration,
    ) -> bool {
        let (now, id) = (Instant::now(), operation.id);
        let is_late = self.latencies.is_late(id, took);
        match sign {
            Sign::Failed => self.limit.bad(now, took),
            Sign::Answered | Sign::BrokenOff if is_late => self.limit.bad(now, took),
            Sign::Answered => self.limit.good(self.in_flight),
            Sign::BrokenOff => {}
        }
        match sign {
            Sign::Failed => {}
            Sign::Answered => self.latencies.answered(id, now, took, in_all),
            Sign::BrokenOff => self.latencies.broken_off(id, in_all),
        }
        is_late
    }

    /// About how long it takes until the queue has been served.
    fn pause(&self) -> Duration {
        let rounds = self.queue.len() / self.limit.get().max(1) + 1;
        let (least, most) = PAUSE;
        let rounds = u32::try_from(rounds).unwrap_or(u32::MAX);
        least.saturating_mul(rounds).min(most)
    }
}

/// Spreads a pause, so that those who were refused together do not come back together.
fn spread(pause: Duration, jitter: u32) -> Duration {
    pause + pause * jitter.min(1000) / 2000
}

#[cfg(test)]
mod tests;
