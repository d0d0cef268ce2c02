//! What every store has to pass: one suite over the traits.
//!
//! [`conformance!`](crate::conformance!) makes a test of each of its functions.

#![expect(
    clippy::expect_used,
    reason = "a suite of tests, which is published for the tests of other crates"
)]

mod change;
mod listing;
mod many;
mod process;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use kabao_api::{AccountId, ChangeState, RequestId};
use tokio::task::JoinSet;

pub use self::change::*;
pub use self::listing::*;
pub use self::many::*;
pub use self::process::*;

use crate::store::{
    Acquired, Begun, ChangeFilter, ChangeKey, ChangeStore, ChangeUpdate, Fingerprint, Lease,
    Leases, NewChange, StoreError, StoredChange, Ticket,
};

/// A store under test.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// Opens the store as one more process does. What was opened before is dropped by then, unless the store
    /// [`is_shared`](Self::is_shared).
    async fn open(&self) -> Opened;

    /// Tells whether several processes may have it open at a time.
    fn is_shared(&self) -> bool;

    /// Lets a process, which was dropped already, count as dead; returns when it does for `witness`.
    async fn bury(&self, replica: &str, witness: &dyn Leases);
}

/// The store as one process has it.
#[derive(Clone)]
pub struct Opened {
    /// Its changes.
    pub changes: Arc<dyn ChangeStore>,
    /// Its leases.
    pub leases: Arc<dyn Leases>,
}

/// Makes a test of each function of the suite, over a fixture that is made anew for each. Attributes in
/// brackets before the fixture, such as `[#[ignore]]`, are those of each test.
#[macro_export]
macro_rules! conformance {
    (@one [$($attributes:tt)*] $fixture:expr; $name:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        $($attributes)*
        async fn $name() {
            $crate::conformance::$name(&$fixture).await;
        }
    };
    (@each $attributes:tt $fixture:expr; $($name:ident)*) => {
        $($crate::conformance! { @one $attributes $fixture; $name })*
    };
    ([$($attributes:tt)*] $fixture:expr) => {
        $crate::conformance! {
            @each [$($attributes)*] $fixture;
            a_change_that_was_begun_is_found_whole
            a_second_begin_of_an_id_finds_the_first
            of_many_ids_the_one_that_a_change_has_is_known
            an_open_change_blocks_others_of_its_subject
            a_change_is_begun_only_under_its_lease
            an_update_writes_what_it_says
            a_ticket_that_was_claimed_away_writes_nothing
            what_has_ended_takes_only_the_answer_that_it_lacks
            what_is_forgotten_frees_its_id_and_its_subject
            everything_survives_a_restart
            lists_are_filtered_and_paged_in_both_orders
            sweeping_removes_only_what_has_ended_before
            of_many_begins_of_one_id_one_is_fresh
            of_many_begins_of_one_subject_one_is_fresh
            many_writers_are_all_answered
            fingerprints_tell_contents_apart_and_last
            a_lease_has_one_holder_and_its_fence_grows
            leases_of_the_dead_are_taken_over
            processes_have_names_of_their_own
        }
    };
    ($fixture:expr) => {
        $crate::conformance! { [] $fixture }
    };
}

/// Runs `count` tasks at a time and returns what they give.
async fn at_once<T, F>(count: usize, mut task: impl FnMut(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for index in 0..count {
        tasks.spawn(task(index));
    }
    tasks.join_all().await
}

/// The open change of a subject, of which there is one at most.
async fn open_of(
    changes: &dyn ChangeStore,
    account: &AccountId,
    subject: &str,
) -> Option<StoredChange> {
    let filter = ChangeFilter {
        account: Some(account.clone()),
        states: vec![ChangeState::Intent, ChangeState::Sent, ChangeState::Unknown],
        subject: Some(subject.to_owned()),
        ..all()
    };
    let mut open = ok(changes.list(&filter).await);
    assert!(open.len() <= 1, "{open:?}");
    open.pop()
}

fn all() -> ChangeFilter {
    ChangeFilter {
        limit: 100,
        ..ChangeFilter::default()
    }
}

/// A change of the subject `subject ID`.
fn change(account: &str, id: &str) -> NewChange {
    NewChange {
        key: key(account, id),
        method: "kabao.v1.MemberService/AdjustPoints".to_owned(),
        fingerprint: Fingerprint([7; 32]),
        subject: Some(format!("subject {id}")),
        lease: None,
        plan: format!("plan {id}").into_bytes(),
        time: time(1),
    }
}

fn applied(answer: Option<&[u8]>) -> ChangeUpdate {
    ChangeUpdate {
        state: ChangeState::Applied,
        plan: None,
        answer: answer.map(<[u8]>::to_vec),
        time: time(3),
    }
}

fn key(account_id: &str, id: &str) -> ChangeKey {
    ChangeKey {
        account: account(account_id),
        id: RequestId::new(id).expect("a valid id"),
    }
}

fn account(id: &str) -> AccountId {
    AccountId::new(id).expect("a valid id")
}

fn time(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds)
}

fn ok<T>(result: Result<T, StoreError>) -> T {
    result.expect("the store works")
}

fn fresh(begun: Result<Begun, StoreError>) -> Ticket {
    let begun = ok(begun);
    let ticket = match &begun {
        Begun::Fresh(ticket) => Some(*ticket),
        _ => None,
    };
    expected(ticket, &begun)
}

fn held(acquired: Result<Acquired, StoreError>) -> Lease {
    let acquired = ok(acquired);
    let lease = match &acquired {
        Acquired::Held(lease) => Some(lease.clone()),
        Acquired::Busy => None,
    };
    expected(lease, &acquired)
}

fn expected<T>(value: Option<T>, instead: &impl Debug) -> T {
    assert!(value.is_some(), "got {instead:?}");
    value.expect("asserted above")
}
