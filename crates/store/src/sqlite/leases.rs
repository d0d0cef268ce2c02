//! Leases among the tasks of the one process that has the file.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use kabao_journal::{Acquired, Lease, Leases, StoreError};

use crate::replica;

/// How many leases one start can give.
const FENCES: i64 = 1 << 32;

/// The leases of a process. They end with it, so they lie in its memory; only the fencing numbers have to grow over
/// its restarts, and so begin with the number of the start.
#[derive(Debug)]
pub(super) struct ProcessLeases {
    name: String,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    fence: i64,
    held: HashMap<String, HeldLease>,
}

#[derive(Debug)]
struct HeldLease {
    fence: i64,
    wanted: bool,
}

impl ProcessLeases {
    pub(super) fn new(epoch: i64) -> Result<Self, StoreError> {
        Ok(Self {
            name: replica::name()?,
            inner: Mutex::new(Inner {
                fence: epoch.saturating_mul(FENCES),
                held: HashMap::new(),
            }),
        })
    }

    /// Tells whether a lease is still held.
    pub(super) fn holds(&self, lease: &Lease) -> bool {
        let inner = self.lock();
        inner
            .held
            .get(&lease.name)
            .is_some_and(|held| held.fence == lease.fence)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Leases for ProcessLeases {
    fn replica(&self) -> &str {
        &self.name
    }

    async fn acquire(&self, name: &str) -> Result<Acquired, StoreError> {
        let mut inner = self.lock();
        if let Some(held) = inner.held.get_mut(name) {
            held.wanted = true;
            return Ok(Acquired::Busy);
        }
        inner.fence += 1;
        let fence = inner.fence;
        let wanted = false;
        inner
            .held
            .insert(name.to_owned(), HeldLease { fence, wanted });
        let name = name.to_owned();
        Ok(Acquired::Held(Lease { name, fence }))
    }

    async fn release(&self, lease: Lease) -> Result<bool, StoreError> {
        let mut inner = self.lock();
        match inner.held.get(&lease.name) {
            Some(held) if held.fence == lease.fence => {
                let wanted = held.wanted;
                inner.held.remove(&lease.name);
                Ok(wanted)
            }
            _ => Ok(false),
        }
    }

    async fn is_alive(&self, replica: &str) -> Result<bool, StoreError> {
        Ok(replica == self.name)
    }

    /// The file is this process's own, so nobody takes anything over.
    fn is_fresh(&self) -> bool {
        true
    }
}
