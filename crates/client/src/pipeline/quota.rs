//! WeChat's limits of calls, shared out among those who call.
//!
//! The catalogue knows the limit of each operation. Calls of one credential to an operation that has one leave no faster
//! than that, and wait for it in a queue that is fair among callers. An operation without a limit costs nothing.
//!
//! A turn is asked for before each attempt and before a place among the calls in flight. So whoever waits for a turn
//! holds no place, and whoever holds a place never waits for a turn: neither queue can wait for the other. The other way
//! round, ten seconds' worth of waiting calls would take all places of the account from operations that have no limit.

mod day;
mod lane;
mod portion;
mod sharing;
mod turns;
mod window;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::Duration;

use kabao_api::portions::Portions;
use kabao_api::{CallContext, CallerKey, Error, Reason, Urgency};
use kabao_models::Operation;
use tokio::sync::Notify;
use tokio::time::Instant;

use self::day::Days;
use self::lane::Lane;
pub(crate) use self::lane::{Turn, last_turn};
use self::turns::{Claim, MAX_WEIGHT};
use super::credentials::{Credentials, Proof, SignedCredential};
use crate::call::Call;
use crate::failure::Failure;
use crate::origin::Origin;
use crate::vitals::LimitVitals;

/// The `errcode` of a quota of the day that is used up.
const DAY_USED_UP: &str = "45009";

/// As many calls a second are taken for possible at least when WeChat refuses the first for its rate.
const LEAST_LEARNED: usize = 10;

/// What clients share to keep to WeChat's limits of calls: accounts of the same merchant number, brand or AppID at the
/// same host have one limit together.
///
/// A process hands the same value to the builders of all its accounts; clones are the same value.
#[derive(Clone, Default)]
pub struct Quotas(Arc<Registry>);

#[derive(Default)]
struct Registry {
    subjects: Mutex<HashMap<Subject, Weak<Allowance>>>,
    weights: Weights,
    sharing: Arc<Sharing>,
}

/// Whether the limits are shared with other processes.
#[derive(Default)]
struct Sharing {
    is_on: AtomicBool,
    /// Somebody waits, and nothing may leave.
    wanted: Arc<Notify>,
}

/// Callers whose weight is not 1.
type Weights = Arc<RwLock<HashMap<CallerKey, u32>>>;

/// Whom WeChat counts calls of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Merchant,
    Brand,
    OfficialAccount,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Merchant => "merchant",
            Self::Brand => "brand",
            Self::OfficialAccount => "official_account",
        }
    }
}

/// One merchant number, brand or AppID at one host.
type Subject = (Kind, String, Origin);

/// What one of them may call.
pub(crate) struct Allowance {
    lanes: Mutex<HashMap<&'static str, Arc<Lane>>>,
    /// Whether one of them may be of an operation without a documented limit; the others need not look.
    has_learned: AtomicBool,
    days: Mutex<Days>,
    /// Whether a look at `days` is worth while.
    has_closed: AtomicBool,
    weights: Weights,
    sharing: Arc<Sharing>,
}

/// The limits of one account.
pub(crate) struct Limits {
    quotas: Quotas,
    merchant: Option<Arc<Allowance>>,
    brand: Option<Arc<Allowance>>,
    official_account: Option<Arc<Allowance>>,
    max_waiting: usize,
}

impl Quotas {
    /// Sets how much of a limit a caller gets beside others, 1 to 1000, whatever its calls say
    /// ([`CallContext::weight`](kabao_api::CallContext::weight)); 1 leaves it to them.
    pub fn set_weight(&self, caller: CallerKey, weight: u32) {
        let mut weights = self
            .0
            .weights
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        match weight.clamp(1, MAX_WEIGHT) {
            1 => drop(weights.remove(&caller)),
            weight => drop(weights.insert(caller, weight)),
        }
    }

