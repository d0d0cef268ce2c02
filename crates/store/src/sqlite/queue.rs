//! What waits for the thread that writes, and how long the thread waits for more to come.
//!
//! A sync costs the same for one write and for fifty. As long as others are about to write, the thread therefore waits
//! a moment before it begins a transaction (PostgreSQL's `commit_delay` and `commit_siblings`): whoever has begun a
//! change comes back to end it. Somebody who is alone is never kept waiting.

use std::collections::HashSet;
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::Semaphore;

/// So many wait at most.
const WAITING: usize = 1024;
/// So many share a transaction at most.
const GROUP: usize = 512;
/// When so many wait, the others are not waited for.
const ENOUGH: usize = 32;
/// So many have to be about to come.
const SIBLINGS: usize = 8;
/// How long they are waited for.
const MOMENT: Duration = Duration::from_millis(1);
/// When nobody has come, so many transactions begin at once.
const IN_VAIN: u32 = 8;

/// The queue of the thread that writes.
pub(super) struct Queue<C> {
    places: Semaphore,
    inner: Mutex<Inner<C>>,
    changed: Condvar,
    moment: Duration,
}

struct Inner<C> {
    waiting: Vec<C>,
    /// The places of changes that were begun and whose end is still to come.
    begun: HashSet<i64>,
    thread: Thread,
    /// So many times nobody is waited for.
    hurried: u32,
    is_closed: bool,
}

/// What the thread that writes is about.
#[derive(Clone, Copy)]
enum Thread {
    Writes,
    /// It sleeps until there is something to write.
    Idles,
    /// It has something to write, and sleeps until more has come.
    Gathers,
}

impl<C> Queue<C> {
    pub(super) fn new() -> Self {
        Self::with_moment(MOMENT)
    }

    fn with_moment(moment: Duration) -> Self {
        Self {
            places: Semaphore::new(WAITING),
            inner: Mutex::new(Inner {
                waiting: Vec::new(),
                begun: HashSet::new(),
                thread: Thread::Writes,
                hurried: 0,
                is_closed: false,
            }),
            changed: Condvar::new(),
            moment,
        }
    }

    /// Waits for a place, and takes it; gives the command back if the queue is closed.
    pub(super) async fn push(&self, command: C) -> Result<(), C> {
        let Ok(place) = self.places.acquire().await else {
            return Err(command);
        };
        let mut inner = self.lock();
        if inner.is_closed {
            return Err(command);
        }
        place.forget();
        inner.waiting.push(command);
        let is_enough = inner.is_enough();
        if is_enough {
            // Once is enough, and each time is a call of the kernel.
            inner.thread = Thread::Writes;
        }
        drop(inner);
        if is_enough {
            self.changed.notify_one();
        }
        Ok(())
    }

    /// Notes that a change was begun, and somebody comes back to end it.
    pub(super) fn begun(&self, sequence: i64) {
        let mut inner = self.lock();
        // Some may never have come back.
        if inner.begun.len() > 16 * WAITING {
            inner.begun.clear();
        }
        inner.begun.insert(sequence);
    }

    /// Notes that somebody has come back.
    pub(super) fn returned(&self, sequence: i64) {
        self.lock().begun.remove(&sequence);
    }

    /// Takes what waits, as soon as something does; `None` if the queue is closed and empty.
    pub(super) fn take(&self) -> Option<Vec<C>> {
        let inner = self.sleep(Thread::Idles, None);
        if inner.waiting.is_empty() {
            return None;
        }
        drop(inner);
        // Who is about to write at this very moment gets a place as well.
        thread::yield_now();
        let mut inner = self.lock();
        let before = inner.waiting.len();
        if !inner.is_enough_for(Thread::Gathers) {
            match inner.hurried.checked_sub(1) {
                Some(left) => inner.hurried = left,
                None => {
                    drop(inner);
                    inner = self.sleep(Thread::Gathers, Some(self.moment));
                    if inner.waiting.len() == before {
                        inner.hurried = IN_VAIN;
                    }
                }
            }
        }
        let count = inner.waiting.len().min(GROUP);
        let rest = inner.waiting.split_off(count);
        let group = mem::replace(&mut inner.waiting, rest);
        drop(inner);
        self.places.add_permits(count);
        Some(group)
    }

