//! Which part of a limit this process should hold, by what it and the others need. Pure.
//!
//! All processes come to the same conclusion from the same numbers, so nobody has to decide for others; and while they
//! see different numbers, what keeps the portions gives nobody what somebody else holds.

use kabao_api::portions::{Ask, Holding, Need, Shared};

/// What those who need nothing keep of a limit together, in hundredths: a first call of theirs does not have to wait.
const IDLE_PART: u64 = 3;
/// Of what nobody needs, one part in so many belongs to nobody, so that a newcomer finds some.
const FREE_PART: u32 = 4;
/// Whoever has needed some and held none for so many questions goes first: more processes than calls take turns.
const STARVED: u32 = 8;
/// Of a need, one part in so many is still there one question after it was seen last.
const REMEMBERED: u32 = 4;
/// After so many questions without any need a process no longer takes part.
const FORGOTTEN_AFTER: u32 = 60;

/// What one process knows of one limit.
#[derive(Debug)]
pub(crate) struct Portion {
    capacity: u32,
    need: Need,
    held: u32,
    place: usize,
    others: Vec<Holding>,
    idle: u32,
}

impl Portion {
    /// Holds nothing yet.
    pub(crate) fn new(capacity: u32) -> Self {
        Self {
            capacity,
            need: Need::default(),
            held: 0,
            place: 0,
            others: Vec::new(),
            idle: 0,
        }
    }

    /// What this process held by the last answer.
    pub(crate) fn held(&self) -> u32 {
        self.held
    }

    /// Takes in what was needed since the last question, and returns what to hold.
    pub(crate) fn want(&mut self, needed: u32) -> u32 {
        let remembered = self.need.calls / REMEMBERED;
        let calls = needed.max(remembered).min(self.capacity);
        let is_starving = needed > 0 && self.held == 0;
        let starved = match is_starving {
            true => self.need.starved.saturating_add(1),
            false => 0,
        };
        self.need = Need { calls, starved };
        self.idle = match calls {
            0 => self.idle.saturating_add(1),
            _ => 0,
        };
        match self.is_forgotten() {
            true => 0,
            false => self.fair(),
        }
    }

    /// Asks to hold so many.
    pub(crate) fn ask(&self, limit: String, wanted: u32) -> Ask {
        Ask {
            limit,
            capacity: self.capacity,
            wanted,
            need: self.need,
        }
    }

    /// Takes in an answer, which has nothing of a limit of which nothing is held.
    pub(crate) fn settle(&mut self, answer: Option<&Shared>) {
        self.held = answer.map_or(0, |shared| shared.held);
        if let Some(shared) = answer {
            self.place = shared.place;
            self.others.clone_from(&shared.others);
        }
    }

    /// An equal part for all that were seen last, and for one more at least.
    pub(crate) fn equal(&self) -> u32 {
        let others = u32::try_from(self.others.len()).unwrap_or(u32::MAX);
        self.capacity / others.saturating_add(1).max(2)
    }

    /// Whether more is needed than is held, so that it is worth while to ask again soon.
    pub(crate) fn is_short(&self) -> bool {
        self.need.calls > 0 && self.held < self.fair()
    }

    /// Whether nothing has been needed for so long that nothing has to be said any more.
    pub(crate) fn is_forgotten(&self) -> bool {
        self.idle >= FORGOTTEN_AFTER
    }

    /// What this process should hold if all see the same.
    fn fair(&self) -> u32 {
        let own = Holding {
            held: self.held,
            need: self.need,
        };
        let mut all = self.others.clone();
        let place = self.place.min(all.len());
        all.insert(place, own);
        let fair = divide(self.capacity, &all);
        fair.get(place).copied().unwrap_or_default()
    }
}

/// Divides a limit: max-min fair among those who need some, in whole calls.
fn divide(capacity: u32, all: &[Holding]) -> Vec<u32> {
    let count = u32::try_from(all.len()).unwrap_or(u32::MAX).max(1);
    let idle = u64::from(capacity) * IDLE_PART / 100 / u64::from(count);
    let idle = u32::try_from(idle).unwrap_or(u32::MAX);
    let claims = all.iter().map(|holding| match holding.need.calls {
        0 => idle,
        calls => (calls + calls / 4).min(capacity),
    });
    let mut shares: Vec<_> = claims
        .map(|claim| Share {
            claim,
            given: 0,
            rank: 0,
        })
        .collect();
    let mut order: Vec<_> = (0..all.len()).collect();
    order.sort_by_key(|&place| {
        let holding = all.get(place).copied().unwrap_or_default();
        let starved = match holding.need.starved {
            rounds if rounds >= STARVED => rounds,
            _ => 0,
        };
        std::cmp::Reverse((starved, holding.held))
    });
    for (rank, place) in order.into_iter().enumerate() {
        if let Some(share) = shares.get_mut(place) {
            share.rank = rank;
        }
    }
    let mut left = capacity;
    pour(&mut left, 0, &mut shares, |share| share.given < share.claim);
    let free = left / FREE_PART;
    pour(&mut left, free, &mut shares, |_| true);
    shares.into_iter().map(|share| share.given).collect()
}

