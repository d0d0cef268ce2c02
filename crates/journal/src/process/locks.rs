//! One change of a subject at a time, inside one process.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Mutex as Lock, OwnedMutexGuard};

/// Locks that exist as long as somebody holds them or waits for them.
#[derive(Debug)]
pub(crate) struct Locks<K: Eq + Hash + Clone>(Arc<Mutex<HashMap<K, Arc<Lock<()>>>>>);

/// A lock that is held, until it is dropped.
pub(crate) struct Guard<K: Eq + Hash + Clone> {
    // Before the place, so that the lock is free when the place looks for others.
    _lock: OwnedMutexGuard<()>,
    _place: Place<K>,
}

struct Place<K: Eq + Hash + Clone> {
    locks: Arc<Mutex<HashMap<K, Arc<Lock<()>>>>>,
    key: K,
    lock: Arc<Lock<()>>,
}

impl<K: Eq + Hash + Clone> Default for Locks<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Eq + Hash + Clone> Locks<K> {
    /// Waits for its turn; whoever stops waiting leaves nothing behind.
    pub(crate) async fn lock(&self, key: &K) -> Guard<K> {
        let place = self.enter(key);
        let lock = Arc::clone(&place.lock).lock_owned().await;
        Guard {
            _lock: lock,
            _place: place,
        }
    }

    /// Takes the lock if nobody holds it.
    pub(crate) fn try_lock(&self, key: &K) -> Option<Guard<K>> {
        let place = self.enter(key);
        let lock = Arc::clone(&place.lock).try_lock_owned().ok()?;
        Some(Guard {
            _lock: lock,
            _place: place,
        })
    }

    fn enter(&self, key: &K) -> Place<K> {
        let lock = Arc::clone(locked(&self.0).entry(key.clone()).or_default());
        Place {
            locks: Arc::clone(&self.0),
            key: key.clone(),
            lock,
        }
    }
}

impl<K: Eq + Hash + Clone> Drop for Place<K> {
    fn drop(&mut self) {
        let mut locks = locked(&self.locks);
        // One reference in the map and one here: nobody else holds it or waits.
        if Arc::strong_count(&self.lock) == 2 {
            locks.remove(&self.key);
        }
    }
}

/// The map is whole after every step.
fn locked<K>(map: &Mutex<HashMap<K, Arc<Lock<()>>>>) -> MutexGuard<'_, HashMap<K, Arc<Lock<()>>>> {
    map.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_lock_is_held_by_one_and_forgotten_by_all() {
        let locks = Locks::<u8>::default();
        let held = locks.lock(&1).await;
        assert!(locks.try_lock(&1).is_none() && locks.try_lock(&2).is_some());
        drop(held);
        assert!(locks.try_lock(&1).is_some());
        assert!(locked(&locks.0).is_empty());
    }
}
