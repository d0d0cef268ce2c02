//! Whose turn is next: those that somebody waits for before those in bulk, and among either all callers by their
//! weights. Pure.
//!
//! Callers are served by stride scheduling (Waldspurger and Weihl, 1995): each has a pass that grows with every turn by
//! the inverse of its weight, and the lowest is next. Whoever wants less than its share gets all of it, and what is left is
//! shared by the others, which is max-min fairness.

use std::collections::{HashMap, VecDeque};

use kabao_api::{CallerKey, Urgency};

/// Of so many turns, one goes to calls in bulk while there are others.
const BULK_EVERY: u32 = 10;
/// What a turn adds to the pass of a caller of weight 1.
const STRIDE: u64 = 1 << 20;
/// No weight is higher.
pub(crate) const MAX_WEIGHT: u32 = 1000;

/// Those who wait.
pub(crate) struct Turns<T> {
    interactive: Lane<T>,
    bulk: Lane<T>,
    /// How many may wait.
    capacity: usize,
    numbers: u64,
    /// Turns since one in bulk that would have had one.
    passed_over: u32,
}

/// Who wants a turn.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) caller: Option<CallerKey>,
    pub(crate) weight: u32,
    pub(crate) urgency: Urgency,
}

/// Names one of those who wait.
#[derive(Debug)]
pub(crate) struct Ticket {
    caller: Option<CallerKey>,
    urgency: Urgency,
    number: u64,
}

struct Lane<T> {
    callers: HashMap<Option<CallerKey>, Caller<T>>,
    /// The pass of the turn that was given last.
    pass: u64,
    len: usize,
}

struct Caller<T> {
    pass: u64,
    weight: u32,
    waiting: VecDeque<(u64, T)>,
}

impl<T> Turns<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            interactive: Lane::default(),
            bulk: Lane::default(),
            capacity,
            numbers: 0,
            passed_over: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn len(&self) -> usize {
        self.interactive.len + self.bulk.len
    }

    /// How many turns others have before the one that is asked for, as things are.
    pub(crate) fn ahead(&self, claim: &Claim) -> usize {
        let every = usize::try_from(BULK_EVERY).unwrap_or(usize::MAX);
        let own = self.lane(claim.urgency).ahead(claim);
        match claim.urgency {
            Urgency::Interactive => own + self.bulk.len.min(own / (every - 1)),
            Urgency::Bulk => {
                own + self
                    .interactive
                    .len
                    .min((own + 1).saturating_mul(every - 1))
            }
        }
    }

    /// Lets somebody wait. If there is no room, whoever came last of those who have the most waiting makes way; it
    /// is returned. `Err` if that is whoever comes.
    pub(crate) fn push(&mut self, claim: Claim, item: T) -> Result<(Ticket, Option<T>), T> {
        let displaced = match self.len() < self.capacity {
            true => None,
            false => match self.displace(&claim) {
                Some(displaced) => Some(displaced),
                None => return Err(item),
            },
        };
        self.numbers += 1;
        let number = self.numbers;
        let ticket = Ticket {
            caller: claim.caller.clone(),
            urgency: claim.urgency,
            number,
        };
        self.lane_mut(claim.urgency).push(claim, number, item);
        Ok((ticket, displaced))
    }

    /// Takes whoever has the next turn.
    pub(crate) fn pop(&mut self) -> Option<T> {
        let bulk_is_next = match (self.interactive.len, self.bulk.len) {
            (0, _) => true,
            (_, 0) => false,
            _ => self.passed_over + 1 >= BULK_EVERY,
        };
        if bulk_is_next {
            self.passed_over = 0;
            return self.bulk.pop();
        }
        if self.bulk.len > 0 {
            self.passed_over += 1;
        }
        self.interactive.pop()
    }

    /// Takes away whoever waits no longer.
    pub(crate) fn remove(&mut self, ticket: &Ticket) -> Option<T> {
        self.lane_mut(ticket.urgency).remove(ticket)
    }

    /// Finds who makes way: those of the other urgency if they have more than their part of the room, else those of
    /// the caller that has more than the one that comes.
    fn displace(&mut self, claim: &Claim) -> Option<T> {
        let room_of_bulk = self.capacity / usize::try_from(BULK_EVERY).unwrap_or(usize::MAX);
        match claim.urgency {
            Urgency::Interactive if self.bulk.len > room_of_bulk => self.bulk.drop_longest(None),
            Urgency::Bulk if self.bulk.len < room_of_bulk => self.interactive.drop_longest(None),
            urgency => self.lane_mut(urgency).drop_longest(Some(claim)),
        }
    }

    fn lane(&self, urgency: Urgency) -> &Lane<T> {
        match urgency {
            Urgency::Interactive => &self.interactive,
            Urgency::Bulk => &self.bulk,
        }
    }

    fn lane_mut(&mut self, urgency: Urgency) -> &mut Lane<T> {
        match urgency {
            Urgency::Interactive => &mut self.interactive,
            Urgency::Bulk => &mut self.bulk,
        }
    }
}

