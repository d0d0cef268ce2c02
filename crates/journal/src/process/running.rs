//! The changes that run in this process, and those who wait for them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kabao_api::{Error, Reason};
use tokio::sync::Notify;

use crate::entry::Intended;
use crate::party::Party;
use crate::store::{ChangeKey, Fingerprint};
use crate::subject::SubjectKey;

/// What those hear that asked for a change while it ran.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    /// What its first caller was answered.
    Answer(Arc<[u8]>),
    /// Its first caller went away, and nothing came of it.
    TryAgain,
}

/// All of them. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Running {
    runs: Arc<Mutex<Runs>>,
    limit: usize,
}

#[derive(Debug, Default)]
struct Runs {
    changes: HashMap<ChangeKey, Arc<Run>>,
    /// How many of them change a subject.
    subjects: HashMap<SubjectKey, usize>,
}

/// One change that runs.
#[derive(Debug)]
pub(crate) struct Run {
    fingerprint: Fingerprint,
    party: Option<Party>,
    subject: Option<SubjectKey>,
    /// Whether a request of it has left.
    sent: Arc<AtomicBool>,
    told: Mutex<Option<Told>>,
    /// Wakes in the order in which they came, so that a simulation is the same every time.
    ended: Notify,
}

/// How a call came in.
pub(crate) enum Entered {
    /// The change runs already.
    Joined(Arc<Run>),
    /// This call runs it.
    Leading(Lead),
}

/// The duty to tell how a change ended; if nobody does, those who wait try themselves.
pub(crate) struct Lead {
    running: Running,
    key: ChangeKey,
    sent: Arc<AtomicBool>,
    told: Told,
}

impl Running {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            runs: Arc::default(),
            limit,
        }
    }

    /// Joins the change of this id, or starts to run it.
    pub(crate) fn enter(&self, intended: &Intended) -> Result<Entered, Error> {
        let mut runs = self.lock();
        let Runs { changes, subjects } = &mut *runs;
        let count = changes.len();
        match changes.entry(intended.key.clone()) {
            Entry::Occupied(run) => Ok(Entered::Joined(Arc::clone(run.get()))),
            Entry::Vacant(_) if count >= self.limit => {
                let message = "too many changes are under way";
                Err(Error::new(Reason::Overloaded, message)
                    .with_retry_after(Duration::from_secs(1)))
            }
            Entry::Vacant(vacant) => {
                let subject = intended.subject_key();
                if let Some(subject) = &subject {
                    *subjects.entry(subject.clone()).or_default() += 1;
                }
                let sent = Arc::<AtomicBool>::default();
                vacant.insert(Arc::new(Run {
                    sent: Arc::clone(&sent),
                    fingerprint: intended.fingerprint,
                    party: intended.party.clone(),
                    subject,
                    told: Mutex::default(),
                    ended: Notify::new(),
                }));
                Ok(Entered::Leading(Lead {
                    running: self.clone(),
                    key: intended.key.clone(),
                    sent,
                    told: Told::TryAgain,
                }))
            }
        }
    }

    pub(crate) fn contains(&self, key: &ChangeKey) -> bool {
        self.lock().changes.contains_key(key)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().changes.is_empty()
    }

    /// Tells whether a change runs whose request has left.
    pub(crate) fn was_sent(&self, key: &ChangeKey) -> bool {
        let runs = self.lock();
        let run = runs.changes.get(key);
        run.is_some_and(|run| run.sent.load(Ordering::Relaxed))
    }

    /// Tells whether a change of a subject runs.
    pub(crate) fn changes(&self, subject: &SubjectKey) -> bool {
        self.lock().subjects.contains_key(subject)
    }

    fn remove(&self, key: &ChangeKey) -> Option<Arc<Run>> {
        let mut runs = self.lock();
        let run = runs.changes.remove(key)?;
        if let Some(subject) = &run.subject
            && let Some(count) = runs.subjects.get_mut(subject)
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                runs.subjects.remove(subject);
            }
        }
        Some(run)
    }

    /// Every step leaves the map whole.
    fn lock(&self) -> MutexGuard<'_, Runs> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Run {
    /// Tells whether it is what somebody intends: one configuration may end while another one begins.
    pub(crate) fn is_of(&self, intended: &Intended) -> bool {
        self.fingerprint == intended.fingerprint && self.party == intended.party
    }

    /// Waits for its end.
    pub(crate) async fn ended(&self) -> Told {
        loop {
            let mut ended = pin!(self.ended.notified());
            ended.as_mut().enable();
            if let Some(told) = self.told().clone() {
                return told;
            }
            ended.await;
        }
    }

    /// It is whole after every step.
    fn told(&self) -> MutexGuard<'_, Option<Told>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lead {
    /// Where to say that a request has left.
    pub(crate) fn sent(&self) -> &Arc<AtomicBool> {
        &self.sent
    }

    /// Tells how it ended.
    pub(crate) fn end(mut self, told: Told) {
        self.told = told;
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        if let Some(run) = self.running.remove(&self.key) {
            let told = std::mem::replace(&mut self.told, Told::TryAgain);
            *run.told() = Some(told);
            run.ended.notify_waiters();
        }
    }
}
