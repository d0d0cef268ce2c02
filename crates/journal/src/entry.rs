//! The entry of one change while it runs: what engine, backend and pipeline tell each other.

use std::any::Any;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kabao_api::{CallContext, ChangeState, Entry, Error, MemberName, Personal, PlannedValue};

use crate::party::Party;
use crate::plan::Plan;
use crate::store::{ChangeKey, Fingerprint, Lease, Leases, StoredChange, Ticket};
use crate::subject::SubjectKey;

/// A change that somebody intends.
#[derive(Clone, Debug)]
pub(crate) struct Intended {
    pub(crate) key: ChangeKey,
    /// Whose change it is to WeChat.
    pub(crate) party: Option<Party>,
    /// What is asked for: a method of the portable API, or an operation.
    pub(crate) method: &'static str,
    /// What is asked for in detail.
    pub(crate) fingerprint: Fingerprint,
    /// What only one change at a time may change.
    pub(crate) subject: Option<String>,
    pub(crate) member: Option<MemberName>,
    pub(crate) openid: Option<Personal>,
}

impl Intended {
    /// What only one change at a time may change, in this account.
    pub(crate) fn subject_key(&self) -> Option<SubjectKey> {
        let subject = self.subject.clone()?;
        Some((self.key.account.clone(), subject))
    }
}

/// A change that the store has.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) ticket: Ticket,
    pub(crate) plan: Plan,
}

/// How far the one write of a change got.
pub(crate) enum Stage {
    /// Nothing is in the store.
    Fresh,
    /// The store has it from before, and its end is sought.
    Resumed(Box<Open>),
    /// It is proved to have taken effect; only its answer is missing.
    Proved(Box<Open>),
    /// Its request may leave.
    Sending,
    /// What came of it.
    Done(Box<Open>, End),
    /// It did not begin, because of what the store has.
    Stopped(Stop),
}

/// What came of the write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It has taken effect.
    Applied,
    /// It has not, and the refusal is the answer of the change from now on.
    Rejected,
    /// It has not, and the same call may succeed later: the id is free again.
    Forgotten,
    /// Nobody knows yet.
    Unknown,
}

impl End {
    /// Returns the state that the change is in; `None` if the store forgets it.
    pub(crate) const fn state(self) -> Option<ChangeState> {
        match self {
            Self::Applied => Some(ChangeState::Applied),
            Self::Rejected => Some(ChangeState::Rejected),
            Self::Unknown => Some(ChangeState::Unknown),
            Self::Forgotten => None,
        }
    }
}

/// Why a change did not begin.
pub(crate) enum Stop {
    /// The store has a change of this id.
    Exists(Box<StoredChange>),
    /// Another change of the subject has not ended.
    Blocked(Box<StoredChange>),
    /// The lease on the subject is somebody else's by now.
    LeaseLost,
}

/// What this process may do as long as it is who it was: one that was taken for dead goes on under another name, and
/// what it had begun before belongs to others.
#[derive(Clone)]
pub(crate) struct Standing {
    leases: Arc<dyn Leases>,
    replica: String,
}

impl Standing {
    /// The standing of this process from now on.
    pub(crate) fn new(leases: &Arc<dyn Leases>) -> Self {
        Self {
            leases: Arc::clone(leases),
            replica: leases.replica().to_owned(),
        }
    }

    /// Tells whether others may have taken over what was begun since, for good.
    pub(crate) fn is_lost(&self) -> bool {
        self.leases.replica() != self.replica
    }

    /// Tells whether nobody can have taken over what was begun since.
    pub(crate) fn holds(&self) -> bool {
        // In this order: whoever is fresh again under another name has that name already.
        self.leases.is_fresh() && !self.is_lost()
    }
}

/// The entry of one change.
pub(crate) struct ChangeEntry {
    pub(crate) intended: Arc<Intended>,
    pub(crate) lease: Option<Lease>,
    standing: Standing,
    /// Whether a request has left, or was about to.
    sent: Arc<AtomicBool>,
    sends: Sends,
    state: Mutex<State>,
}

struct State {
    stage: Stage,
    planned: Option<PlannedValue>,
}

impl ChangeEntry {
    pub(crate) fn new(
        intended: Arc<Intended>,
        lease: Option<Lease>,
        standing: Standing,
        sent: Arc<AtomicBool>,
        stage: Stage,
    ) -> Self {
        let planned = match &stage {
            Stage::Resumed(open) | Stage::Proved(open) => open.plan.value,
            _ => None,
        };
        Self {
            intended,
            lease,
            standing,
            sent,
            sends: Sends::default(),
            state: Mutex::new(State { stage, planned }),
        }
    }

