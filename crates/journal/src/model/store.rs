//! A store in memory that crashes like a real one: what was not synced may be lost.
//!
//! It is a model for tests: of this crate, of the simulation, of whoever builds on the traits.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;
use kabao_api::AccountId;

use crate::store::{
    Acquired, Begun, ChangeFilter, ChangeKey, ChangeStore, ChangeUpdate, Fingerprint, Held, Lease,
    Leases, NewChange, StoreError, StoredChange, Ticket,
};

/// What several replicas share. Clones are the same store.
#[derive(Clone, Debug, Default)]
pub struct ModelStore(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    state: State,
    /// The state after each write that is not synced yet; the first is what a crash keeps at least.
    unsynced: Vec<State>,
    /// So many writes fail from now on, and what becomes of them.
    failing: Option<(u32, Failing)>,
    /// What shows when the store is opened anew.
    hidden: Option<State>,
    /// So many leases cannot be given back from now on.
    kept_leases: u32,
    /// How many crashes there were: whoever wrote before one knows nothing of what it wrote.
    crashes: u64,
    /// Writes of these kinds are acknowledged before they are synced, which no store may do.
    early: Option<Kind>,
    /// What its own clock says, if it has one.
    now: Option<SystemTime>,
    /// Replicas that are gone, and will not come back under their names.
    dead: Vec<String>,
    replicas: u32,
}

/// What becomes of a write that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failing {
    /// It is not done, and the store says so.
    Refused,
    /// It is done all the same.
    Done,
    /// It is done, and shows only when the store is opened anew.
    Hidden,
}

/// What a write is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A change begins.
    Begin,
    /// Something has become of it.
    Update,
    /// Nothing was sent, and it is forgotten.
    Forget,
    /// Anything else.
    Other,
}

#[derive(Clone, Debug, Default)]
struct State {
    changes: BTreeMap<i64, Row>,
    next: i64,
    leases: BTreeMap<String, LeaseRow>,
}

#[derive(Clone, Debug)]
struct Row {
    change: StoredChange,
    subject: Option<String>,
}

#[derive(Clone, Debug, Default)]
struct LeaseRow {
    owner: Option<String>,
    fence: i64,
    wanted: bool,
}

/// The store as one process sees it.
#[derive(Clone, Debug)]
pub struct Replica {
    store: ModelStore,
    name: String,
}

impl ModelStore {
    /// Makes an empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a process that uses it.
    pub fn replica(&self) -> Replica {
        let mut inner = self.lock();
        inner.replicas += 1;
        Replica {
            store: self.clone(),
            name: format!("replica-{}", inner.replicas),
        }
    }

    /// Sets its own clock.
    pub fn set_clock(&self, now: SystemTime) {
        self.lock().now = Some(now);
    }

    /// Lets the next writes fail, or none of them.
    pub fn fail(&self, writes: u32, failing: Failing) {
        self.lock().failing = (writes > 0).then_some((writes, failing));
    }

    /// Opens the store anew: what a failed write has left behind shows.
    pub fn reopen(&self) {
        let mut inner = self.lock();
        if let Some(hidden) = inner.hidden.take() {
            let leases = std::mem::take(&mut inner.state.leases);
            inner.state = State { leases, ..hidden };
        }
    }

    /// Lets the next leases not be given back.
    pub fn keep_leases(&self, count: u32) {
        self.lock().kept_leases = count;
    }

    /// Loses what is not synced, but for the first `kept` of those writes.
    pub fn crash(&self, kept: usize) {
        let mut inner = self.lock();
        inner.crashes += 1;
        let unsynced = std::mem::take(&mut inner.unsynced);
        if let Some(last) = unsynced.get(kept) {
            // A lease is given when it is durable, in one step here.
            let leases = std::mem::take(&mut inner.state.leases);
            inner.state = State {
                leases,
                ..last.clone()
            };
        }
    }

    /// Acknowledges writes of a kind before they are synced from now on: a bug for the tests of tests. They are
    /// synced by the next write of another kind.
    pub fn acknowledge_early(&self, kind: Kind) {
        self.lock().early = Some(kind);
    }

    /// Returns how many writes a crash would lose now.
    pub fn unsynced(&self) -> usize {
        self.lock().unsynced.len()
    }

    /// Says that a process is gone: what it held may be taken over.
    pub fn bury(&self, replica: &str) {
        self.lock().dead.push(replica.to_owned());
    }

    /// Tells whether a process is gone.
    pub fn is_buried(&self, replica: &str) -> bool {
        self.lock().dead.iter().any(|dead| dead == replica)
    }

    /// Returns every change, the oldest first.
    pub fn changes(&self) -> Vec<StoredChange> {
        let inner = self.lock();
        let rows = inner.state.changes.values();
        rows.map(|row| row.change.clone()).collect()
    }

