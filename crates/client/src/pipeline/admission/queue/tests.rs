use super::*;

const PATIENCE: Patience = Patience {
    interval: Duration::from_millis(2000),
    target: Duration::from_millis(100),
};

/// A queue and the beginning of its time.
struct Bench {
    queue: Queue<u32>,
    start: Instant,
}

impl Bench {
    fn new() -> Self {
        Self {
            queue: Queue::new(PATIENCE),
            start: Instant::now(),
        }
    }

    fn at(&self, milliseconds: u64) -> Instant {
        self.start + Duration::from_millis(milliseconds)
    }

    /// An entry that comes at a time and whose work must start at the latest at another.
    fn push(&mut self, at: u64, last_start: u64, name: u32) -> Ticket {
        let now = self.at(at);
        let until = self.queue.leaves_at(now, self.at(last_start));
        self.queue.push(now, until, name)
    }

    fn leaves_at(&self, at: u64, last_start: u64) -> u64 {
        let until = self.queue.leaves_at(self.at(at), self.at(last_start));
        u64::try_from(until.duration_since(self.start).as_millis()).unwrap()
    }

    fn pop(&mut self, at: u64) -> Option<u32> {
        let now = self.at(at);
        self.queue.pop(now)
    }
}

const FAR: u64 = 1_000_000;

#[test]
fn turns_come_in_order_until_the_oldest_has_waited_too_long() {
    // When three entries came, when turns are given, and who has them.
    let rows: [([u64; 3], &[u64], &[u32]); 6] = [
        ([0, 1, 2], &[3, 4, 5], &[0, 1, 2]),
        ([0, 1, 2], &[100, 101, 102], &[0, 1, 2]),
        ([0, 1, 2], &[101, 102, 103], &[2, 1, 0]),
        // The old one goes on to keep the order turned round until it has gone itself.
        ([0, 150, 160], &[170, 171, 172], &[2, 1, 0]),
        ([0, 90, 95], &[100, 101, 102], &[0, 1, 2]),
        // Without the oldest, the rest is a short queue again.
        ([0, 90, 95], &[100, 191, 192], &[0, 2, 1]),
    ];
    for (came, turns, order) in rows {
        let mut bench = Bench::new();
        for (name, at) in (0..).zip(came) {
            bench.push(at, FAR, name);
        }
        let served: Vec<_> = turns.iter().filter_map(|at| bench.pop(*at)).collect();
        assert_eq!(served, order, "{came:?} {turns:?}");
        assert_eq!(bench.pop(200), None);
    }
}

#[test]
fn a_burst_waits_for_the_interval_and_a_standing_queue_for_the_target() {
    let mut bench = Bench::new();
    assert_eq!(bench.leaves_at(0, FAR), 2000);
    bench.push(0, FAR, 0);
    assert_eq!(bench.leaves_at(10, FAR), 2010, "it stands for 10 ms");
    assert_eq!(bench.leaves_at(1999, FAR), 3999);
    bench.push(1999, FAR, 1);
    assert_eq!(bench.leaves_at(2000, FAR), 2100, "it stands for 2 s");
    assert_eq!(bench.pop(2000), Some(1), "the other one's time is up");
    assert_eq!(bench.leaves_at(2001, FAR), 4001, "it was empty");
    // Whose work takes so long that it has to start earlier leaves earlier.
    assert_eq!(bench.leaves_at(3000, 3007), 3007);
}

#[test]
fn what_cannot_end_in_time_has_no_turn() {
    let mut bench = Bench::new();
    bench.push(0, 50, 0);
    bench.push(0, 60, 1);
    bench.push(0, FAR, 2);
    assert_eq!(bench.pop(50), Some(1), "at its last moment it is too late");
    bench.push(51, 60, 3);
    assert_eq!((bench.pop(60), bench.pop(60)), (Some(2), None));
    assert_eq!(bench.queue.len(), 0);
}

#[test]
fn whoever_leaves_is_gone_and_nobody_else_is() {
    let mut bench = Bench::new();
    let tickets: Vec<_> = (0..4).map(|name| bench.push(0, FAR, name)).collect();
    assert!(bench.queue.remove(tickets[2]));
    assert!(!bench.queue.remove(tickets[2]));
    assert_eq!(bench.pop(1), Some(0));
    assert!(!bench.queue.remove(tickets[0]), "it had its turn");
    assert!(bench.queue.remove(tickets[3]) && bench.queue.remove(tickets[1]));
    assert_eq!(bench.leaves_at(3000, FAR), 3100, "none of them was served");
    bench.queue.note_room();
    assert_eq!(bench.leaves_at(3000, FAR), 5000);
}

/// Xorshift: the same numbers for the same seed, everywhere.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// What is known of an entry besides the queue.
struct Known {
    name: u32,
    ticket: Ticket,
    since: u64,
    until: u64,
}

#[test]
fn whatever_happens_every_entry_has_one_end_and_turns_follow_the_rule() {
    for seed in 1..=300 {
        let mut numbers = Numbers(seed * 0x9E37_79B9);
        let mut bench = Bench::new();
        let mut known: Vec<Known> = Vec::new();
        let mut now = 0;
        for name in 0..200 {
            now += numbers.below(60);
            match numbers.below(5) {
                0..=2 => {
                    let last_start = now + numbers.below(400);
                    let until = bench.leaves_at(now, last_start);
                    assert!(until <= last_start && until <= now + 2000);
                    let ticket = bench.push(now, last_start, name);
                    known.push(Known {
                        name,
                        ticket,
                        since: now,
                        until,
                    });
                }
                3 => {
                    let served = bench.pop(now);
                    known.retain(|entry| now < entry.until);
                    let turned = known.first().is_some_and(|oldest| now - oldest.since > 100);
                    let expected = if turned {
                        known.pop()
                    } else {
                        (!known.is_empty()).then(|| known.remove(0))
                    };
                    assert_eq!(served, expected.map(|entry| entry.name), "seed {seed}");
                    assert_eq!(bench.queue.len(), known.len(), "seed {seed}");
                }
                _ if known.is_empty() => {}
                _ => {
                    let count = u64::try_from(known.len()).unwrap();
                    let index = usize::try_from(numbers.below(count)).unwrap();
                    assert!(
                        bench.queue.remove(known.remove(index).ticket),
                        "seed {seed}"
                    );
                }
            }
        }
    }
}
