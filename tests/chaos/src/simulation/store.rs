//! The store as one process sees it: slow, failing, gone with its process, and with bugs on demand.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use kabao_api::ChangeState;
use kabao_journal::model::{Failing, Replica};
use kabao_journal::{
    Acquired, Begun, ChangeFilter, ChangeKey, ChangeStore, ChangeUpdate, Fingerprint, Held, Lease,
    Leases, NewChange, StoreError, StoredChange, Ticket,
};
use tokio::time::{Instant, sleep};

use super::process::{Point, Process};
use super::world::{FRESH, World};
use crate::Bug;

/// The store of one process.
pub(super) struct SimStore {
    world: Arc<World>,
    process: Process,
    inner: Replica,
    /// When it has counted up last.
    beat: Mutex<Instant>,
}

impl SimStore {
    pub(super) fn new(world: &Arc<World>, process: &Process) -> Self {
        let inner = world.store.replica();
        world.beat(inner.replica());
        Self {
            world: Arc::clone(world),
            process: process.clone(),
            inner,
            beat: Mutex::new(Instant::now()),
        }
    }

    /// Counts up for as long as it is polled, or until others take this process for dead.
    pub(super) async fn count_up(&self) {
        loop {
            let now = Instant::now();
            sleep(self.world.draw(|random| random.millis(1..50))).await;
            if !self.fails() {
                if !self.world.beat(self.replica()) {
                    return;
                }
                *self.beat.lock().unwrap_or_else(PoisonError::into_inner) = now;
            }
            sleep(Duration::from_secs(1)).await;
        }
    }

    /// Takes its time, and works for the living only.
    async fn pass(&self) -> Result<(), StoreError> {
        let pause = self
            .world
            .draw(|random| random.chance(300).then(|| random.millis(0..20)));
        if let Some(pause) = pause {
            sleep(pause).await;
        }
        match self.process.is_dead() {
            true => Err(StoreError::new("the process is gone")),
            false => Ok(()),
        }
    }

    fn fails(&self) -> bool {
        let fails = self.world.fault(self.world.profile().store_fails);
        self.world
            .count(|counts| counts.store_faults += u64::from(fails));
        fails
    }

    async fn pass_read(&self) -> Result<(), StoreError> {
        self.pass().await?;
        match self.fails() {
            true => Err(StoreError::new("the store cannot be read")),
            false => Ok(()),
        }
    }

    /// Lets the write that comes next fail perhaps, and says nothing of whether it is done.
    async fn pass_write(&self, what: &'static str) -> Result<(), StoreError> {
        self.process.reach(Point::Before(what)).await;
        self.pass().await?;
        if self.fails() {
            let failing = match self.world.draw(|random| random.chance(500)) {
                true => Failing::Done,
                false => Failing::Refused,
            };
            let name = self.replica();
            self.world
                .note(|| format!("{name}: {what} fails, {failing:?}"));
            self.world.store.fail(1, failing);
        } else {
            self.world.before_write(what);
        }
        Ok(())
    }

    /// The ticket that a store without fences would take.
    fn unfenced(&self, ticket: Ticket) -> Ticket {
        let changes = self.world.store.changes();
        let mut changes = changes.iter().map(|change| change.ticket);
        let present = changes.find(|present| present.sequence == ticket.sequence);
        match self.world.has(Bug::FenceForgotten) {
            true => present.unwrap_or(ticket),
            false => ticket,
        }
    }
}

#[async_trait]
impl ChangeStore for SimStore {
    fn fingerprint(&self, content: &[u8]) -> Result<Fingerprint, StoreError> {
        self.inner.fingerprint(content)
    }

    async fn find(&self, key: &ChangeKey) -> Result<Option<StoredChange>, StoreError> {
        self.pass_read().await?;
        let mut found = self.inner.find(key).await?;
        if self.world.has(Bug::AnswerOfAnother)
            && let Some(StoredChange { answer, .. }) = &mut found
            && answer.is_some()
        {
            let changes = self.world.store.changes();
            let mut answers = changes.into_iter().filter_map(|change| change.answer);
            let another = answers.find(|another| Some(another) != answer.as_ref());
            *answer = another.or_else(|| answer.take());
        }
        Ok(found)
    }

    async fn begin(&self, mut change: NewChange) -> Result<Begun, StoreError> {
        self.pass_write("begin").await?;
        if self.world.has(Bug::SubjectForgotten) {
            change.subject = None;
        }
        if self.world.has(Bug::LeaseOfTwo) {
            change.lease = None;
        }
        let (key, time) = (change.key.clone(), change.time);
        let begun = self.inner.begin(change).await;
        self.process.reach(Point::After("begin")).await;
        self.world
            .note(|| format!("{}: begin {key}: {}", self.replica(), begun_as(&begun)));
        if self.world.has(Bug::OutcomeBeforeIntent)
            && let Ok(Begun::Fresh(ticket)) = &begun
        {
            let update = ChangeUpdate {
                state: ChangeState::Applied,
                plan: None,
                answer: None,
                time,
            };
            self.inner.update(*ticket, update).await?;
        }
        begun
    }