    /// Every write leaves the state whole.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes, then syncs, with a point between the two where a crash may come.
    async fn write<T>(
        &self,
        kind: Kind,
        write: impl FnOnce(&mut State) -> T,
    ) -> Result<T, StoreError> {
        let (written, crashes) = {
            let mut inner = self.lock();
            let failing = inner.failing;
            inner.failing = failing.and_then(|(left, failing)| {
                let left = left.checked_sub(1).filter(|left| *left > 0)?;
                Some((left, failing))
            });
            let before = inner.state.clone();
            let unsure = || StoreError::new("the model was told to fail");
            let written = match failing {
                Some((_, Failing::Refused)) => {
                    return Err(StoreError::refused("the model was told to refuse"));
                }
                Some((_, Failing::Hidden)) => {
                    let mut hidden = before;
                    write(&mut hidden);
                    inner.hidden = Some(hidden);
                    return Err(unsure());
                }
                Some((_, Failing::Done)) => {
                    inner.unsynced.push(before);
                    write(&mut inner.state);
                    Err(unsure())
                }
                None => {
                    inner.unsynced.push(before);
                    Ok(write(&mut inner.state))
                }
            };
            if inner.early == Some(kind) {
                return written;
            }
            (written, inner.crashes)
        };
        tokio::task::yield_now().await;
        let mut inner = self.lock();
        if inner.crashes != crashes {
            return Err(StoreError::new("the model has crashed meanwhile"));
        }
        inner.unsynced.clear();
        written
    }

    /// Reads what is synced: nobody sees what a crash may take back.
    fn read<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        let inner = self.lock();
        let is_early = inner.early.is_some();
        let synced = inner.unsynced.first().filter(|_| !is_early);
        read(synced.unwrap_or(&inner.state))
    }
}

impl Replica {
    /// Returns what it shares with the others.
    pub fn store(&self) -> &ModelStore {
        &self.store
    }

    fn is_dead(&self) -> bool {
        self.store.is_buried(&self.name)
    }
}

impl State {
    /// The change that a ticket is the right to.
    fn held(&mut self, ticket: Ticket) -> Option<&mut Row> {
        self.changes
            .get_mut(&ticket.sequence)
            .filter(|row| row.change.ticket == ticket)
    }

    fn find(&self, key: &ChangeKey) -> Option<&Row> {
        self.changes.values().find(|row| row.change.key == *key)
    }

    fn open_of(&self, account: &AccountId, subject: &str) -> Option<&Row> {
        self.changes.values().find(|row| {
            !row.change.state.is_final()
                && row.change.key.account == *account
                && row.subject.as_deref() == Some(subject)
        })
    }

    fn begin(&mut self, owner: &str, new: NewChange) -> Begun {
        if let Some(row) = self.find(&new.key) {
            return Begun::Exists(Box::new(row.change.clone()));
        }
        if let Some(subject) = &new.subject
            && let Some(row) = self.open_of(&new.key.account, subject)
        {
            return Begun::Blocked(Box::new(row.change.clone()));
        }
        let holds = |lease: &Lease| {
            self.leases
                .get(&lease.name)
                .is_some_and(|row| row.fence == lease.fence && row.owner.as_deref() == Some(owner))
        };
        if !new.lease.as_ref().is_none_or(holds) {
            return Begun::LeaseLost;
        }
        self.next += 1;
        let ticket = Ticket {
            sequence: self.next,
            fence: 1,
        };
        let change = StoredChange {
            ticket,
            key: new.key,
            method: new.method,
            fingerprint: new.fingerprint,
            state: kabao_api::ChangeState::Intent,
            owner: owner.to_owned(),
            plan: new.plan,
            answer: None,
            create_time: new.time,
            update_time: new.time,
        };
        let subject = new.subject;
        self.changes
            .insert(ticket.sequence, Row { change, subject });
        Begun::Fresh(ticket)
    }
}

#[async_trait]
impl ChangeStore for Replica {
    fn fingerprint(&self, content: &[u8]) -> Result<Fingerprint, StoreError> {
        let mut digest = [0; 32];
        for (index, part) in (0_u64..).zip(digest.chunks_mut(8)) {
            let mut hasher = DefaultHasher::new();
            (index, content).hash(&mut hasher);
            part.copy_from_slice(&hasher.finish().to_be_bytes());
        }
        Ok(Fingerprint(digest))
    }

    async fn find(&self, key: &ChangeKey) -> Result<Option<StoredChange>, StoreError> {
        Ok(self
            .store
            .read(|state| state.find(key).map(|row| row.change.clone())))
    }

    async fn now(&self) -> Result<Option<SystemTime>, StoreError> {
        Ok(self.store.lock().now)
    }

    fn is_new(&self, key: &ChangeKey) -> bool {
        self.store.read(|state| state.find(key).is_none())
    }

