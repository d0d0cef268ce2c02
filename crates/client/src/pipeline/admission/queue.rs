//! Who waits for a permit, and who gets the next one: a plain value, with time as an argument.
//!
//! The algorithm is the one of Facebook's services: adaptive LIFO with a controlled delay (B. Maurer,
//! "Fail at Scale", ACM Queue 13(8), 2015; the delay after CoDel, RFC 8289). A short queue is served in
//! its order. Once its oldest entry has waited for longer than a target, the newest is served first: what
//! waited longest is what its caller will give up first. And once there has been a queue for a whole
//! interval, it is no burst any more but a standing queue, and whoever joins it leaves it again after the
//! target instead of after the interval. A queue that is empty only because all have left it still stands.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// How long entries wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// The longest wait while the queue is a burst, and how long it is one.
    pub(super) interval: Duration,
    /// The longest wait in a standing queue, and from when on the newest goes first.
    pub(super) target: Duration,
}

/// Names one entry; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket(u64);

/// Entries that wait, oldest first.
#[derive(Debug)]
pub(super) struct Queue<T> {
    patience: Patience,
    waiting: VecDeque<Entry<T>>,
    /// Since when not all were served.
    standing_since: Option<Instant>,
    issued: u64,
}

#[derive(Debug)]
struct Entry<T> {
    ticket: Ticket,
    since: Instant,
    until: Instant,
    what: T,
}

impl<T> Queue<T> {
    pub(super) fn new(patience: Patience) -> Self {
        Self {
            patience,
            waiting: VecDeque::new(),
            standing_since: None,
            issued: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Tells whether there has been a queue for so long that it is no burst any more.
    pub(super) fn stands(&self, now: Instant) -> bool {
        let interval = self.patience.interval;
        self.standing_since
            .is_some_and(|since| now.duration_since(since) >= interval)
    }

    /// Tells how long whoever comes now would wait at most: until then, or until `last_start`, the last
    /// moment at which its work could still end in time.
    pub(super) fn leaves_at(&self, now: Instant, last_start: Instant) -> Instant {
        let Patience { interval, target } = self.patience;
        let longest = if self.stands(now) { target } else { interval };
        last_start.min(now + longest)
    }

    /// Takes an entry in that is given up at `until`.
    pub(super) fn push(&mut self, now: Instant, until: Instant, what: T) -> Ticket {
        self.standing_since.get_or_insert(now);
        self.issued += 1;
        let ticket = Ticket(self.issued);
        self.waiting.push_back(Entry {
            ticket,
            since: now,
            until,
            what,
        });
        ticket
    }

    /// Takes out whose turn it is. Whose time is up never has a turn; it is dropped.
    pub(super) fn pop(&mut self, now: Instant) -> Option<T> {
        self.waiting.retain(|entry| now < entry.until);
        let newest_first = self
            .waiting
            .front()
            .is_some_and(|oldest| now.duration_since(oldest.since) > self.patience.target);
        let next = match newest_first {
            true => self.waiting.pop_back(),
            false => self.waiting.pop_front(),
        };
        if next.is_some() {
            self.note_room();
        }
        next.map(|entry| entry.what)
    }

    /// Takes out an entry that waits no longer; false if it is not there any more.
    pub(super) fn remove(&mut self, ticket: Ticket) -> bool {
        // Tickets count up, so the entries are sorted by them.
        let found = self
            .waiting
            .binary_search_by_key(&ticket.0, |entry| entry.ticket.0);
        found.is_ok_and(|index| self.waiting.remove(index).is_some())
    }

    /// Something is served: if nobody waits now, the queue does not stand any more.
    pub(super) fn note_room(&mut self) {
        if self.waiting.is_empty() {
            self.standing_since = None;
        }
    }
}

#[cfg(test)]
mod tests;