    /// Takes the stage out; whoever does so puts the next one in.
    pub(crate) fn take(&self) -> Stage {
        std::mem::replace(&mut self.lock().stage, Stage::Sending)
    }

    pub(crate) fn put(&self, stage: Stage) {
        self.lock().stage = stage;
    }

    /// Tells whether an earlier request of this change may arrive after the one that has ended it.
    pub(crate) fn trails(&self, stage: &Stage) -> bool {
        match stage {
            Stage::Done(open, End::Applied) => self.sends.trail(&open.plan),
            _ => false,
        }
    }

    /// Every step leaves the state whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry for ChangeEntry {
    fn planned(&self) -> Option<PlannedValue> {
        self.lock().planned
    }

    fn plan(&self, value: PlannedValue) {
        self.lock().planned = Some(value);
    }

    fn may_send(&self) -> bool {
        let may = self.standing.holds();
        self.sent.fetch_or(may, Ordering::Relaxed);
        self.sends.count(may);
        may
    }

    fn may_still_leave(&self) -> bool {
        self.standing.holds()
    }
}

/// The entry of a change whose end is sought without its caller: what was planned stays planned, and a repeat asks
/// like the first one whether it may leave.
pub(crate) struct ProofEntry {
    planned: Option<PlannedValue>,
    standing: Standing,
    sends: Sends,
}

impl ProofEntry {
    pub(crate) fn new(planned: Option<PlannedValue>, standing: Standing) -> Self {
        Self {
            planned,
            standing,
            sends: Sends::default(),
        }
    }

    /// Tells whether an earlier request may arrive after the last one.
    pub(crate) fn trails(&self, plan: &Plan) -> bool {
        self.sends.trail(plan)
    }
}

/// How many requests of one change have left, as far as one call knows.
#[derive(Default)]
struct Sends(AtomicU32);

impl Sends {
    fn count(&self, may: bool) {
        self.0.fetch_add(u32::from(may), Ordering::Relaxed);
    }

    /// Tells whether an earlier one may arrive after the last one and write what was written since once more.
    fn trail(&self, plan: &Plan) -> bool {
        plan.number.is_none() && self.0.load(Ordering::Relaxed) > 1
    }
}

impl Entry for ProofEntry {
    fn planned(&self) -> Option<PlannedValue> {
        self.planned
    }

    fn plan(&self, _: PlannedValue) {}

    fn may_send(&self) -> bool {
        let may = self.standing.holds();
        self.sends.count(may);
        may
    }

    fn may_still_leave(&self) -> bool {
        self.standing.holds()
    }
}

/// Returns the entry that a call is part of, if it is one of this kind.
pub(crate) fn entry_of<E: Entry>(context: &CallContext) -> Option<Arc<E>> {
    let entry: Arc<dyn Entry> = Arc::clone(context.entry()?);
    let entry: Arc<dyn Any + Send + Sync> = entry;
    entry.downcast().ok()
}

/// The error of a call that the engine takes up again; nobody but the engine sees it.
pub(crate) fn stopped() -> Error {
    Error::new(
        kabao_api::Reason::Internal,
        "the change has to be taken up again",
    )
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::store::{Acquired, StoreError};

    /// A process that may be taken for dead.
    #[derive(Default)]
    struct Process {
        is_renamed: AtomicBool,
        is_stale: AtomicBool,
    }

    #[async_trait]
    impl Leases for Process {
        fn replica(&self) -> &str {
            match self.is_renamed.load(Ordering::Relaxed) {
                true => "after",
                false => "before",
            }
        }

        async fn acquire(&self, _: &str) -> Result<Acquired, StoreError> {
            Ok(Acquired::Busy)
        }

        async fn release(&self, _: Lease) -> Result<bool, StoreError> {
            Ok(false)
        }

        async fn is_alive(&self, _: &str) -> Result<bool, StoreError> {
            Ok(true)
        }

        fn is_fresh(&self) -> bool {
            !self.is_stale.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn what_was_begun_under_one_name_is_not_sent_under_another() {
        let process = Arc::new(Process::default());
        let leases: Arc<dyn Leases> = Arc::<Process>::clone(&process);
        let entry = ProofEntry::new(None, Standing::new(&leases));
        assert!(entry.may_send());
        process.is_stale.store(true, Ordering::Relaxed);
        assert!(!entry.may_send());
        // Taken for dead meanwhile, it is as fresh as any other under its new name.
        process.is_renamed.store(true, Ordering::Relaxed);
        process.is_stale.store(false, Ordering::Relaxed);
        assert!(!entry.may_send(), "others may have taken it over");
        assert!(ProofEntry::new(None, Standing::new(&leases)).may_send());
    }
}
