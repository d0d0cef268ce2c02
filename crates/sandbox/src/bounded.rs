//! A map that forgets its oldest entries.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::ops::Deref;

/// Tickets, tokens, request numbers and the like: everything that is handed out or seen and never
/// comes back. It holds at most `CAPACITY` entries.
pub(crate) struct Bounded<K, V, const CAPACITY: usize> {
    entries: HashMap<K, V>,
    order: VecDeque<K>,
}

impl<K, V, const CAPACITY: usize> Default for Bounded<K, V, CAPACITY> {
    fn default() -> Self {
        Self {
            entries: HashMap::new(),
            order: VecDeque::new(),
        }
    }
}

/// Everything that only reads.
impl<K, V, const CAPACITY: usize> Deref for Bounded<K, V, CAPACITY> {
    type Target = HashMap<K, V>;

    fn deref(&self) -> &Self::Target {
        &self.entries
    }
}

impl<K: Clone + Eq + Hash, V, const CAPACITY: usize> Bounded<K, V, CAPACITY> {
    /// Adds an entry and returns the one before; the oldest one goes if there are too many.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        let before = self.entries.insert(key.clone(), value);
        if before.is_none() {
            self.order.push_back(key);
        }
        if self.order.len() > CAPACITY
            && let Some(oldest) = self.order.pop_front()
        {
            self.entries.remove(&oldest);
        }
        before
    }

    /// Returns an entry for a change.
    pub(crate) fn get_mut<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: std::borrow::Borrow<Q>,
    {
        self.entries.get_mut(key)
    }

    /// Returns all entries.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries.values_mut()
    }

    /// Forgets what is not wanted any more.
    pub(crate) fn retain(&mut self, wanted: impl Fn(&V) -> bool) {
        self.entries.retain(|_, value| wanted(value));
        self.order.retain(|key| self.entries.contains_key(key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_entry_goes_first() {
        let mut map = Bounded::<_, _, 2>::default();
        for (key, value) in [("a", 1), ("b", 2), ("a", 3), ("c", 4)] {
            map.insert(key.to_owned(), value);
        }
        assert_eq!(
            (map.get("a"), map.get("b"), map.get("c")),
            (None, Some(&2), Some(&4))
        );
        map.retain(|value| *value > 2);
        map.insert("d".to_owned(), 5);
        assert_eq!((map.len(), map.get("b")), (2, None));
    }
}
