//! Dynamic codes: the changing 18-digit number that a card shows in place of its code.

use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::Timestamp;

/// Returns the number that a card shows at a moment; it changes every `seconds`.
pub(crate) fn of(card_id: &str, code: &str, now: Timestamp, seconds: u32) -> String {
    let window = now.as_second().div_euclid(i64::from(seconds.max(1)));
    let mut hasher = DefaultHasher::new();
    (card_id, code, window).hash(&mut hasher);
    // 18 digits that do not begin with zero.
    let number = hasher.finish() % 900_000_000_000_000_000 + 100_000_000_000_000_000;
    number.to_string()
}
