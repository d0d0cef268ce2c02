//! Whose turn it is to be signed for: a plain value.
//!
//! Fair queueing (J. Nagle, RFC 970): each account has a queue of its own, and they are served in turn, one
//! each. When all is full, the longest queue gives way, as in FQ-CoDel (RFC 8290), so that a burst of one
//! account refuses calls of that account.

use std::collections::{HashMap, VecDeque};

/// What waits, by account.
#[derive(Debug)]
pub(super) struct Turns<T> {
    queues: HashMap<u64, VecDeque<T>>,
    /// Accounts with something in their queues, whose turn is next in front.
    ring: VecDeque<u64>,
    len: usize,
    capacity: usize,
}

/// What became of something that was to be queued.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Queued<T> {
    Waits,
    /// It waits, and what waited longest in the longest queue does not any more.
    InPlaceOf(T),
    /// It does not, because no queue is longer than its own.
    Refused(T),
}

impl<T> Turns<T> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            queues: HashMap::new(),
            ring: VecDeque::new(),
            len: 0,
            capacity,
        }
    }

    pub(super) fn push(&mut self, account: u64, what: T) -> Queued<T> {
        let mut evicted = None;
        if self.len >= self.capacity {
            let own = self.queues.get(&account).map_or(0, VecDeque::len);
            let longest = self
                .queues
                .iter()
                .map(|(account, queue)| (queue.len(), *account))
                .max();
            match longest {
                Some((len, longest)) if len > own + 1 => evicted = self.take(longest),
                _ => return Queued::Refused(what),
            }
        }
        let queue = self.queues.entry(account).or_default();
        if queue.is_empty() {
            self.ring.push_back(account);
        }
        queue.push_back(what);
        self.len += 1;
        match evicted {
            Some(evicted) => Queued::InPlaceOf(evicted),
            None => Queued::Waits,
        }
    }

    /// How much waits for one account.
    pub(super) fn waiting(&self, account: u64) -> usize {
        self.queues.get(&account).map_or(0, VecDeque::len)
    }

    /// Takes what is next.
    pub(super) fn pop(&mut self) -> Option<T> {
        let account = self.ring.pop_front()?;
        let queue = self.queues.get_mut(&account)?;
        let next = queue.pop_front()?;
        self.len -= 1;
        if !queue.is_empty() {
            self.ring.push_back(account);
        }
        Some(next)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Forgets an account that will not come again; what is left of its queue is dropped.
    pub(super) fn leave(&mut self, account: u64) {
        if let Some(queue) = self.queues.remove(&account) {
            self.len -= queue.len();
            self.ring.retain(|other| *other != account);
        }
    }

    /// Takes the oldest of an account's queue, out of turn.
    fn take(&mut self, account: u64) -> Option<T> {
        let queue = self.queues.get_mut(&account)?;
        let oldest = queue.pop_front()?;
        self.len -= 1;
        if queue.is_empty() {
            self.ring.retain(|other| *other != account);
        }
        Some(oldest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(turns: &mut Turns<&'static str>) -> Vec<&'static str> {
        std::iter::from_fn(|| turns.pop()).collect()
    }

    fn push(turns: &mut Turns<&'static str>, names: &[&'static str]) {
        for name in names {
            let account = u64::from(name.as_bytes()[0]);
            assert_eq!(turns.push(account, name), Queued::Waits, "{name}");
        }
    }

    #[test]
    fn accounts_are_served_in_turn_and_each_in_its_order() {
        let rows: [(&[&str], &[&str]); 5] = [
            (&[], &[]),
            (&["a1", "a2", "a3"], &["a1", "a2", "a3"]),
            (&["a1", "a2", "a3", "b1"], &["a1", "b1", "a2", "a3"]),
            (
                &["a1", "a2", "b1", "b2", "c1"],
                &["a1", "b1", "c1", "a2", "b2"],
            ),
            (&["b1", "a1", "b2", "a2"], &["b1", "a1", "b2", "a2"]),
        ];
        for (come, served) in rows {
            let mut turns = Turns::new(100);
            push(&mut turns, come);
            assert_eq!(all(&mut turns), served, "{come:?}");
        }
        // Whoever comes again stands at the end.
        let mut turns = Turns::new(100);
        push(&mut turns, &["a1", "b1", "b2"]);
        assert_eq!(turns.pop(), Some("a1"));
        push(&mut turns, &["a2"]);
        assert_eq!(all(&mut turns), ["b1", "a2", "b2"]);
    }

    #[test]
    fn a_burst_gives_way_to_others_when_all_is_full() {
        let mut turns = Turns::new(4);
        push(&mut turns, &["a1", "a2", "a3", "a4"]);
        assert_eq!(turns.push(u64::from(b'a'), "a5"), Queued::Refused("a5"));
        assert_eq!(turns.push(u64::from(b'b'), "b1"), Queued::InPlaceOf("a1"));
        assert_eq!(turns.push(u64::from(b'c'), "c1"), Queued::InPlaceOf("a2"));
        // Two of a, one each of b and c: nobody has more to give.
        assert_eq!(turns.push(u64::from(b'b'), "b2"), Queued::Refused("b2"));
        assert_eq!(turns.push(u64::from(b'd'), "d1"), Queued::InPlaceOf("a3"));
        assert_eq!(turns.push(u64::from(b'e'), "e1"), Queued::Refused("e1"));
        assert_eq!(all(&mut turns), ["a4", "b1", "c1", "d1"]);
    }

    #[test]
    fn who_leaves_takes_along_what_waits() {
        let mut turns = Turns::new(4);
        push(&mut turns, &["a1", "b1", "a2"]);
        turns.leave(u64::from(b'a'));
        turns.leave(u64::from(b'x'));
        assert_eq!(turns.len, 1);
        assert_eq!(all(&mut turns), ["b1"]);
    }

    #[test]
    fn whatever_comes_the_counts_agree_and_nobody_is_passed_over_twice() {
        let mut state = 0x9E37_79B9_u64;
        let mut below = |bound: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % bound
        };
        let mut turns = Turns::new(16);
        for number in 0..20_000_u64 {
            // One account asks for most of it.
            match below(3) {
                0 => {
                    let before: Vec<_> = turns.ring.iter().copied().collect();
                    let served = turns.pop();
                    assert_eq!(served.map(|(account, _)| account), before.first().copied());
                }
                _ => {
                    let account = if below(4) > 0 { 0 } else { below(20) };
                    let _ = turns.push(account, (account, number));
                }
            }
            let waiting: usize = turns.queues.values().map(VecDeque::len).sum();
            let active = turns
                .queues
                .values()
                .filter(|queue| !queue.is_empty())
                .count();
            assert_eq!((turns.len, turns.ring.len()), (waiting, active));
            assert!(turns.len <= 16);
        }
    }
}
