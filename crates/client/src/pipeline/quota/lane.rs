//! The calls of one credential to one operation: those that may leave, and those that wait for it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kabao_api::portions::{Ask, Portions, Shared};
use kabao_api::{Error, Reason, Urgency};
use kabao_models::RateLimit;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout_at};

use super::portion::Portion;
use super::turns::{Claim, Ticket, Turns};
use super::window::{Limit, Next, Window};
use crate::bounds::{Bounds, caller_left};
use crate::call::Call;
use crate::vitals::LimitVitals;

/// What a refused call is told to wait at least.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
/// How much later a request may come to WeChat than another one.
const SLACK: Duration = Duration::from_millis(100);

/// Gives turns to leave. Nobody's task does so but one of its own, which lives while somebody waits.
pub(crate) struct Lane {
    /// `None` if the limit was learned from refusals.
    documented: Option<RateLimit>,
    state: Mutex<State>,
    /// One that was let go has left, or does not leave, or more may leave.
    moved: Notify,
    /// Told when nothing may leave and somebody waits.
    wanted: Arc<Notify>,
}

struct State {
    window: Window,
    turns: Turns<oneshot::Sender<Turn>>,
    /// Whether the task lives that gives turns.
    is_served: bool,
    /// What this process holds of the limit, if it shares it with others.
    portion: Option<Portion>,
    /// The most who have waited at a time, and those who were refused, since the portion was asked for last.
    unserved: usize,
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
    pub(crate) fn new(
        documented: &RateLimit,
        max_waiting: usize,
        wanted: Arc<Notify>,
    ) -> Option<Self> {
        let window = Window::new(Limit::of(documented)?);
        Some(Self::over(window, Some(*documented), max_waiting, wanted))
    }

    /// The lane of an operation whose limit nobody documents and that WeChat has just refused a call of, when there were so
    /// many a second.
    pub(crate) fn learned(calls: usize, max_waiting: usize, wanted: Arc<Notify>) -> Self {
        let window = Window::learned(calls, Instant::now());
        Self::over(window, None, max_waiting, wanted)
    }

    fn over(
        window: Window,
        documented: Option<RateLimit>,
        max_waiting: usize,
        wanted: Arc<Notify>,
    ) -> Self {
        Self {
            documented,
            state: Mutex::new(State {
                window,
                turns: Turns::new(max_waiting),
                is_served: false,
                portion: None,
                unserved: 0,
            }),
            moved: Notify::new(),
            wanted,
        }
    }

    /// Tells whether the limit was learned so long ago that it says nothing any more, and nobody waits for it.
    pub(crate) fn is_forgotten(&self) -> bool {
        let state = self.lock();
        state.turns.is_empty() && state.window.is_forgotten(Instant::now())
    }

    /// Shares its limit with other processes from now on: nothing leaves until there is a portion.
    pub(crate) fn share(&self) {
        // Each learns by itself what is documented nowhere.
        if self.documented.is_none() {
            return;
        }
        let mut state = self.lock();
        state.window.share();
        let capacity = to_u32(state.window.capacity());
        state.portion.get_or_insert_with(|| Portion::new(capacity));
    }

    /// Looks at what is needed, and asks for a portion. What is more than that does not leave any more from now on.
    /// `None` if nothing is held and nothing is needed.
    pub(crate) fn ask(&self, limit: &str) -> Option<Asked> {
        let now = Instant::now();
        let mut state = self.lock();
        let State {
            window,
            turns,
            portion,
            unserved,
            ..
        } = &mut *state;
        let portion = portion.as_mut()?;
        let waiting = std::mem::replace(unserved, turns.len()).max(turns.len());
        let needed = window.take_busiest(now).saturating_add(waiting);
        if needed == 0 && portion.is_forgotten() && portion.held() == 0 {
            return None;
        }
        let wanted = portion.want(to_u32(needed));
        window.shrink(to_usize(wanted));
        // What has left counts for a while.
        let leaving = to_u32(window.taken(now));
        Some(Asked {
            ask: portion.ask(limit.to_owned(), wanted.max(leaving)),
            wanted,
        })
    }

    /// Takes in what is held by the answer to a question that was asked then. Tells whether more is needed.
    pub(crate) fn settle(
        &self,
        asked: &Asked,
        answer: Option<&Shared>,
        at: Instant,
        portions: &dyn Portions,
    ) -> bool {
        let mut state = self.lock();
        let State {
            window, portion, ..
        } = &mut *state;
        let Some(portion) = portion.as_mut() else {
            return false;
        };
        portion.settle(answer);
        let calls = to_usize(portion.held().min(asked.wanted));
        let is_short = portion.is_short();
        let alone = alone(portion, portions);
        window.renew(
            calls,
            at + usable_for(portions.kept_for(), window.longest()),
            alone,
        );
        drop(state);
        self.moved.notify_one();
        is_short
    }