    async fn begin(&self, change: NewChange) -> Result<Begun, StoreError> {
        self.store
            .write(Kind::Begin, |state| state.begin(&self.name, change))
            .await
    }

    async fn update(&self, ticket: Ticket, update: ChangeUpdate) -> Result<Held, StoreError> {
        let write = |state: &mut State| match state.held(ticket) {
            Some(row) if !row.change.state.is_final() => {
                row.change.state = update.state;
                row.change.update_time = update.time;
                if let Some(plan) = update.plan {
                    row.change.plan = plan;
                }
                if update.answer.is_some() {
                    row.change.answer = update.answer;
                }
                Held::Yes
            }
            // An answer may come after the end, for one that was proved without its caller.
            Some(row) if update.state == row.change.state && row.change.answer.is_none() => {
                row.change.answer = update.answer;
                Held::Yes
            }
            _ => Held::Lost,
        };
        self.store.write(Kind::Update, write).await
    }

    async fn forget(&self, ticket: Ticket) -> Result<Held, StoreError> {
        let write = |state: &mut State| match state.held(ticket) {
            Some(row) if !row.change.state.is_final() => {
                state.changes.remove(&ticket.sequence);
                Held::Yes
            }
            _ => Held::Lost,
        };
        self.store.write(Kind::Forget, write).await
    }

    async fn claim(&self, ticket: Ticket) -> Result<Option<Ticket>, StoreError> {
        let write = |state: &mut State| {
            let row = state.held(ticket)?;
            if row.change.state.is_final() {
                return None;
            }
            row.change.owner.clone_from(&self.name);
            row.change.ticket.fence += 1;
            Some(row.change.ticket)
        };
        self.store.write(Kind::Other, write).await
    }

    async fn list(&self, filter: &ChangeFilter) -> Result<Vec<StoredChange>, StoreError> {
        let wanted = |row: &&Row| {
            let change = &row.change;
            let place = change.ticket.sequence;
            filter
                .account
                .as_ref()
                .is_none_or(|account| *account == change.key.account)
                && (filter.states.is_empty() || filter.states.contains(&change.state))
                && (filter.subject.is_none() || filter.subject == row.subject)
                && filter.after.is_none_or(|after| match filter.newest_first {
                    true => place < after,
                    false => place > after,
                })
        };
        let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
        Ok(self.store.read(|state| {
            let rows = state.changes.values();
            let found: Vec<&Row> = match filter.newest_first {
                true => rows.rev().filter(wanted).take(limit).collect(),
                false => rows.filter(wanted).take(limit).collect(),
            };
            found.into_iter().map(|row| row.change.clone()).collect()
        }))
    }

    async fn sweep(&self, before: SystemTime, limit: u32) -> Result<u64, StoreError> {
        let write = |state: &mut State| {
            let old: Vec<i64> = state
                .changes
                .iter()
                .filter(|(_, row)| row.change.state.is_final() && row.change.update_time < before)
                .map(|(place, _)| *place)
                .take(usize::try_from(limit).unwrap_or(usize::MAX))
                .collect();
            for place in &old {
                state.changes.remove(place);
            }
            u64::try_from(old.len()).unwrap_or(u64::MAX)
        };
        self.store.write(Kind::Other, write).await
    }
}

#[async_trait]
impl Leases for Replica {
    fn replica(&self) -> &str {
        &self.name
    }

    async fn acquire(&self, name: &str) -> Result<Acquired, StoreError> {
        let mut inner = self.store.lock();
        let dead = inner.dead.clone();
        let row = inner.state.leases.entry(name.to_owned()).or_default();
        match &row.owner {
            Some(owner) if !dead.contains(owner) => {
                row.wanted = true;
                Ok(Acquired::Busy)
            }
            _ => {
                row.owner = Some(self.name.clone());
                row.fence += 1;
                row.wanted = false;
                Ok(Acquired::Held(Lease {
                    name: name.to_owned(),
                    fence: row.fence,
                }))
            }
        }
    }

    async fn release(&self, lease: Lease) -> Result<bool, StoreError> {
        let mut inner = self.store.lock();
        if let Some(left) = inner.kept_leases.checked_sub(1) {
            inner.kept_leases = left;
            return Err(StoreError::new("the model was told to fail"));
        }
        match inner.state.leases.get_mut(&lease.name) {
            Some(row) if row.fence == lease.fence && row.owner.as_deref() == Some(&*self.name) => {
                row.owner = None;
                Ok(row.wanted)
            }
            _ => Ok(false),
        }
    }

    async fn is_alive(&self, replica: &str) -> Result<bool, StoreError> {
        Ok(!self.store.lock().dead.iter().any(|dead| dead == replica))
    }

    fn is_fresh(&self) -> bool {
        !self.is_dead()
    }

    async fn leave(&self) -> Result<(), StoreError> {
        self.store.bury(&self.name);
        Ok(())
    }
}
