//! What a journal needs of a store: two traits, and values that say nothing of SQL.

mod shown;

use std::error::Error as StdError;
use std::fmt;
use std::time::SystemTime;

use async_trait::async_trait;
use kabao_api::{AccountId, ChangeState, Error, Reason, RequestId};

/// Where changes are kept.
///
/// Every write is durable when it returns: it survives a crash of the process and of the machine.
/// Payloads ([`NewChange::plan`], [`ChangeUpdate::plan`], [`ChangeUpdate::answer`]) are sealed by
/// the store; contents and subjects are kept as keyed digests only.
#[async_trait]
pub trait ChangeStore: Send + Sync {
    /// Returns the digest by which two contents are compared. It is keyed, so that nobody finds a
    /// phone number by trying all of them.
    ///
    /// # Errors
    /// The key is part of the store, and so cannot be had before the store is open.
    fn fingerprint(&self, content: &[u8]) -> Result<Fingerprint, StoreError>;

    /// Finds the change of an id.
    async fn find(&self, key: &ChangeKey) -> Result<Option<StoredChange>, StoreError>;

    /// Returns one of `ids` that a change of `account` has, if any of them has one. A store that can look for many at
    /// once should.
    async fn first_known(
        &self,
        account: &AccountId,
        ids: &[RequestId],
    ) -> Result<Option<RequestId>, StoreError> {
        for id in ids {
            let (account, id) = (account.clone(), id.clone());
            let key = ChangeKey { account, id };
            if self.find(&key).await?.is_some() {
                return Ok(Some(key.id));
            }
        }
        Ok(None)
    }

    /// Tells, without a wait, that no change has this id; false where that is not certain at once.
    fn is_new(&self, key: &ChangeKey) -> bool {
        let _ = key;
        false
    }

    /// Writes a new change in the state [`ChangeState::Intent`], in one step with these checks: no
    /// change has its id ([`Begun::Exists`]), no other change of its subject is open
    /// ([`Begun::Blocked`]), its lease is still held ([`Begun::LeaseLost`]).
    async fn begin(&self, change: NewChange) -> Result<Begun, StoreError>;

    /// Writes what has become of an open change, if `ticket` is still the right to do so. One that has
    /// ended takes only this: the answer that it lacks, in the same state.
    async fn update(&self, ticket: Ticket, update: ChangeUpdate) -> Result<Held, StoreError>;

    /// Removes a change of which nothing was sent, if `ticket` is still the right to do so.
    async fn forget(&self, ticket: Ticket) -> Result<Held, StoreError>;

    /// Takes an open change over: the ticket that is returned is the only right from then on. `None`
    /// if `ticket` is not the present one any more, or the change has ended.
    async fn claim(&self, ticket: Ticket) -> Result<Option<Ticket>, StoreError>;

    /// Lists changes. One whose plan does not open is among them, with an empty one: nothing may be concluded from its
    /// plan, nor from an answer that is missing then.
    async fn list(&self, filter: &ChangeFilter) -> Result<Vec<StoredChange>, StoreError>;

    /// Returns the time by the clock of the store, if processes share it: one whose clock is ahead must not take for old
    /// what others have just done. `None` where nobody else could know better.
    async fn now(&self) -> Result<Option<SystemTime>, StoreError> {
        Ok(None)
    }

    /// Removes changes that ended before `before`, at most `limit` of them, and returns how many.
    async fn sweep(&self, before: SystemTime, limit: u32) -> Result<u64, StoreError>;
}

/// Who may change something, among all processes that share a store.
///
/// No clock is compared with another one. Each process counts up a number of its own; whoever sees
/// that the number of another one has stood still for long enough, by its own clock, may take over
/// what that one holds, and the fencing number grows.
#[async_trait]
pub trait Leases: Send + Sync {
    /// Returns the name of this process, which no other process has or had. One that was taken for dead goes on under
    /// another name, and holds nothing of what it held.
    fn replica(&self) -> &str;

    /// Takes a lease, if nobody alive holds it.
    async fn acquire(&self, name: &str) -> Result<Acquired, StoreError>;

    /// Gives a lease back; true if somebody else waits for it.
    async fn release(&self, lease: Lease) -> Result<bool, StoreError>;

    /// Tells whether a process counts as alive; this one does as long as [`is_fresh`](Self::is_fresh).
    async fn is_alive(&self, replica: &str) -> Result<bool, StoreError>;

    /// Tells, without asking the store, whether this process has counted up recently enough that
    /// nobody can have taken over what it holds.
    fn is_fresh(&self) -> bool;