struct Share {
    claim: u32,
    given: u32,
    rank: usize,
}

/// Gives one call after another to whoever has the fewest, until so many are left.
fn pour(left: &mut u32, until: u32, shares: &mut [Share], wants: impl Fn(&Share) -> bool) {
    while *left > until {
        let next = shares.iter_mut().filter(|share| wants(share));
        let Some(share) = next.min_by_key(|share| (share.given, share.rank)) else {
            return;
        };
        share.given += 1;
        *left -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn holding(held: u32, calls: u32, starved: u32) -> Holding {
        Holding {
            held,
            need: Need { calls, starved },
        }
    }

    #[test]
    fn a_limit_is_divided_by_need() {
        // The capacity, what each holds, needs and how long it has starved, and what each should hold.
        type Row = (u32, &'static [(u32, u32, u32)], &'static [u32]);
        let rows: &[Row] = &[
            // Alone, and nothing is known yet: three quarters, so that a newcomer finds some.
            (10, &[(0, 1, 0)], &[8]),
            (10, &[(8, 10, 0)], &[10]),
            // One is busy: it gets all of a small limit, and nearly all of a large one.
            (10, &[(0, 0, 0), (10, 10, 0)], &[0, 10]),
            (5, &[(0, 0, 0), (0, 0, 0), (5, 5, 0)], &[0, 0, 5]),
            (166, &[(0, 0, 0), (160, 166, 0)], &[2, 164]),
            // All are busy; what does not divide stays where it is.
            (10, &[(0, 10, 0), (10, 10, 0)], &[5, 5]),
            (5, &[(2, 5, 0), (3, 5, 0)], &[2, 3]),
            (5, &[(3, 5, 0), (2, 5, 0)], &[3, 2]),
            (10, &[(0, 10, 0), (0, 10, 0), (0, 10, 0)], &[4, 3, 3]),
            // Whoever needs less gets that, and of a large need a little more, and the rest goes to the other.
            (10, &[(0, 2, 0), (10, 10, 0)], &[2, 8]),
            (166, &[(0, 80, 0), (166, 166, 0)], &[83, 83]),
            (166, &[(0, 40, 0), (166, 166, 0)], &[50, 116]),
            // Nobody needs much.
            (10, &[(0, 1, 0), (0, 1, 0)], &[4, 4]),
            (10, &[(0, 0, 0), (0, 0, 0)], &[4, 4]),
            // More processes than calls: whoever has starved long enough goes first.
            (1, &[(1, 1, 0), (0, 1, 7)], &[1, 0]),
            (1, &[(1, 1, 0), (0, 1, 8)], &[0, 1]),
            (1, &[(1, 1, 0), (0, 1, 8), (0, 1, 9)], &[0, 0, 1]),
        ];
        for (capacity, all, expected) in rows {
            let all: Vec<_> = all.iter().map(|row| holding(row.0, row.1, row.2)).collect();
            assert_eq!(divide(*capacity, &all), *expected, "{capacity} {all:?}");
        }
    }

    #[test]
    fn no_more_is_divided_than_there_is() {
        for capacity in 0..40 {
            for one in 0..12 {
                for two in 0..12 {
                    let all = [
                        holding(one, two, 0),
                        holding(two, one, one),
                        holding(0, 3, 7),
                    ];
                    assert!(divide(capacity, &all).iter().sum::<u32>() <= capacity);
                }
            }
        }
    }

    #[test]
    fn a_need_fades_and_whoever_has_none_for_long_takes_no_part() {
        let mut portion = Portion::new(10);
        assert_eq!(portion.want(10), 10);
        let faded: Vec<_> = (0..4)
            .map(|_| {
                portion.want(0);
                portion.need.calls
            })
            .collect();
        assert_eq!(faded, [2, 0, 0, 0]);
        for _ in 4..FORGOTTEN_AFTER {
            assert!(!portion.is_forgotten());
            assert!(portion.want(0) > 0);
        }
        // It still has to say that it gives all back.
        let wanted = portion.want(0);
        assert_eq!((wanted, portion.is_forgotten()), (0, true));
        assert!(portion.want(1) > 0 && !portion.is_forgotten());
    }

    #[test]
    fn whoever_holds_none_and_needs_some_starves_until_it_holds_some() {
        let mut portion = Portion::new(5);
        for starved in 1..4 {
            portion.want(2);
            assert_eq!(portion.need.starved, starved);
            assert!(portion.is_short());
        }
        let held = Shared {
            limit: String::new(),
            held: 5,
            place: 0,
            others: Vec::new(),
        };
        portion.settle(Some(&held));
        portion.want(2);
        assert_eq!(portion.need.starved, 0);
        assert!(!portion.is_short());
        portion.settle(None);
        portion.want(2);
        assert_eq!(portion.need.starved, 1);
    }
}