    /// Waits for a turn, which has to come `needed` before the deadline.
    pub(crate) async fn take(
        self: &Arc<Self>,
        call: &Call,
        claim: Claim,
        needed: Duration,
    ) -> Result<Turn, Error> {
        let until = last_turn(&call.bounds, needed);
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

    /// How the limit is at present.
    pub(crate) fn vitals(&self, operation: &'static str) -> LimitVitals {
        let now = Instant::now();
        let mut state = self.lock();
        let State { window, turns, .. } = &mut *state;
        LimitVitals {
            operation,
            capacity: window.capacity(),
            portion: window.part(now),
            used: window.taken(now),
            waiting: turns.len(),
            rate: window.rate(now),
            is_alone: window.is_alone(now),
        }
    }

    /// Nobody has answered a question.
    pub(crate) fn unanswered(&self, portions: &dyn Portions) {
        let mut state = self.lock();
        let State {
            window, portion, ..
        } = &mut *state;
        if let Some(portion) = portion.as_ref() {
            window.go_on_alone(Instant::now(), alone(portion, portions));
        }
        drop(state);
        self.moved.notify_one();
    }

    /// Fails if a call that wants a turn now is refused at once, because the turn would come after `until`.
    pub(crate) fn require(&self, claim: &Claim, until: Instant) -> Result<(), Error> {
        let looked = self.look(&mut self.lock(), claim, Instant::now(), until);
        looked.map(drop).map_err(|wait| self.refusal(wait))
    }

    /// Returns how long a call waits for its turn that comes now; `None` if it does not, and an `Err` if that is too long.
    fn look(
        &self,
        state: &mut State,
        claim: &Claim,
        now: Instant,
        until: Instant,
    ) -> Result<Option<Duration>, Duration> {
        if state.portion.is_some() && state.window.part(now) == 0 {
            self.wanted.notify_one();
        }
        let next = match claim.urgency {
            Urgency::Interactive => state.window.next(now),
            // A batch that took a second's worth at once would let others wait for the next second.
            Urgency::Bulk => state.window.next_in_turn(now),
        };
        if state.turns.is_empty() && next == Next::Now {
            return Ok(None);
        }
        let wait = state.wait(claim, now);
        if now + wait > until {
            state.unserved = state.unserved.saturating_add(1);
            return Err(wait);
        }
        Ok(Some(wait))
    }

    fn join(self: &Arc<Self>, claim: Claim, until: Instant) -> Joined {
        let now = Instant::now();
        let mut state = self.lock();
        let wait = match self.look(&mut state, &claim, now, until) {
            Ok(None) => {
                state.window.start(now);
                drop(state);
                return Joined::Turn(Turn::of(Arc::clone(self)));
            }
            Ok(Some(wait)) => wait,
            Err(wait) => return Joined::Refused(wait),
        };
        let (give, turn) = oneshot::channel();
        let Ok((ticket, _displaced)) = state.turns.push(claim, give) else {
            state.unserved = state.unserved.saturating_add(1);
            return Joined::Refused(wait);
        };
        state.unserved = state.unserved.max(state.turns.len());
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
        let pause = pause.max(SHORTEST_PAUSE);
        let Some(documented) = &self.documented else {
            let message = "WeChat has refused such calls for their rate; \
                 others are before this one, and its turn would come after its deadline";
            return Error::new(Reason::UpstreamRateLimited, message).with_retry_after(pause);
        };
        let RateLimit {
            per,
            per_second,
            per_minute,
            ..
        } = documented;
        let (calls, time) = match (per_second, per_minute) {
            (Some(calls), _) => (*calls, "second"),
            (None, calls) => (calls.unwrap_or_default(), "minute"),
        };
        let message = format!(
            "WeChat allows {calls} calls a {time} for each {per}; \
             others are before this one, and its turn would come after its deadline"
        );
        Error::new(Reason::UpstreamRateLimited, message).with_retry_after(pause)
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

/// Until when a turn is of use to a call that needs so long for an attempt.
pub(crate) fn last_turn(bounds: &Bounds, needed: Duration) -> Instant {
    bounds
        .deadline
        .checked_sub(needed)
        .unwrap_or(bounds.deadline)
}

/// What was asked for one limit.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) ask: Ask,
    /// What is to be held when all has left that is on its way.
    wanted: u32,
}

/// For how long after a question its answer may be used: what leaves last must have left the window, wherever it was
/// held up, before others may take what it used.
fn usable_for(kept_for: Duration, longest: Duration) -> Duration {
    (kept_for / 2).min(kept_for.saturating_sub(longest + SLACK))
}

/// How many calls leave in a window when nobody answers: as many as if all that were there were equal and nobody else
/// was, but never all, since somebody else may be there.
fn alone(portion: &Portion, portions: &dyn Portions) -> usize {
    match portions.goes_on_alone() {
        true => to_usize(portion.equal().max(1)),
        false => 0,
    }
}

fn to_u32(calls: usize) -> u32 {
    u32::try_from(calls).unwrap_or(u32::MAX)
}

fn to_usize(calls: u32) -> usize {
    usize::try_from(calls).unwrap_or(usize::MAX)
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

#[cfg(test)]
mod tests;
