//! How old an answer may be, and how old it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Says that a caller can be told the age of an answer, so that it may come out of a cache; and takes the age.
///
/// Clones are the same. Whoever has none reads anew.
#[derive(Clone, Debug, Default)]
pub struct Freshness(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    is_required: bool,
    /// In milliseconds and one; 0 if nothing came out of a cache.
    age: AtomicU64,
}

impl Freshness {
    /// The caller wants to know what is, and not what was a while ago.
    pub fn required() -> Self {
        Self(Arc::new(Inner {
            is_required: true,
            ..Inner::default()
        }))
    }

    /// Tells whether nothing may come out of a cache.
    pub fn is_required(&self) -> bool {
        self.0.is_required
    }

    /// Notes that a part of the answer is so old; the oldest part counts.
    pub fn tell(&self, age: Duration) {
        let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX - 1);
        self.0.age.fetch_max(age + 1, Ordering::Relaxed);
    }

    /// How old the oldest part of the answer is that came out of a cache; `None` if none did.
    pub fn age(&self) -> Option<Duration> {
        let age = self.0.age.load(Ordering::Relaxed).checked_sub(1)?;
        Some(Duration::from_millis(age))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_part_counts() {
        let freshness = Freshness::default();
        assert_eq!((freshness.age(), freshness.is_required()), (None, false));
        for seconds in [0, 7, 3] {
            freshness.clone().tell(Duration::from_secs(seconds));
        }
        assert_eq!(freshness.age(), Some(Duration::from_secs(7)));
        assert!(Freshness::required().is_required());
    }
}