    /// Sleeps until that is no use any more.
    fn sleep(&self, thread: Thread, most: Option<Duration>) -> MutexGuard<'_, Inner<C>> {
        let inner = self.lock();
        let sleeps = |inner: &mut Inner<C>| {
            inner.thread = thread;
            !inner.is_enough()
        };
        let mut inner = match most {
            None => {
                let waited = self.changed.wait_while(inner, sleeps);
                waited.unwrap_or_else(PoisonError::into_inner)
            }
            Some(most) => {
                let waited = self.changed.wait_timeout_while(inner, most, sleeps);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        inner.thread = Thread::Writes;
        inner
    }

    /// Takes nothing more; what waits is still given out.
    pub(super) fn close(&self) {
        self.places.close();
        self.lock().is_closed = true;
        self.changed.notify_one();
    }

    /// Drops what waits.
    pub(super) fn clear(&self) {
        self.lock().waiting.clear();
    }

    /// Every step leaves the queue whole.
    fn lock(&self) -> MutexGuard<'_, Inner<C>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C> Inner<C> {
    /// Tells whether there is no reason to sleep on.
    fn is_enough(&self) -> bool {
        self.is_enough_for(self.thread)
    }

    fn is_enough_for(&self, thread: Thread) -> bool {
        let is_enough = match thread {
            Thread::Writes => false,
            Thread::Idles => !self.waiting.is_empty(),
            Thread::Gathers => self.waiting.len() >= ENOUGH || self.begun.len() < SIBLINGS,
        };
        is_enough || self.is_closed
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const LONG: Duration = Duration::from_hours(1);

    #[tokio::test]
    async fn somebody_who_is_alone_is_not_kept_waiting() {
        let queue = Queue::with_moment(LONG);
        for sequence in 1..8 {
            queue.begun(sequence);
        }
        queue.push('a').await.unwrap();
        assert_eq!(queue.take(), Some(vec!['a']));
    }

    #[tokio::test]
    async fn those_who_are_about_to_come_are_waited_for() {
        let queue = Arc::new(Queue::with_moment(LONG));
        for sequence in 0..64 {
            queue.begun(sequence);
        }
        let taking = thread::spawn({
            let queue = Arc::clone(&queue);
            move || queue.take()
        });
        for sequence in 0..32 {
            queue.returned(sequence);
            queue.push(sequence).await.unwrap();
        }
        let taken = taking.join().unwrap().unwrap();
        assert_eq!(taken.len(), ENOUGH);
    }

    #[tokio::test]
    async fn nobody_is_waited_for_when_the_last_ones_have_come() {
        let queue = Arc::new(Queue::with_moment(LONG));
        for sequence in 0..12 {
            queue.begun(sequence);
        }
        let taking = thread::spawn({
            let queue = Arc::clone(&queue);
            move || queue.take()
        });
        for sequence in 0..5 {
            queue.returned(sequence);
            queue.push(sequence).await.unwrap();
        }
        assert_eq!(taking.join().unwrap(), Some(vec![0, 1, 2, 3, 4]));
    }

    #[tokio::test]
    async fn after_a_moment_in_vain_some_transactions_begin_at_once() {
        let queue = Queue::with_moment(Duration::from_nanos(1));
        for sequence in 0..64 {
            queue.begun(sequence);
        }
        queue.push('a').await.unwrap();
        assert_eq!(queue.take(), Some(vec!['a']));
        let queue = Queue {
            moment: LONG,
            ..queue
        };
        for command in 'b'..='i' {
            queue.push(command).await.unwrap();
            assert_eq!(queue.take(), Some(vec![command]));
        }
    }

    #[tokio::test]
    async fn what_waits_is_given_out_after_the_end_and_nothing_more_is_taken() {
        let queue = Queue::new();
        queue.push('a').await.unwrap();
        queue.close();
        assert_eq!(queue.push('b').await, Err('b'));
        assert_eq!(queue.take(), Some(vec!['a']));
        assert_eq!(queue.take(), None);
    }
}
