//! The calls of one credential to one operation: those that may leave, and those that wait for it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kabao_api::{Error, Reason, Urgency};
use kabao_models::RateLimit;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout_at};

use super::turns::{Claim, Ticket, Turns};
use super::window::{Limit, Next, Window};
use crate::bounds::caller_left;
use crate::pipeline::call::Call;

/// What a refused call is told to wait at least.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);

/// Gives turns to leave. Nobody's task does so but one of its own, which lives while somebody waits.
pub(crate) struct Lane {
    documented: RateLimit,
    state: Mutex<State>,
    /// One that was let go has left, or does not leave.
    moved: Notify,
}

struct State {
    window: Window,
    turns: Turns<oneshot::Sender<Turn>>,
    /// Whether the task lives that gives turns.
    is_served: bool,
}

/// The right to send one request. One that is dropped before anything left costs no quota.
pub(crate) struct Turn {
    lane: Option<Arc<Lane>>,
    has_left: AtomicBool,
    number: AtomicU64,
}

/// The task that gives turns. If its runtime ends before it, whoever comes next starts another one.
struct Service<'l>(Option<&'l Lane>);

/// What became of a call that wants to leave.
enum Joined {
    Turn(Turn),
    Waiting(Waiting),
    Refused(Duration),
}

/// A call that waits; it leaves the queue when it is dropped.
struct Waiting {
    lane: Arc<Lane>,
    ticket: Ticket,
    turn: oneshot::Receiver<Turn>,
}

impl Lane {
    /// `None` if there is nothing to share out by the second or the minute.
    pub(crate) fn new(documented: &RateLimit, max_waiting: usize) -> Option<Self> {
        let limit = Limit::of(documented)?;
        Some(Self {
            documented: *documented,
            state: Mutex::new(State {
                window: Window::new(limit),
                turns: Turns::new(max_waiting),
                is_served: false,
            }),
            moved: Notify::new(),
        })
    }

    /// Waits for a turn, which has to come `needed` before the deadline.
    pub(crate) async fn take(
        self: &Arc<Self>,
        call: &Call,
        claim: Claim,
        needed: Duration,
    ) -> Result<Turn, Error> {
        let deadline = call.bounds.deadline;
        let until = deadline.checked_sub(needed).unwrap_or(deadline);
        let mut waiting = match self.join(claim.clone(), until) {
            Joined::Turn(turn) => return Ok(turn),
            Joined::Waiting(waiting) => waiting,
            Joined::Refused(pause) => return Err(self.refusal(pause)),
        };
        let turn = timeout_at(until, &mut waiting.turn);
        match call.progress.unless_abandoned(turn).await {
            Some(Ok(Ok(turn))) => Ok(turn),
            // Its time was up, or others have made it leave the queue.
            Some(Ok(Err(_)) | Err(_)) => {
                drop(waiting);
                let mut state = self.lock();
                let pause = state.wait(&claim, Instant::now());
                drop(state);
                Err(self.refusal(pause))
            }
            None => Err(caller_left()),
        }
    }

    /// WeChat has refused a call for its rate. Returns what is left of the rate, in thousandths, if it is lower now.
    pub(crate) fn lower(&self) -> Option<u32> {
        let now = Instant::now();
        let mut state = self.lock();
        state.window.lower(now).then(|| state.window.rate(now))
    }

    fn join(self: &Arc<Self>, claim: Claim, until: Instant) -> Joined {
        let now = Instant::now();
        let mut state = self.lock();
        let next = match claim.urgency {
            Urgency::Interactive => state.window.next(now),
            // A batch that took a second's worth at once would let others wait for the next second.
            Urgency::Bulk => state.window.next_in_turn(now),
        };
        if state.turns.is_empty() && next == Next::Now {
            state.window.start(now);
            drop(state);
            return Joined::Turn(Turn::of(Arc::clone(self)));
        }
        let wait = state.wait(&claim, now);
        if now + wait > until {
            return Joined::Refused(wait);
        }
        let (give, turn) = oneshot::channel();
        let Ok((ticket, _displaced)) = state.turns.push(claim, give) else {
            return Joined::Refused(wait);
        };
        if !std::mem::replace(&mut state.is_served, true) {
            tokio::spawn(Arc::clone(self).serve());
        }
        Joined::Waiting(Waiting {
            lane: Arc::clone(self),
            ticket,
            turn,
        })
    }

