//! What outlives processes: the store, WeChat, what callers heard, and the one source of randomness.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use kabao_api::{ChangeState, Error, RequestId};
use kabao_journal::model::{Kind, ModelStore, ModelWeChat};
use kabao_journal::{Clock, Plan};
use kabao_models::{AnyAnswer, AnyEndpoint};
use tokio::time::Instant;

use super::profile::Profile;
use super::{Counts, Options};
use crate::history::{Asked, Effect, End, Event, Evidence, Heard, Intent, Source};
use crate::{Bug, Random};

/// A request arrives within so many milliseconds, or never.
pub(super) const ARRIVAL: u64 = 1_000;
/// How long a pipeline waits for an answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// A process that has not counted up for so long may be taken for dead.
pub(super) const TAKEOVER: Duration = Duration::from_secs(10);
/// A process that has counted up within this time is not taken for dead.
pub(super) const FRESH: Duration = Duration::from_secs(5);

/// Everything that outlives processes.
pub(super) struct World {
    pub(super) store: ModelStore,
    pub(super) wechat: ModelWeChat,
    profile: Profile,
    options: Options,
    started: Instant,
    is_calm: AtomicBool,
    inner: Mutex<Inner>,
}

struct Inner {
    random: Random,
    evidence: Evidence,
    /// What somebody else wrote, with the length of the ledger then.
    foreign: Vec<(usize, Effect)>,
    /// How many events there were before each row of the ledger.
    times: Vec<usize>,
    counts: Counts,
    trace: Vec<String>,
    beats: BTreeMap<String, Instant>,
    calls: u64,
    /// The database crashes in the next write of this kind.
    crashes_in: Option<&'static str>,
}

impl World {
    /// Makes one; time stands still from here on unless everybody waits.
    pub(super) fn new(seed: u64, options: Options) -> Arc<Self> {
        let mut random = Random::new(seed);
        let profile = Profile::choose(&mut random);
        let store = ModelStore::new();
        match options.bug {
            Some(Bug::IntentBeforeDisk) => store.acknowledge_early(Kind::Begin),
            Some(Bug::OutcomeBeforeDisk) => store.acknowledge_early(Kind::Update),
            Some(Bug::ForgottenBeforeDisk) => store.acknowledge_early(Kind::Forget),
            _ => {}
        }
        let mut wechat = ModelWeChat::default();
        let mut evidence = Evidence::default();
        for number in 0..profile.members {
            let (code, points) = (code(number), random.amount());
            wechat = wechat.with_member(&code, points);
            evidence.initial.insert(code, points);
        }
        if profile.refuses_used {
            wechat.refuse_used_numbers();
        }
        let world = Self {
            store,
            wechat,
            profile,
            options,
            started: Instant::now(),
            is_calm: AtomicBool::new(false),
            inner: Mutex::new(Inner {
                random,
                evidence,
                foreign: Vec::new(),
                times: Vec::new(),
                counts: Counts::default(),
                trace: Vec::new(),
                beats: BTreeMap::new(),
                calls: 0,
                crashes_in: None,
            }),
        };
        world.note(|| format!("{:?}", world.profile));
        Arc::new(world)
    }

    pub(super) const fn profile(&self) -> &Profile {
        &self.profile
    }

    pub(super) fn has(&self, bug: Bug) -> bool {
        self.options.bug == Some(bug)
    }

    /// Ends all faults.
    pub(super) fn calm(&self) {
        self.note(|| "all faults end".to_owned());
        self.is_calm.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_calm(&self) -> bool {
        self.is_calm.load(Ordering::Relaxed)
    }

    /// Draws from the one source of randomness.
    pub(super) fn draw<T>(&self, draw: impl FnOnce(&mut Random) -> T) -> T {
        draw(&mut self.lock().random)
    }

    /// Tells whether a fault of this chance happens now.
    pub(super) fn fault(&self, per_mille: u64) -> bool {
        !self.is_calm() && self.draw(|random| random.chance(per_mille))
    }

    pub(super) fn count(&self, count: impl FnOnce(&mut Counts)) {
        count(&mut self.lock().counts);
    }

    /// Keeps what happens, for who wants to read it.
    pub(super) fn note(&self, what: impl FnOnce() -> String) {
        if self.options.trace {
            let elapsed = self.started.elapsed().as_secs_f64();
            let line = format!("{elapsed:>9.3} {}", what());
            self.lock().trace.push(line);
        }
    }

    pub(super) fn trace(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().trace)
    }

    // What callers do.

    pub(super) fn intend(&self, id: &str, intent: Intent) {
        self.lock().evidence.intents.insert(id.to_owned(), intent);
    }

    pub(super) fn intent(&self, id: &str) -> Option<Intent> {
        self.lock().evidence.intents.get(id).cloned()
    }

    pub(super) fn ids(&self) -> Vec<String> {
        self.lock().evidence.intents.keys().cloned().collect()
    }

    pub(super) fn invoke(&self, id: &str, other_content: bool, asked: Asked) -> u64 {
        let call = {
            let mut inner = self.lock();
            inner.calls += 1;
            inner.counts.calls += 1;
            let call = inner.calls;
            inner.evidence.events.push(Event::Invoke {
                call,
                id: id.to_owned(),
                other_content,
            });
            call
        };
        self.note(|| format!("call {call}: {id} {asked:?}"));
        call
    }

    pub(super) fn heard(&self, call: u64, heard: Heard) {
        self.note(|| format!("call {call}: heard {heard:?}"));
        let mut inner = self.lock();
        inner.counts.ok += u64::from(matches!(heard, Heard::Ok(_)));
        inner.evidence.events.push(Event::Return { call, heard });
    }

    pub(super) fn unanswered(&self, id: &str) {
        self.lock().evidence.unanswered.push(id.to_owned());
    }