impl<T> Default for Lane<T> {
    fn default() -> Self {
        Self {
            callers: HashMap::new(),
            pass: 0,
            len: 0,
        }
    }
}

impl<T> Lane<T> {
    fn push(&mut self, claim: Claim, number: u64, item: T) {
        let pass = self.pass;
        let caller = self.callers.entry(claim.caller).or_insert_with(|| Caller {
            pass,
            weight: 1,
            waiting: VecDeque::new(),
        });
        caller.weight = claim.weight.clamp(1, MAX_WEIGHT);
        if caller.waiting.is_empty() {
            // Nobody saves turns up; and whoever comes back at once is no newcomer.
            caller.pass = caller.pass.max(pass);
        }
        caller.waiting.push_back((number, item));
        self.len += 1;
    }

    fn pop(&mut self) -> Option<T> {
        let waiting = self.callers.values_mut();
        let next = waiting
            .filter_map(|caller| Some(((caller.pass, caller.waiting.front()?.0), caller)))
            .min_by_key(|(order, _)| *order);
        let (_, caller) = next?;
        let (_, item) = caller.waiting.pop_front()?;
        self.pass = self.pass.max(caller.pass);
        caller.pass += caller.stride();
        self.len -= 1;
        self.forget();
        Some(item)
    }

    fn remove(&mut self, ticket: &Ticket) -> Option<T> {
        let caller = self.callers.get_mut(&ticket.caller)?;
        let waiting = &mut caller.waiting;
        let place = waiting
            .iter()
            .position(|(number, _)| *number == ticket.number)?;
        let (_, item) = waiting.remove(place)?;
        self.len -= 1;
        self.forget();
        Some(item)
    }

    /// Forgets callers that a newcomer would not be treated otherwise than.
    fn forget(&mut self) {
        let (pass, is_empty) = (self.pass, self.len == 0);
        self.callers
            .retain(|_, caller| !caller.waiting.is_empty() || (caller.pass > pass && !is_empty));
    }

    fn drop_longest(&mut self, newcomer: Option<&Claim>) -> Option<T> {
        let longest = self
            .callers
            .values_mut()
            .max_by_key(|caller| caller.excess());
        let longest = longest.map(|caller| caller.excess())?;
        if let Some(claim) = newcomer {
            let own = self.callers.get(&claim.caller);
            let own = own.map_or(0, |caller| caller.waiting.len()) + 1;
            if longest <= excess(own, claim.weight) {
                return None;
            }
        }
        let caller = self
            .callers
            .values_mut()
            .find(|caller| caller.excess() == longest)?;
        let (_, item) = caller.waiting.pop_back()?;
        self.len -= 1;
        self.forget();
        Some(item)
    }

    fn ahead(&self, claim: &Claim) -> usize {
        let stride = STRIDE / u64::from(claim.weight.clamp(1, MAX_WEIGHT));
        let own = self.callers.get(&claim.caller);
        let own_waiting = own.map_or(0, |caller| caller.waiting.len());
        let pass = own.map_or(self.pass, |caller| caller.pass.max(self.pass));
        // The pass of the turn that is asked for; whoever has a lower one until then goes first.
        let turn = pass.saturating_add(stride.saturating_mul(to_u64(own_waiting)));
        let others = self.callers.iter().filter(|(key, _)| **key != claim.caller);
        let before = others.map(|(_, caller)| {
            let turns = match turn.checked_sub(caller.pass) {
                Some(distance) => distance / caller.stride() + 1,
                None => 0,
            };
            usize::try_from(turns)
                .unwrap_or(usize::MAX)
                .min(caller.waiting.len())
        });
        before.sum::<usize>() + own_waiting
    }
}

impl<T> Caller<T> {
    fn stride(&self) -> u64 {
        STRIDE / u64::from(self.weight)
    }

    fn excess(&self) -> u64 {
        excess(self.waiting.len(), self.weight)
    }
}

/// How much somebody has waiting for its weight.
fn excess(waiting: usize, weight: u32) -> u64 {
    to_u64(waiting).saturating_mul(STRIDE) / u64::from(weight.clamp(1, MAX_WEIGHT))
}

fn to_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
