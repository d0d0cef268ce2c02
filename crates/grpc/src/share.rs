//! A bounded pool of places that nobody can use up for the others.
//!
//! A bound on the whole alone is a lock that one peer can close: it takes every place and keeps it. So a place is given
//! under two more bounds, one for each connection and one for each caller. The numbers that are configured are the most
//! that one gets while nobody else is there. Beyond that nobody gets more than a fraction of what the others leave, so
//! that however many are greedy, the next one still finds room. That is the rule of dynamic thresholds, by which switches
//! share their memory among ports (Choudhury and Hahne, 1998): nothing is set aside while it is not wanted.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kabao_api::CallerKey;
use tokio::time::Instant;

/// Less than this part of a pool is free when it counts as full. One caller alone cannot get there, unless its bound
/// allows it.
const NEARLY_FULL: usize = 16;

/// Who counts as one caller: an IPv4 address, or a network of 64 bits, which is what one host gets of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Caller(IpAddr);

impl From<IpAddr> for Caller {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => {
                const NETWORK: u128 = !0 << 64;
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & NETWORK))
            }
            IpAddr::V4(address) => IpAddr::V4(address),
        })
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Caller> for CallerKey {
    fn from(caller: Caller) -> Self {
        Self::new(caller.0.to_string())
    }
}

/// Who is at the other end of a connection. Listeners put it into the extensions of every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The number of the connection, which no other one has that is open.
    pub connection: u64,
    /// Who opened it.
    pub caller: Caller,
}

/// How many places there are, and how many of them one may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Places in all.
    pub total: usize,
    /// Places of one connection while it has the pool for itself.
    pub per_connection: usize,
    /// Places of one caller while it has the pool for itself.
    pub per_caller: usize,
}

/// The bound in whose way somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// There are no more places, or the last ones are kept for those who have fewer.
    Total,
    /// The connection has its share.
    Connection,
    /// The caller has its share.
    Caller,
}

impl Bound {
    /// Returns the bound in a word, for metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Connection => "connection",
            Self::Caller => "caller",
        }
    }
}

/// Places that are taken and given back. Clones are the same pool.
#[derive(Clone)]
pub struct Pool(Arc<Shared>);

struct Shared {
    bounds: Bounds,
    taken: Mutex<Taken>,
}

/// Who has how many places. Nobody stands here who has none.
#[derive(Default)]
struct Taken {
    total: usize,
    connections: HashMap<u64, usize>,
    callers: HashMap<Caller, usize>,
    full_since: Option<Instant>,
}

/// One place of a pool, until it is dropped.
#[must_use]
pub struct Place {
    shared: Arc<Shared>,
    peer: Option<Peer>,
}

impl Pool {
    /// Opens a pool in which every place is free.
    pub fn new(bounds: Bounds) -> Self {
        Self(Arc::new(Shared {
            bounds,
            taken: Mutex::default(),
        }))
    }

    /// Takes a place for `peer`; for somebody unknown only the total counts.
    ///
    /// # Errors
    ///
    /// The bound that is in the way.
    pub fn take(&self, peer: Option<Peer>) -> Result<Place, Bound> {
        let mut taken = self.0.taken();
        self.0.bounds.admit(&taken, peer)?;
        taken.total += 1;
        if let Some(peer) = peer {
            *taken.connections.entry(peer.connection).or_default() += 1;
            *taken.callers.entry(peer.caller).or_default() += 1;
        }
        if taken.full_since.is_none() && self.0.bounds.is_full(&taken) {
            taken.full_since = Some(Instant::now());
        }
        drop(taken);
        Ok(Place {
            shared: Arc::clone(&self.0),
            peer,
        })
    }

    /// Returns how many places are taken.
    pub fn taken(&self) -> usize {
        self.0.taken().total
    }

    /// Returns since when the pool has been full without interruption: less than a sixteenth of it is free.
    pub fn full_since(&self) -> Option<Instant> {
        self.0.taken().full_since
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bounds = &self.0.bounds;
        f.debug_tuple("Pool").field(bounds).finish()
    }
}

impl Shared {
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.shared.taken();
        taken.total = taken.total.saturating_sub(1);
        if let Some(peer) = self.peer {
            give_back(&mut taken.connections, peer.connection);
            give_back(&mut taken.callers, peer.caller);
        }
        if !self.shared.bounds.is_full(&taken) {
            taken.full_since = None;
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Place").field(&self.peer).finish()
    }
}

impl Bounds {
    fn admit(&self, taken: &Taken, peer: Option<Peer>) -> Result<(), Bound> {
        let free = self.total.saturating_sub(taken.total);
        if free == 0 {
            return Err(Bound::Total);
        }
        let Some(peer) = peer else {
            return Ok(());
        };
        let of_caller = taken.callers.get(&peer.caller).copied().unwrap_or_default();
        let caller = share(self.per_caller, self.total, of_caller + free);
        let short = match caller < self.per_caller {
            true => Bound::Total,
            false => Bound::Caller,
        };
        if of_caller >= caller {
            return Err(short);
        }
        let own = taken.connections.get(&peer.connection);
        let own = own.copied().unwrap_or_default();
        let room = own + (caller - of_caller);
        let connection = share(self.per_connection, self.per_caller.min(self.total), room);
        if own < connection {
            return Ok(());
        }
        Err(match connection < self.per_connection {
            true => short,
            false => Bound::Connection,
        })
    }

    fn is_full(&self, taken: &Taken) -> bool {
        let free = self.total.saturating_sub(taken.total);
        free.saturating_mul(NEARLY_FULL) < self.total
    }
}

/// How much of `room`, which is what the others leave of the `whole`, somebody may have who gets `most` of it alone: the
/// same part, but a half at least, and one place in any case.
fn share(most: usize, whole: usize, room: usize) -> usize {
    let most = most.min(whole);
    let part = room.saturating_mul(most.max(whole.div_ceil(2))) / whole.max(1);
    part.min(most).max(1)
}

fn give_back<K: Hash + Eq>(places: &mut HashMap<K, usize>, key: K) {
    if let Entry::Occupied(mut own) = places.entry(key) {
        match own.get().saturating_sub(1) {
            0 => drop(own.remove()),
            left => *own.get_mut() = left,
        }
    }
}

#[cfg(test)]
mod tests;