    /// Somebody writes behind everybody's back.
    pub(super) fn interfere(&self) {
        let (member, after) = self.draw(|random| {
            let member = code(random.within(0..self.profile.members));
            (member, random.amount())
        });
        let before = self.wechat.points(&member);
        self.wechat.set_points(&member, after);
        self.note(|| format!("somebody writes {after} over {before} of {member}"));
        let effect = Effect {
            member,
            source: Source::Foreign,
            before,
            after,
            at: self.lock().evidence.events.len(),
        };
        let place = self.wechat.ledger().len();
        self.lock().foreign.push((place, effect));
    }

    /// WeChat serves a write, and the ledger keeps when.
    pub(super) fn serve(&self, request: &dyn AnyEndpoint) -> Result<Box<dyn AnyAnswer>, Error> {
        let served = self.wechat.serve(request);
        let length = self.wechat.ledger().len();
        let mut inner = self.lock();
        let now = inner.evidence.events.len();
        inner.times.resize(length, now);
        served
    }

    // What keeps processes apart.

    /// A process counts up; false if it was taken for dead.
    pub(super) fn beat(&self, replica: &str) -> bool {
        if self.store.is_buried(replica) {
            return false;
        }
        let now = Instant::now();
        self.lock().beats.insert(replica.to_owned(), now);
        true
    }

    /// Tells whether several processes share the store; else the only one has it for itself, as a file.
    pub(super) const fn is_shared(&self) -> bool {
        self.profile.replicas > 1
    }

    /// The store loses what is not synced, or a part of it.
    pub(super) fn crash_store(&self) {
        let unsynced = count(self.store.unsynced());
        let kept = self.draw(|random| random.within(0..unsynced + 1));
        self.note(|| format!("the store crashes, and keeps {kept} of {unsynced} writes under way"));
        self.store.crash(usize::try_from(kept).unwrap_or_default());
    }

    /// Lets the store crash in the middle of a write of a kind.
    pub(super) fn crash_store_in(&self, write: &'static str) {
        self.lock().crashes_in = Some(write);
    }

    /// A write comes next.
    pub(super) fn before_write(self: &Arc<Self>, write: &'static str) {
        let is_time = self.lock().crashes_in.take_if(|at| *at == write).is_some();
        if is_time && !self.is_calm() {
            self.count(|counts| counts.crashes += 1);
            let world = Arc::clone(self);
            // Its turn is before that of the writer.
            tokio::spawn(async move { world.crash_store() });
        }
    }

    /// Tells whether the journal has an end for an id.
    pub(super) fn is_ended(&self, id: &str) -> bool {
        matches!(self.ends().get(id), Some(End::Applied | End::Rejected))
    }

    /// Takes for dead who has not counted up for long enough.
    pub(super) fn bury_the_silent(&self) {
        let now = Instant::now();
        let mut silent = Vec::new();
        for (replica, beat) in &self.lock().beats {
            if *beat + TAKEOVER <= now {
                silent.push(replica.clone());
            }
        }
        for replica in silent {
            self.bury(&replica);
        }
    }

    pub(super) fn bury(&self, replica: &str) {
        self.note(|| format!("{replica} counts as dead"));
        self.lock().beats.remove(replica);
        self.store.bury(replica);
    }

    // The end.

    /// Tells whether a change is open that needs no person.
    pub(super) fn has_open(&self) -> bool {
        self.ends().values().any(|end| *end == End::Open)
    }

    fn ends(&self) -> BTreeMap<String, End> {
        let end = |change: kabao_journal::StoredChange| {
            let needs_decision = Plan::read(&change.plan).is_some_and(|plan| plan.needs_decision);
            let end = match change.state {
                ChangeState::Applied => End::Applied,
                ChangeState::Rejected => End::Rejected,
                _ if needs_decision => End::NeedsDecision,
                _ => End::Open,
            };
            (change.key.id.into_string(), end)
        };
        self.store.changes().into_iter().map(end).collect()
    }

    /// Tells whether a change of a member waits for a person.
    pub(super) fn needs_decision(&self, member: &str) -> bool {
        self.ends().into_iter().any(|(id, end)| {
            let intent = self.intent(&id);
            end == End::NeedsDecision && intent.is_some_and(|intent| intent.member == member)
        })
    }

    pub(super) fn evidence(&self) -> (Evidence, Counts) {
        let ends = self.ends();
        let own = self.wechat.ledger();
        let mut inner = self.lock();
        let mut evidence = std::mem::take(&mut inner.evidence);
        let mut foreign = inner.foreign.iter().peekable();
        for place in 0..=own.len() {
            while let Some((_, effect)) = foreign.next_if(|(before, _)| *before == place) {
                evidence.ledger.push(effect.clone());
            }
            evidence.ledger.extend(own.get(place).map(|row| Effect {
                member: row.code.clone(),
                source: row.number.clone().map_or(Source::Value, Source::Number),
                before: row.before,
                after: row.after,
                at: inner.times.get(place).copied().unwrap_or_default(),
            }));
        }
        for member in evidence.initial.keys() {
            let points = self.wechat.points(member);
            evidence.last.insert(member.clone(), points);
        }
        let decisions = ends
            .values()
            .filter(|end| **end == End::NeedsDecision)
            .count();
        inner.counts.decisions = count(decisions);
        inner.counts.effects = count(evidence.ledger.len());
        evidence.ends = ends;
        (evidence, inner.counts)
    }

    /// Every step leaves the values whole.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for World {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000) + self.started.elapsed()
    }

    fn request_id(&self) -> Option<RequestId> {
        None
    }
}

/// The code of a member.
pub(super) fn code(number: u64) -> String {
    format!("{}", 1001 + number)
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