    /// Gives turns until nobody waits.
    async fn serve(self: Arc<Self>) {
        let mut service = Service(Some(&self));
        loop {
            let moved = self.moved.notified();
            let (next, waiter) = {
                let mut state = self.lock();
                if state.turns.is_empty() {
                    state.is_served = false;
                    service.0 = None;
                    return;
                }
                let now = Instant::now();
                let next = state.window.next_in_turn(now);
                let waiter = match next {
                    Next::Now => state.turns.pop(),
                    _ => None,
                };
                if waiter.is_some() {
                    state.window.start(now);
                }
                (next, waiter)
            };
            if let Some(waiter) = waiter {
                // Whoever left at this very moment does not get it, and it is free again.
                let _ = waiter.send(Turn::of(Arc::clone(&self)));
                continue;
            }
            match next {
                Next::Now => {}
                // One that does not leave after all makes it earlier.
                Next::At(at) => drop(timeout_at(at, moved).await),
                Next::Unknown => moved.await,
            }
        }
    }

    /// Says which limit there is, and when a turn would be free.
    fn refusal(&self, pause: Duration) -> Error {
        let RateLimit {
            per,
            per_second,
            per_minute,
            ..
        } = &self.documented;
        let (calls, time) = match (per_second, per_minute) {
            (Some(calls), _) => (*calls, "second"),
            (None, calls) => (calls.unwrap_or_default(), "minute"),
        };
        let message = format!(
            "WeChat allows {calls} calls a {time} for each {per}; \
             others are before this one, and its turn would come after its deadline"
        );
        Error::new(Reason::UpstreamRateLimited, message).with_retry_after(pause.max(SHORTEST_PAUSE))
    }

    /// Every change leaves the state whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// How long it takes until somebody who comes now has a turn, if nobody else comes.
    fn wait(&mut self, claim: &Claim, now: Instant) -> Duration {
        let pace = self.window.pace(now);
        let first = match self.window.next_in_turn(now) {
            Next::Now => Duration::ZERO,
            Next::At(at) => at.saturating_duration_since(now),
            Next::Unknown => pace,
        };
        let ahead = u32::try_from(self.turns.ahead(claim)).unwrap_or(u32::MAX);
        first + pace.saturating_mul(ahead)
    }
}

impl Drop for Service<'_> {
    fn drop(&mut self) {
        if let Some(lane) = self.0 {
            lane.lock().is_served = false;
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // A turn that has been given and not taken gives itself back, which takes the lock once more.
        let removed = self.lane.lock().turns.remove(&self.ticket);
        drop(removed);
    }
}

impl Turn {
    /// The turn of a call that has no limit.
    pub(crate) fn free() -> Self {
        Self::new(None)
    }

    fn of(lane: Arc<Lane>) -> Self {
        Self::new(Some(lane))
    }

    fn new(lane: Option<Arc<Lane>>) -> Self {
        Self {
            lane,
            has_left: AtomicBool::new(false),
            number: AtomicU64::new(0),
        }
    }

    /// The request leaves now. What is sent once more under the same turn, to the backup host or with another token,
    /// counts as well and does not wait: whoever waits for quota holds no place among the calls in flight.
    pub(crate) fn leave(&self) {
        let Some(lane) = &self.lane else { return };
        let now = Instant::now();
        let mut state = lane.lock();
        if self.has_left.swap(true, Ordering::Relaxed) {
            state.window.start(now);
        }
        let number = state.window.leave(now);
        drop(state);
        self.number.store(number, Ordering::Relaxed);
        lane.moved.notify_one();
    }

    /// An answer has come, or none will come, after so long.
    pub(crate) fn land(&self, took: Duration) {
        let Some(lane) = &self.lane else { return };
        let number = self.number.load(Ordering::Relaxed);
        lane.lock().window.land(number, Instant::now(), took);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(lane) = &self.lane
            && !*self.has_left.get_mut()
        {
            lane.lock().window.stay();
            lane.moved.notify_one();
        }
    }
}
