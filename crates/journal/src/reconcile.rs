//! Bringing changes to their end that nobody runs any more: those of a process that is gone, and
//! those whose answer was lost.

mod age;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, SystemTime};

use kabao_api::{AccountId, CallContext, CallId, ChangeState, Error};
use tokio::time::{Instant, timeout};

use self::age::Aging;
use crate::account::AccountJournal;
use crate::journal::Journal;
use crate::plan::Plan;
use crate::process::Seen;
use crate::store::{ChangeFilter, ChangeKey, StoredChange};

/// How many changes are looked at before others get a turn.
const BATCH: u32 = 256;

/// How many old changes are removed at once.
const SWEPT: u32 = 1000;

/// What the reconciler remembers from one look to the next.
#[derive(Debug, Default)]
pub struct Reconciler {
    tries: HashMap<ChangeKey, Tries>,
    /// Accounts that are not served, whose open changes were told.
    unserved: HashSet<AccountId>,
    swept: Option<Instant>,
    aging: Option<Aging>,
}

#[derive(Clone, Copy, Debug)]
struct Tries {
    count: u32,
    next: Instant,
    /// An overdue change is told once.
    told: bool,
}

impl Journal {
    /// Brings open changes to their end, for as long as it is polled and nobody [leaves](Self::leave).
    pub async fn reconcile(&self) {
        let mut reconciler = Reconciler::default();
        loop {
            let looking = self.looking().lock().await;
            if self.is_leaving() {
                return;
            }
            if let Err(error) = self.look(&mut reconciler).await {
                tracing::warn!(
                    reason = error.reason().as_str(),
                    "open changes cannot be looked at: {}",
                    error.message()
                );
            }
            drop(looking);
            let _ = timeout(self.process().settings().interval, self.process().woken()).await;
        }
    }

    /// Looks at every open change once, and tries to end those that nobody runs and whose turn it is.
    ///
    /// # Errors
    ///
    /// `STORE` if the store does not answer.
    pub async fn look(&self, reconciler: &mut Reconciler) -> Result<(), Error> {
        self.process().sight().begin();
        let mut seen = Seen::default();
        let mut after = None;
        let mut open = Vec::new();
        loop {
            let filter = ChangeFilter {
                states: vec![ChangeState::Intent, ChangeState::Sent, ChangeState::Unknown],
                after,
                limit: BATCH,
                ..ChangeFilter::default()
            };
            let batch = self.process().store().list(&filter).await?;
            let Some(last) = batch.last() else { break };
            after = Some(last.ticket.sequence);
            open.extend(batch);
        }
        for change in &open {
            self.note(reconciler, &mut seen, change);
        }
        let keys: HashSet<&ChangeKey> = open.iter().map(|change| &change.key).collect();
        reconciler.tries.retain(|key, _| keys.contains(key));
        seen.counts.unserved = self.tell_unserved(reconciler, &open);
        self.process().sight().see(seen);
        for change in open {
            if self.is_leaving() {
                return Ok(());
            }
            let Some(account) = self.find_account(&change.key.account) else {
                // Another replica's to end, or this one's as soon as the account is served again.
                reconciler.rest(&change.key);
                continue;
            };
            if self.process().running().contains(&change.key)
                || self.runs_elsewhere(&change).await?
            {
                reconciler.hold(&change.key, self.process().settings().quiet);
                continue;
            }
            if !reconciler.is_due(&change.key, self.process().settings().quiet)
                || self.may_be_under_way(&change)
            {
                continue;
            }
            let key = change.key.clone();
            let ended = account.try_to_end(change).await;
            if let Err(error) = &ended {
                tracing::debug!(change = %key, reason = error.reason().as_str(), "not ended yet");
            }
            reconciler.tried(
                &key,
                matches!(ended, Ok(true)),
                self.process().settings().interval,
                self.process().settings().max_pause,
            );
        }
        self.sweep(reconciler).await
    }

    /// Counts an open change, and tells once if it is overdue.
    fn note(&self, reconciler: &mut Reconciler, seen: &mut Seen, change: &StoredChange) {
        seen.counts.count(change.state, change.create_time);
        let plan = Plan::read(&change.plan);
        let subject = plan
            .as_ref()
            .and_then(|plan| plan.subject_key(&change.key.account));
        if let Some(subject) = subject {
            seen.insert(change.ticket, subject);
        }
        let is_readable = plan.is_some();
        let needs_decision = plan.is_some_and(|plan| plan.needs_decision);
        seen.counts.needs_decision += u64::from(needs_decision);
        let age = self
            .process()
            .clock()
            .now()
            .duration_since(change.create_time);
        let is_overdue = age.is_ok_and(|age| age > self.process().settings().bound);
        seen.counts.overdue += u64::from(is_overdue);
        if is_overdue || !is_readable {
            let tries = reconciler
                .tries
                .entry(change.key.clone())
                .or_insert_with(Tries::first);
            if std::mem::replace(&mut tries.told, true) {
                return;
            }
            let message = match is_readable {
                true => "the end of a change is unknown for too long; see ChangeService",
                false => "the plan of an open change cannot be read; see `kabao store check`",
            };
            tracing::error!(
                account = %change.key.account,
                change = %change.key,
                method = change.method,
                state = change.state.as_str(),
                needs_decision,
                "{message}"
            );
        }
    }