    /// Shares all limits with the other processes that use the same `portions`, as long as what is returned is polled; it
    /// never ends.
    ///
    /// From now on a call to an operation that has a limit leaves only within the portion of this process, which follows
    /// what each needs; it takes a moment until there is one. When `portions` does not answer for some time, the portion
    /// may be another process's, and an equal part of the limit takes its place. Calls to operations without a limit take
    /// no part in it.
    pub fn share(&self, portions: Arc<dyn Portions>) -> impl Future<Output = ()> + Send + 'static {
        self.0.sharing.is_on.store(true, Ordering::Release);
        for (_, lane) in self.0.lanes() {
            lane.share();
        }
        let registry = Arc::clone(&self.0);
        async move { sharing::run(&registry, &*portions).await }
    }

    /// Looks at each limit that a call has met. It costs a short lock for each.
    pub fn vitals(&self) -> Vec<LimitVitals> {
        self.0.vitals()
    }

    /// Finds the limits of what an account can prove.
    pub(crate) fn limits(&self, credentials: &Credentials, max_waiting: usize) -> Limits {
        let signed = |kind, credential: &Option<Arc<SignedCredential>>| {
            let credential = credential.as_deref()?;
            let id = credential.keyring.identity().id();
            Some(self.allowance((kind, id.to_owned(), credential.route.main_origin().clone())))
        };
        let official_account = credentials.token.as_deref().map(|token| {
            let (id, origin) = (token.appid().to_owned(), token.route().main_origin());
            self.allowance((Kind::OfficialAccount, id, origin.clone()))
        });
        Limits {
            quotas: self.clone(),
            merchant: signed(Kind::Merchant, &credentials.merchant),
            brand: signed(Kind::Brand, &credentials.brand),
            official_account,
            max_waiting,
        }
    }

    fn allowance(&self, subject: Subject) -> Arc<Allowance> {
        let mut subjects = lock(&self.0.subjects);
        // As seldom as the map would grow, so that ten thousand subjects are not gone through ten thousand times.
        if subjects.len() == subjects.capacity() {
            subjects.retain(|_, allowance| allowance.strong_count() > 0);
        }
        if let Some(known) = subjects.get(&subject).and_then(Weak::upgrade) {
            return known;
        }
        let allowance = Arc::new(Allowance {
            lanes: Mutex::default(),
            has_learned: AtomicBool::new(false),
            days: Mutex::default(),
            has_closed: AtomicBool::new(false),
            weights: Arc::clone(&self.0.weights),
            sharing: Arc::clone(&self.0.sharing),
        });
        subjects.insert(subject, Arc::downgrade(&allowance));
        allowance
    }
}

impl Limits {
    /// Those that they are part of.
    pub(crate) fn quotas(&self) -> &Quotas {
        &self.quotas
    }

    /// Waits for the turn of a call, which has to come `needed` before its deadline.
    pub(crate) async fn take(
        &self,
        call: &Call,
        proof: &Proof,
        needed: Duration,
        now: i64,
    ) -> Result<Turn, Error> {
        let operation = call.sending.operation;
        let Some(allowance) = self.of(proof) else {
            return Ok(Turn::free());
        };
        allowance.require_day(operation, now)?;
        let Some(lane) = allowance.lane(operation, self.max_waiting) else {
            return Ok(Turn::free());
        };
        let claim = allowance.claim(call.caller.as_ref(), call.weight, call.urgency);
        lane.take(call, claim, needed).await
    }

    /// Fails if a call is refused at once that wants a turn now, as [`take`](Self::take) would refuse it.
    pub(crate) fn require(
        &self,
        context: &CallContext,
        operation: &'static Operation,
        proof: &Proof,
        until: Instant,
        now: i64,
    ) -> Result<(), Error> {
        let Some(allowance) = self.of(proof) else {
            return Ok(());
        };
        if allowance.has_closed.load(Ordering::Relaxed)
            && let Some(seconds) = allowance.with_days(|days| days.closed(operation.id, now))
        {
            return Err(day_used_up(seconds));
        }
        let Some(lane) = allowance.lane(operation, self.max_waiting) else {
            return Ok(());
        };
        let caller = context.turns_of.as_ref();
        let claim = allowance.claim(caller, context.weight, context.urgency);
        lane.require(&claim, until)
    }

    /// Notes that WeChat served a call.
    pub(crate) fn accepted(&self, call: &Call, proof: &Proof) {
        let operation = call.sending.operation;
        if let Some(allowance) = self.of(proof)
            && allowance.has_closed.load(Ordering::Relaxed)
            && allowance.with_days(|days| days.open(operation.id))
        {
            tracing::info!(
                account = %call.account,
                operation = operation.id,
                "WeChat serves the operation again whose quota of the day was used up"
            );
        }
    }

