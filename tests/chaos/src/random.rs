//! Everything random comes from one seed: SplitMix64, which is enough for choosing faults.

use std::ops::Range;
use std::time::Duration;

/// A generator of numbers that only look random.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Starts from a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number of a range; its start if that is empty.
    pub const fn within(&mut self, range: Range<u64>) -> u64 {
        match range.end.saturating_sub(range.start) {
            0 => range.start,
            width => range.start + self.next() % width,
        }
    }

    /// Returns true so many times out of a thousand.
    pub const fn chance(&mut self, per_mille: u64) -> bool {
        self.next() % 1000 < per_mille
    }

    /// Returns a duration of a range of milliseconds.
    pub const fn millis(&mut self, range: Range<u64>) -> Duration {
        Duration::from_millis(self.within(range))
    }

    /// Returns an amount that no other one is like, nor the difference of two others.
    pub fn amount(&mut self) -> i64 {
        i64::try_from(self.within(1_000_000..1 << 40)).unwrap_or_default()
    }

    /// Returns one of some; `None` of none.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> Option<T> {
        let count = u64::try_from(choices.len()).unwrap_or(u64::MAX);
        let index = usize::try_from(self.within(0..count)).unwrap_or_default();
        choices.get(index).copied()
    }
}