    async fn update(&self, ticket: Ticket, mut update: ChangeUpdate) -> Result<Held, StoreError> {
        self.pass_write("update").await?;
        let ticket = self.unfenced(ticket);
        if update.state == ChangeState::Unknown {
            if self.world.has(Bug::UnknownForgotten) {
                return self.inner.forget(ticket).await;
            }
            if self.world.has(Bug::UnknownApplied) {
                update.state = ChangeState::Applied;
            }
            if self.world.has(Bug::UnknownRejected) {
                update.state = ChangeState::Rejected;
            }
        }
        if self.world.has(Bug::AnswerLost) {
            update.answer = None;
        }
        let state = update.state;
        let held = self.inner.update(ticket, update).await;
        self.process.reach(Point::After("update")).await;
        self.world
            .note(|| format!("{}: {ticket:?} is {state}: {held:?}", self.replica()));
        held
    }

    async fn forget(&self, ticket: Ticket) -> Result<Held, StoreError> {
        self.pass_write("forget").await?;
        let held = self.inner.forget(self.unfenced(ticket)).await;
        self.process.reach(Point::After("forget")).await;
        self.world
            .note(|| format!("{}: {ticket:?} is forgotten: {held:?}", self.replica()));
        held
    }

    async fn claim(&self, ticket: Ticket) -> Result<Option<Ticket>, StoreError> {
        self.pass_write("claim").await?;
        if self.world.has(Bug::ClaimWithoutFence) {
            let changes = self.world.store.changes();
            let mut open = changes.iter().filter(|change| !change.state.is_final());
            let claimed = open.any(|change| change.ticket == ticket).then_some(ticket);
            self.process.reach(Point::After("claim")).await;
            return Ok(claimed);
        }
        let claimed = self.inner.claim(ticket).await;
        self.process.reach(Point::After("claim")).await;
        self.world
            .note(|| format!("{}: {ticket:?} is claimed: {claimed:?}", self.replica()));
        claimed
    }

    async fn list(&self, filter: &ChangeFilter) -> Result<Vec<StoredChange>, StoreError> {
        self.pass_read().await?;
        if self.world.has(Bug::SweptTooEarly) {
            let soon = kabao_journal::Clock::now(self.world.as_ref()) + Duration::from_secs(1);
            self.inner.sweep(soon, u32::MAX).await?;
        }
        self.inner.list(filter).await
    }

    async fn sweep(&self, before: SystemTime, limit: u32) -> Result<u64, StoreError> {
        self.pass_write("sweep").await?;
        self.inner.sweep(before, limit).await
    }
}

#[async_trait]
impl Leases for SimStore {
    fn replica(&self) -> &str {
        self.inner.replica()
    }

    async fn acquire(&self, name: &str) -> Result<Acquired, StoreError> {
        self.process.reach(Point::Before("acquire")).await;
        self.pass().await?;
        let is_shared = self.world.is_shared();
        if is_shared {
            self.world.bury_the_silent();
        }
        if is_shared && (self.world.store.is_buried(self.replica()) || self.fails()) {
            return Err(StoreError::new("the lease cannot be taken"));
        }
        let acquired = self.inner.acquire(name).await?;
        self.process.reach(Point::After("acquire")).await;
        match acquired {
            Acquired::Busy if self.world.has(Bug::LeaseOfTwo) => Ok(Acquired::Held(Lease {
                name: name.to_owned(),
                fence: 0,
            })),
            acquired => Ok(acquired),
        }
    }

    async fn release(&self, lease: Lease) -> Result<bool, StoreError> {
        self.process.reach(Point::Before("release")).await;
        self.pass().await?;
        if self.world.is_shared() && self.fails() {
            self.world
                .note(|| format!("{}: a lease cannot be given back", self.replica()));
            return Err(StoreError::new("the lease cannot be given back"));
        }
        let released = self.inner.release(lease).await;
        self.process.reach(Point::After("release")).await;
        released
    }

    async fn is_alive(&self, replica: &str) -> Result<bool, StoreError> {
        self.pass_read().await?;
        if self.world.is_shared() {
            self.world.bury_the_silent();
        }
        self.inner.is_alive(replica).await
    }

    fn is_fresh(&self) -> bool {
        if !self.world.is_shared() || self.world.has(Bug::AlwaysFresh) {
            return true;
        }
        let beat = *self.beat.lock().unwrap_or_else(PoisonError::into_inner);
        self.inner.is_fresh() && beat + FRESH > Instant::now()
    }
}

fn begun_as(begun: &Result<Begun, StoreError>) -> String {
    match begun {
        Ok(Begun::Fresh(ticket)) => format!("{ticket:?}"),
        Ok(Begun::Exists(change)) => format!("exists as {}", change.state),
        Ok(Begun::Blocked(change)) => format!("blocked by {}", change.key),
        Ok(Begun::LeaseLost) => "its lease is lost".to_owned(),
        Err(error) => error.to_string(),
    }
}