    /// Gives up the place of this process, in which nothing runs any more: it holds and begins nothing from now on, and
    /// others need not wait until they take it for dead. Whoever has the store alone has nobody to tell.
    async fn leave(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// What identifies a change: an id means one change in one account.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChangeKey {
    /// The account.
    pub account: AccountId,
    /// The request id.
    pub id: RequestId,
}

/// A keyed digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 32]);

/// The right to write to one change: its place in the store and its fencing number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket {
    /// Its place in the store; later changes have higher ones.
    pub sequence: i64,
    /// Grows with each claim.
    pub fence: i64,
}

/// A change before it is written.
#[derive(Clone)]
pub struct NewChange {
    /// Its id.
    pub key: ChangeKey,
    /// What was asked for.
    pub method: String,
    /// What was asked for in detail.
    pub fingerprint: Fingerprint,
    /// What it changes, if only one change of that may be under way at a time.
    pub subject: Option<String>,
    /// The lease on the subject, if there is one.
    pub lease: Option<Lease>,
    /// What will be sent and how to prove it; sealed.
    pub plan: Vec<u8>,
    /// When.
    pub time: SystemTime,
}

/// What becomes of a change.
#[derive(Clone)]
pub struct ChangeUpdate {
    /// The state that it is in now.
    pub state: ChangeState,
    /// A new plan, if that has changed; sealed.
    pub plan: Option<Vec<u8>>,
    /// What repeats are answered with; sealed.
    pub answer: Option<Vec<u8>>,
    /// When.
    pub time: SystemTime,
}

/// A change as it is in the store.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredChange {
    /// The right to write to it, for whoever holds the lease on its subject or its owner's place.
    pub ticket: Ticket,
    /// Its id.
    pub key: ChangeKey,
    /// What was asked for.
    pub method: String,
    /// What was asked for in detail.
    pub fingerprint: Fingerprint,
    /// How far it got.
    pub state: ChangeState,
    /// The process that wrote or claimed it last.
    pub owner: String,
    /// The plan, opened.
    pub plan: Vec<u8>,
    /// The answer, opened.
    pub answer: Option<Vec<u8>>,
    /// When it was begun.
    pub create_time: SystemTime,
    /// When it was written last.
    pub update_time: SystemTime,
}

/// How beginning a change ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is written.
    Fresh(Ticket),
    /// Its id has a change already.
    Exists(Box<StoredChange>),
    /// Another change of its subject is open.
    Blocked(Box<StoredChange>),
    /// Its lease belongs to somebody else by now.
    LeaseLost,
}

/// Whether a right still held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// It did, and the write is durable.
    Yes,
    /// Somebody has claimed the change; nothing was written.
    Lost,
}

/// The right to change something, until it is given back or taken over.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Lease {
    /// What it is a right to.
    pub name: String,
    /// Grows with each owner.
    pub fence: i64,
}

/// How the try to take a lease ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acquired {
    /// It is held now.
    Held(Lease),
    /// Somebody else holds it, and knows now that it is wanted.
    Busy,
}

/// Which changes to list.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ChangeFilter {
    /// Of this account only.
    pub account: Option<AccountId>,
    /// In these states only; none for all.
    pub states: Vec<ChangeState>,
    /// Of this subject only.
    pub subject: Option<String>,
    /// Only those after this place, or before it if the order is reversed.
    pub after: Option<i64>,
    /// From the newest instead of from the oldest.
    pub newest_first: bool,
    /// At most so many.
    pub limit: u32,
}

/// Why the store does not say that it has done what it was asked for.
///
/// Unless it [says](Self::is_refusal) that nothing was done, it may have been, and may show only after the store was
/// opened anew: a sync that fails leaves behind what a later one may make durable.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    message: String,
    is_refusal: bool,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl StoreError {
    /// Says what failed, without values. Whether it was done is not known.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            is_refusal: false,
            source: None,
        }
    }

    /// Says why nothing was done, and nothing will be.
    pub fn refused(message: impl Into<String>) -> Self {
        Self {
            is_refusal: true,
            ..Self::new(message)
        }
    }

    /// Returns true if nothing was done, and nothing will be.
    pub fn is_refusal(&self) -> bool {
        self.is_refusal
    }

    /// Attaches the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::new(Reason::Store, "the store of the gateway does not work").with_source(error)
    }
}

impl fmt::Display for ChangeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "accounts/{}/changes/{}", self.account, self.id)
    }
}
