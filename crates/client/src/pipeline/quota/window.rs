//! How many calls leave in which time: a window that slides, paced while calls wait, and slower after WeChat refused.
//! Pure: time is an argument.
//!
//! No more calls leave within any second than are documented, so none is one too many, by whatever second WeChat
//! counts. A bucket of tokens that allows a burst would let twice as many into one second.

use std::collections::VecDeque;
use std::time::Duration;

use kabao_models::RateLimit;
use tokio::time::Instant;

/// Windows are longer by this part: networks delay one call more than the next. It costs half of a hundredth.
const MARGIN: u32 = 200;
/// What is later than usual by more counts from the time that it may have come to WeChat: above all the first calls
/// over connections that have to be opened.
const TOLERANCE: Duration = Duration::from_millis(25);
/// What is left of the rate after a refusal, in thousandths.
const LOWERED: u32 = 700;
/// The rate is never lower, in thousandths of what is documented.
const LOWEST: u32 = 100;
/// How much of the documented rate comes back in a second, in thousandths.
const RECOVERY: u32 = 10;
const WHOLE: u32 = 1000;
/// What was learned from refusals is forgotten after so long without one.
const FORGOTTEN: Duration = Duration::from_mins(10);

/// How many calls may leave within how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    calls: usize,
    length: Duration,
}

impl Limit {
    /// Reads what is documented; `None` if that is nothing, or a quota of the day alone.
    pub(crate) fn of(documented: &RateLimit) -> Option<Self> {
        let second = documented.per_second.map(|calls| (calls, 1));
        let minute = documented.per_minute.map(|calls| match calls / 60 {
            0 => (calls, 60),
            calls => (calls, 1),
        });
        let strictest = |&(calls, seconds): &(u32, u32)| u64::from(calls) * 60 / u64::from(seconds);
        let (calls, seconds) = second.into_iter().chain(minute).min_by_key(strictest)?;
        Some(Self {
            // None at all would be for nobody.
            calls: usize::try_from(calls).unwrap_or(usize::MAX).max(1),
            length: Duration::from_secs(seconds.into()),
        })
    }
}

/// One call among those of a window.
pub(crate) type Number = u64;

/// When the next call may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Now,
    At(Instant),
    /// When one of those has left that may.
    Unknown,
}

/// The calls of the present window.
#[derive(Debug)]
pub(crate) struct Window {
    limit: Limit,
    /// Those that may leave and have not.
    starting: usize,
    /// Those that have left, in the order in which they count.
    left: VecDeque<(Instant, Number)>,
    numbers: Number,
    /// While calls wait, the next does not leave earlier.
    paced: Option<Instant>,
    /// The rate in thousandths at that time.
    lowered: Option<(u32, Instant)>,
    /// How long an answer takes if nothing delays it, and how many have shown that.
    usual: Duration,
    answers: usize,
    /// What this process may use of the limit, if it shares it with others.
    part: Option<Part>,
    /// When WeChat refused a call last, if the limit is what that has shown and not what is documented.
    learned: Option<Instant>,
    /// The most calls that counted at a time, since somebody looked.
    busiest: usize,
}

#[derive(Clone, Copy, Debug)]
struct Part {
    calls: usize,
    /// Until when; never yet if there is none.
    until: Option<Instant>,
    /// How many from then on.
    alone: usize,
}

impl Window {
    pub(crate) fn new(limit: Limit) -> Self {
        Self {
            limit,
            starting: 0,
            left: VecDeque::new(),
            numbers: 0,
            paced: None,
            lowered: None,
            usual: Duration::MAX,
            answers: 0,
            part: None,
            learned: None,
            busiest: 0,
        }
    }

    /// Begins with a limit that nobody documents: WeChat has just refused a call for its rate when there were so many a
    /// second.
    pub(crate) fn learned(calls: usize, now: Instant) -> Self {
        let limit = Limit {
            calls,
            length: Duration::from_secs(1),
        };
        let mut window = Self::new(limit);
        window.learn(calls, now);
        window
    }

    fn learn(&mut self, calls: usize, now: Instant) {
        self.limit.calls = (calls.saturating_mul(7) / 10).max(1);
        self.learned = Some(now);
    }

    /// Tells whether a limit was learned so long ago that it says nothing any more.
    pub(crate) fn is_forgotten(&self, now: Instant) -> bool {
        let passed = |refused| now.saturating_duration_since(refused);
        self.learned
            .is_some_and(|refused| passed(refused) >= FORGOTTEN)
    }

    /// Shares the limit from now on: nothing leaves until there is a part.
    pub(crate) fn share(&mut self) {
        self.part.get_or_insert(Part {
            calls: 0,
            until: None,
            alone: 0,
        });
    }

    /// Uses no more of the limit than so many calls.
    pub(crate) fn shrink(&mut self, calls: usize) {
        if let Some(part) = &mut self.part {
            part.calls = part.calls.min(calls);
        }
    }

    /// May use so many calls of the limit until then, and so many after that if nobody answers.
    pub(crate) fn renew(&mut self, calls: usize, until: Instant, alone: usize) {
        let until = Some(until);
        self.part = Some(Part {
            calls,
            until,
            alone,
        });
    }

    /// Nobody answers; whoever had no part yet uses so many calls of the limit.
    pub(crate) fn go_on_alone(&mut self, now: Instant, alone: usize) {
        if let Some(part) = &mut self.part
            && part.until.is_none()
        {
            (part.until, part.alone) = (Some(now), alone);
        }
    }

    /// How many calls this process may have in a window.
    pub(crate) fn part(&self, now: Instant) -> usize {
        match self.part {
            None => self.capacity_at(now),
            Some(part) => match part.until {
                None => 0,
                Some(until) if now < until => part.calls,
                Some(_) => part.alone,
            },
        }
    }

