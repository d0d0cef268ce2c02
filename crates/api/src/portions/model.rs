//! The portions of processes in memory, for tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::{Ask, Holding, Portions, Shared};
use crate::{Error, Reason};

/// What a database would hold. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Model(Arc<Mutex<Tables>>);

/// One process that uses it.
#[derive(Debug)]
pub struct Replica {
    model: Model,
    name: String,
    kept_for: Duration,
    period: Duration,
}

#[derive(Debug, Default)]
struct Tables {
    limits: BTreeMap<String, BTreeMap<String, Entry>>,
    dead: Vec<String>,
    is_down: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    holding: Holding,
    round: u64,
}

impl Model {
    /// A process of that name, which nobody takes for dead unless [`bury`](Self::bury) does.
    pub fn replica(&self, name: &str) -> Replica {
        Replica {
            model: self.clone(),
            name: name.to_owned(),
            kept_for: Duration::from_secs(6),
            period: Duration::from_secs(1),
        }
    }

    /// Takes a process for dead: it holds nothing any more.
    pub fn bury(&self, name: &str) {
        let mut tables = self.lock();
        tables.dead.push(name.to_owned());
        for holdings in tables.limits.values_mut() {
            holdings.remove(name);
        }
    }

    /// Answers nobody as long as it is down.
    pub fn set_down(&self, is_down: bool) {
        self.lock().is_down = is_down;
    }

    /// What all processes hold of a limit together.
    pub fn held(&self, limit: &str) -> u32 {
        let tables = self.lock();
        let holdings = tables.limits.get(limit);
        holdings.map_or(0, |all| all.values().map(|entry| entry.holding.held).sum())
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn settle(&mut self, name: &str, round: u64, ask: &Ask) -> Option<Shared> {
        let holdings = self.limits.entry(ask.limit.clone()).or_default();
        let own = holdings.get(name).copied().unwrap_or_default();
        if own.round >= round {
            return None;
        }
        let others = holdings.iter().filter(|(other, _)| other.as_str() != name);
        let others: Vec<_> = others
            .map(|(other, entry)| (other.as_str() < name, entry.holding))
            .collect();
        let place = others.iter().filter(|(is_before, _)| *is_before).count();
        let others: Vec<_> = others.into_iter().map(|(_, holding)| holding).collect();
        let taken: u32 = others.iter().map(|other| other.held).sum();
        let held = ask.wanted.min(ask.capacity.saturating_sub(taken));
        let need = ask.need;
        let holding = Holding { held, need };
        holdings.insert(name.to_owned(), Entry { holding, round });
        Some(Shared {
            limit: ask.limit.clone(),
            held,
            place,
            others,
        })
    }
}

#[async_trait]
impl Portions for Replica {
    async fn share(&self, round: u64, asks: &[Ask]) -> Result<Vec<Shared>, Error> {
        let mut tables = self.model.lock();
        if tables.is_down {
            return Err(Error::new(Reason::Store, "the model is down"));
        }
        if tables.dead.contains(&self.name) {
            return Ok(Vec::new());
        }
        let settled = asks
            .iter()
            .filter_map(|ask| tables.settle(&self.name, round, ask));
        Ok(settled.collect())
    }

    fn kept_for(&self) -> Duration {
        self.kept_for
    }

    fn period(&self) -> Duration {
        self.period
    }
}
