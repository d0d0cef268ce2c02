//! What is known of the other processes, by the clock of this one.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

/// The signs of life of other processes.
#[derive(Debug, Default)]
pub(super) struct Others {
    seen: HashMap<String, Seen>,
    looked: Option<Instant>,
    /// Nothing was seen for a while: nobody can be blamed for having stood still meanwhile.
    is_blind: bool,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    beat: i64,
    /// How long others have to wait before they take it for dead.
    patience: Duration,
    /// When its number was seen to be another one than before, at the latest.
    changed: Instant,
}

/// A process as a row of the database has it.
#[derive(Clone, Debug)]
pub(super) struct Sign {
    pub(super) name: String,
    pub(super) beat: i64,
    pub(super) patience: Duration,
}

impl Others {
    /// Takes in what was read between two points of time, and returns those that have stood still for too long.
    pub(super) fn saw(&mut self, signs: Vec<Sign>, asked: Instant, read: Instant) -> Vec<Sign> {
        let was_blind = std::mem::take(&mut self.is_blind);
        let before = std::mem::take(&mut self.seen);
        let mut dead = Vec::new();
        for sign in signs {
            let changed = match before.get(&sign.name) {
                Some(seen) if seen.beat == sign.beat && !was_blind => seen.changed,
                _ => read,
            };
            if changed + sign.patience <= asked {
                dead.push(sign.clone());
            }
            let seen = Seen {
                beat: sign.beat,
                patience: sign.patience,
                changed,
            };
            self.seen.insert(sign.name, seen);
        }
        self.looked = Some(read);
        dead
    }

    /// Notes that nothing could be read.
    pub(super) fn saw_nothing(&mut self) {
        self.is_blind = true;
    }

    /// Removes one that was taken for dead.
    pub(super) fn bury(&mut self, name: &str) {
        self.seen.remove(name);
    }

    /// Tells whether a process was there a moment ago.
    pub(super) fn is_there(&self, name: &str, moment: Duration) -> bool {
        let is_recent = |looked: Instant| looked.elapsed() < moment;
        self.looked.is_some_and(is_recent) && self.seen.contains_key(name)
    }

    /// When the first of them has stood still for too long.
    pub(super) fn first_deadline(&self) -> Option<Instant> {
        let deadlines = self.seen.values().map(|seen| seen.changed + seen.patience);
        deadlines.min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(6);

    fn sign(beat: i64) -> Vec<Sign> {
        vec![Sign {
            name: "other".to_owned(),
            beat,
            patience: PATIENCE,
        }]
    }

    #[test]
    fn one_that_stands_still_for_long_enough_is_dead() {
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let mut others = Others::default();
        // It took a second to read that: the number may be as young as that.
        assert!(others.saw(sign(1), at(0), at(1)).is_empty());
        assert!(others.saw(sign(1), at(6), at(7)).is_empty());
        assert_eq!(others.first_deadline(), Some(at(7)));
        assert_eq!(others.saw(sign(1), at(7), at(7)).len(), 1);
        others.bury("other");
        assert_eq!(others.first_deadline(), None);
    }

    #[test]
    fn one_that_moves_lives() {
        let start = Instant::now();
        let mut others = Others::default();
        for second in 0..60 {
            let now = start + Duration::from_secs(second);
            let beat = i64::try_from(second / 5).unwrap();
            assert!(others.saw(sign(beat), now, now).is_empty());
        }
    }

    #[test]
    fn nobody_is_blamed_for_what_nobody_could_see() {
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let mut others = Others::default();
        others.saw(sign(1), at(0), at(0));
        others.saw_nothing();
        assert!(others.saw(sign(1), at(60), at(60)).is_empty());
        assert!(others.saw(sign(1), at(65), at(65)).is_empty());
        assert_eq!(others.saw(sign(1), at(66), at(66)).len(), 1);
    }
}