    /// Tells whether a request of it may have left a moment ago. What it says besides, the next look finds out.
    fn may_be_under_way(&self, change: &StoredChange) -> bool {
        let age = self
            .process()
            .clock()
            .now()
            .duration_since(change.update_time);
        age.is_ok_and(|age| age < self.process().settings().quiet)
    }

    /// Tells whether another process is about it: a try would only keep that one from its lease, and a pause after it
    /// would delay the takeover when that one dies.
    async fn runs_elsewhere(&self, change: &StoredChange) -> Result<bool, Error> {
        let leases = self.process().leases();
        Ok(change.state != ChangeState::Unknown
            && change.owner != leases.replica()
            && leases.is_alive(&change.owner).await?)
    }

    /// Counts the open changes of accounts that are not served here, and tells of each account once.
    fn tell_unserved(&self, reconciler: &mut Reconciler, open: &[StoredChange]) -> u64 {
        let mut changes: BTreeMap<&AccountId, u64> = BTreeMap::new();
        for change in open {
            *changes.entry(&change.key.account).or_default() += 1;
        }
        changes.retain(|account, _| self.find_account(account).is_none());
        reconciler
            .unserved
            .retain(|account| changes.contains_key(account));
        for (account, changes) in &changes {
            if reconciler.unserved.insert((*account).clone()) {
                tracing::warn!(
                    %account, changes,
                    "an account that is not served here has open changes; they go on once it is served again"
                );
            }
        }
        changes.values().sum()
    }

    async fn sweep(&self, reconciler: &mut Reconciler) -> Result<(), Error> {
        const PAUSE: Duration = Duration::from_mins(1);
        let now = Instant::now();
        if reconciler.swept.is_some_and(|swept| now < swept + PAUSE) {
            return Ok(());
        }
        reconciler.swept = Some(now);
        let Some(aged) = self.aged(reconciler, now).await else {
            return Ok(());
        };
        let shared = self.process().store().now().await?;
        let aged = shared.map_or(aged, |shared| aged.min(shared));
        let before = aged - self.process().settings().retention;
        if self.process().store().sweep(before, SWEPT).await? == u64::from(SWEPT) {
            reconciler.swept = None;
        }
        Ok(())
    }

    /// Returns the time by which changes grow old; `None` if the store does not tell enough.
    async fn aged(&self, reconciler: &mut Reconciler, now: Instant) -> Option<SystemTime> {
        let (wall, retention) = (
            self.process().clock().now(),
            self.process().settings().retention,
        );
        if let Some(aging) = &mut reconciler.aging {
            if aging.look(wall, retention, now) {
                tracing::warn!(
                    "the clock of the machine has jumped ahead: what is remembered is kept until it is old for certain"
                );
            }
            return Some(aging.now());
        }
        let newest = ChangeFilter {
            newest_first: true,
            limit: 1,
            ..ChangeFilter::default()
        };
        let newest = self.process().store().list(&newest).await.ok()?;
        let newest = newest.first().map(|change| change.update_time);
        let aging = reconciler
            .aging
            .insert(Aging::begin(wall, newest, retention, now));
        Some(aging.now())
    }
}

impl AccountJournal {
    /// Tries to end one change; true if it has ended.
    async fn try_to_end(&self, change: StoredChange) -> Result<bool, Error> {
        let plan = Plan::require(&change.plan)?;
        if plan.needs_decision {
            return Ok(false);
        }
        let subject = plan.subject_key(self.account());
        let Some(right) = self.process().right_now(subject).await? else {
            return Ok(false);
        };
        let is_free = right.lease().is_some() || self.process().is_abandoned(&change).await?;
        if !is_free {
            return Ok(false);
        }
        let context = CallContext::new(self.account().clone(), CallId::unknown());
        let until = Instant::now() + self.process().settings().attempt;
        let context = context.with_deadline(until.into_std());
        let ended = self.end(&context, &right, change).await;
        right.release().await;
        Ok(ended?.is_final())
    }
}

impl Tries {
    fn first() -> Self {
        Self {
            count: 0,
            next: Instant::now(),
            told: false,
        }
    }
}

impl Reconciler {
    /// Tells whether it is its turn. What was not seen before may have been sent a moment ago.
    fn is_due(&mut self, key: &ChangeKey, quiet: Duration) -> bool {
        let now = Instant::now();
        let tries = self.tries.entry(key.clone()).or_insert_with(|| Tries {
            next: now + quiet,
            ..Tries::first()
        });
        tries.next <= now
    }

    /// Waits a moment after somebody else was about it.
    fn hold(&mut self, key: &ChangeKey, quiet: Duration) {
        let next = Instant::now() + quiet;
        let tries = self.tries.entry(key.clone()).or_insert_with(Tries::first);
        tries.next = tries.next.max(next);
    }

    /// Forgets pauses: what nobody could try is tried at once when somebody can.
    fn rest(&mut self, key: &ChangeKey) {
        if let Some(tries) = self.tries.get_mut(key) {
            *tries = Tries {
                told: tries.told,
                ..Tries::first()
            };
        }
    }

    fn tried(&mut self, key: &ChangeKey, ended: bool, pause: Duration, max_pause: Duration) {
        if ended {
            self.tries.remove(key);
            return;
        }
        let tries = self.tries.entry(key.clone()).or_insert_with(Tries::first);
        let factor = 1_u32.checked_shl(tries.count.min(16)).unwrap_or(u32::MAX);
        tries.next = Instant::now() + pause.saturating_mul(factor).min(max_pause);
        tries.count += 1;
    }
}