    /// Whether nobody has answered for so long that the part may be another process's.
    pub(crate) fn is_alone(&self, now: Instant) -> bool {
        let until = self.part.and_then(|part| part.until);
        until.is_some_and(|until| until <= now)
    }

    /// How many calls count.
    pub(crate) fn taken(&mut self, now: Instant) -> usize {
        self.prune(now);
        self.left.len() + self.starting
    }

    /// The most calls that counted at a time since this was asked last.
    pub(crate) fn take_busiest(&mut self, now: Instant) -> usize {
        let taken = self.taken(now);
        std::mem::replace(&mut self.busiest, taken).max(taken)
    }

    /// How long calls count, with what is added for networks.
    pub(crate) fn longest(&self) -> Duration {
        self.limit.length + self.limit.length / MARGIN
    }

    /// How many calls all processes may have in a window.
    pub(crate) fn capacity(&self) -> usize {
        self.limit.calls
    }

    /// The same, where that is learned: each second one more, or a hundredth, finds out what WeChat takes.
    fn capacity_at(&self, now: Instant) -> usize {
        let Some(refused) = self.learned else {
            return self.limit.calls;
        };
        let passed = now.saturating_duration_since(refused).as_secs();
        let more = (self.limit.calls / 100).max(1);
        let passed = usize::try_from(passed).unwrap_or(usize::MAX);
        self.limit.calls.saturating_add(passed.saturating_mul(more))
    }

    /// When the next call may leave for which nobody waits before it.
    pub(crate) fn next(&mut self, now: Instant) -> Next {
        let length = self.prune(now);
        let taken = self.left.len() + self.starting;
        let Some(too_many) = taken.checked_sub(self.part(now)) else {
            return Next::Now;
        };
        match self.left.get(too_many) {
            Some((left, _)) => Next::At(*left + length),
            None => Next::Unknown,
        }
    }

    /// When the next of those may leave that wait: one after another, and not all once a second.
    pub(crate) fn next_in_turn(&mut self, now: Instant) -> Next {
        match (self.next(now), self.paced) {
            (Next::Now, Some(paced)) if paced > now => Next::At(paced),
            (Next::At(at), Some(paced)) => Next::At(at.max(paced)),
            (next, _) => next,
        }
    }

    /// Lets a call go. It counts from when it leaves.
    pub(crate) fn start(&mut self, now: Instant) {
        self.starting += 1;
        self.busiest = self.busiest.max(self.left.len() + self.starting);
        let pace = self.pace(now);
        // Whoever was woken late is made up for, but only once.
        let due = self
            .paced
            .map_or(now, |paced| paced.max(now.checked_sub(pace).unwrap_or(now)));
        self.paced = Some(due + pace);
    }

    /// One that was let go does not leave.
    pub(crate) fn stay(&mut self) {
        self.starting = self.starting.saturating_sub(1);
    }

    /// One that was let go leaves.
    pub(crate) fn leave(&mut self, now: Instant) -> Number {
        self.starting = self.starting.saturating_sub(1);
        self.numbers += 1;
        self.left.push_back((now, self.numbers));
        self.numbers
    }

    /// An answer has come, after so long.
    pub(crate) fn land(&mut self, number: Number, now: Instant, took: Duration) {
        self.usual = match took.checked_sub(self.usual) {
            Some(longer) => self.usual + longer / 1024,
            None => took,
        };
        // The first calls all open connections, so that none of them shows how long the next ones take.
        let usual = match self.answers < self.limit.calls {
            true => Duration::ZERO,
            false => self.usual,
        };
        self.answers = self.answers.saturating_add(1);
        if took <= usual + TOLERANCE {
            return;
        }
        // WeChat cannot have counted it later than that.
        let latest = now.checked_sub(usual).unwrap_or(now);
        self.left.retain(|(_, other)| *other != number);
        let place = self.left.partition_point(|(left, _)| *left <= latest);
        self.left.insert(place, (latest, number));
    }

    /// WeChat refused a call for its rate. Tells whether that is news: calls of the same window were refused for one
    /// reason.
    pub(crate) fn lower(&mut self, now: Instant) -> bool {
        let length = self.length(now);
        let since = self.lowered.map(|(_, since)| since).or(self.learned);
        if since.is_some_and(|since| now < since + length) {
            return false;
        }
        if self.learned.is_some() {
            self.learn(self.capacity_at(now), now);
            return true;
        }
        let rate = (self.rate(now) * LOWERED / WHOLE).max(LOWEST);
        self.lowered = Some((rate, now));
        true
    }

    /// The rate in thousandths of what is documented.
    pub(crate) fn rate(&self, now: Instant) -> u32 {
        let Some((rate, since)) = self.lowered else {
            return WHOLE;
        };
        let passed = now.saturating_duration_since(since).as_secs();
        let back = u32::try_from(passed)
            .unwrap_or(u32::MAX)
            .saturating_mul(RECOVERY);
        rate.saturating_add(back).min(WHOLE)
    }

    /// How far apart calls are that wait.
    pub(crate) fn pace(&self, now: Instant) -> Duration {
        let calls = match self.part(now) {
            0 => self.limit.calls,
            calls => calls,
        };
        self.length(now) / u32::try_from(calls).unwrap_or(u32::MAX)
    }

    /// Forgets calls that count no more. Returns how long they do.
    fn prune(&mut self, now: Instant) -> Duration {
        let length = self.length(now);
        while let Some((left, _)) = self.left.front()
            && *left + length <= now
        {
            self.left.pop_front();
        }
        length
    }

    fn length(&self, now: Instant) -> Duration {
        self.longest() * WHOLE / self.rate(now)
    }
}

#[cfg(test)]
mod tests;