    /// Notes a failure, which may be one of the rate.
    ///
    /// `pace` tells about how many calls of the operation there are a second: if no limit by the second or the minute is
    /// documented for it, one is learned from there.
    pub(crate) fn failed(
        &self,
        call: &Call,
        proof: &Proof,
        failure: &Failure,
        now: i64,
        pace: impl FnOnce() -> usize,
    ) {
        let (error, operation) = (&failure.error, call.sending.operation);
        let Some(upstream) = error.upstream() else {
            return;
        };
        let Some(allowance) = self.of(proof) else {
            return;
        };
        if error.reason() != Reason::UpstreamRateLimited {
            return;
        }
        if upstream.code == DAY_USED_UP {
            if let Some(seconds) = allowance.with_days(|days| days.close(operation.id, now)) {
                tracing::warn!(
                    account = %call.account,
                    operation = operation.id,
                    seconds,
                    "the quota of the day is used up; the operation is closed until midnight in Beijing"
                );
            }
        } else if let Some(lane) = allowance.lane(operation, self.max_waiting) {
            let Some(thousandths) = lane.lower() else {
                return;
            };
            tracing::warn!(
                account = %call.account,
                operation = operation.id,
                thousandths,
                "WeChat refused a call for its rate; fewer are sent for a while"
            );
        } else {
            let calls = pace().max(LEAST_LEARNED);
            allowance.learn(operation, calls, self.max_waiting);
            tracing::warn!(
                account = %call.account,
                operation = operation.id,
                calls,
                "WeChat refused a call for its rate, which is documented nowhere; fewer are sent for a while"
            );
        }
    }

    fn of(&self, proof: &Proof) -> Option<&Arc<Allowance>> {
        match proof {
            Proof::Signature(credential) => match credential.keyring.identity().scheme() {
                kabao_auth::Scheme::Brand => self.brand.as_ref(),
                _ => self.merchant.as_ref(),
            },
            Proof::Token(_) | Proof::Parameters(_) => self.official_account.as_ref(),
        }
    }
}

impl Allowance {
    /// Fails if the quota of the day is used up.
    fn require_day(&self, operation: &'static Operation, now: i64) -> Result<(), Error> {
        if !self.has_closed.load(Ordering::Relaxed) {
            return Ok(());
        }
        let Some(seconds) = self.with_days(|days| days.refusal(operation.id, now)) else {
            return Ok(());
        };
        Err(day_used_up(seconds))
    }

    /// Finds the lane of an operation that has a limit.
    fn lane(&self, operation: &'static Operation, max_waiting: usize) -> Option<Arc<Lane>> {
        if operation.rate_limit.is_none() && !self.has_learned.load(Ordering::Relaxed) {
            return None;
        }
        let mut lanes = lock(&self.lanes);
        if let Some(lane) = lanes.get(operation.id) {
            if !lane.is_forgotten() {
                return Some(Arc::clone(lane));
            }
            lanes.remove(operation.id);
        }
        let documented = operation.rate_limit.as_ref()?;
        let wanted = Arc::clone(&self.sharing.wanted);
        let lane = Arc::new(Lane::new(documented, max_waiting, wanted)?);
        if self.sharing.is_on.load(Ordering::Acquire) {
            lane.share();
        }
        lanes.insert(operation.id, Arc::clone(&lane));
        Some(lane)
    }

    /// Begins to limit an operation for which no limit is documented.
    fn learn(&self, operation: &'static Operation, calls: usize, max_waiting: usize) {
        let wanted = Arc::clone(&self.sharing.wanted);
        let lane = Lane::learned(calls, max_waiting, wanted);
        let mut lanes = lock(&self.lanes);
        lanes.entry(operation.id).or_insert_with(|| Arc::new(lane));
        self.has_learned.store(true, Ordering::Relaxed);
    }

    fn claim(&self, caller: Option<&CallerKey>, weight: u32, urgency: Urgency) -> Claim {
        let own = caller.and_then(|caller| {
            let weights = self.weights.read().unwrap_or_else(PoisonError::into_inner);
            weights.get(caller).copied()
        });
        Claim {
            caller: caller.cloned(),
            weight: own.unwrap_or(weight),
            urgency,
        }
    }

    fn with_days<T>(&self, act: impl FnOnce(&mut Days) -> T) -> T {
        let mut days = lock(&self.days);
        let done = act(&mut days);
        self.has_closed.store(!days.is_empty(), Ordering::Relaxed);
        done
    }
}

fn day_used_up(seconds: i64) -> Error {
    let pause = Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
    let error = Error::new(
        Reason::UpstreamRateLimited,
        "WeChat's quota of calls of this day is used up; there is a new one at midnight in Beijing",
    );
    error.mark_not_retryable().with_retry_after(pause)
}

/// Clones are equal.
impl PartialEq for Quotas {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Quotas {}

impl fmt::Debug for Quotas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quotas").finish_non_exhaustive()
    }
}

/// Every change leaves what is behind it whole.
fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
