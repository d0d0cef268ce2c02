//! The table of changes as both databases keep it: rows whose payloads are sealed.

use async_trait::async_trait;
use kabao_api::{AccountId, ChangeState, RequestId};
use kabao_journal::{ChangeKey, Fingerprint, Held, Lease, StoreError, StoredChange, Ticket};

use crate::time;

/// What a database does; what is sealed comes in sealed and goes out sealed.
#[async_trait]
pub(crate) trait Table: Send + Sync {
    async fn find(&self, key: &ChangeKey) -> Result<Option<Row>, StoreError>;
    /// One of the ids that a change of the account has.
    async fn first_known(
        &self,
        account: &AccountId,
        ids: &[RequestId],
    ) -> Result<Option<RequestId>, StoreError>;
    /// Whether it is certain without a look that no row has this key.
    fn is_new(&self, key: &ChangeKey) -> bool {
        let _ = key;
        false
    }
    async fn begin(&self, new: NewRow) -> Result<BegunRow, StoreError>;
    async fn update(&self, ticket: Ticket, update: RowUpdate) -> Result<Held, StoreError>;
    async fn forget(&self, ticket: Ticket) -> Result<Held, StoreError>;
    async fn claim(&self, ticket: Ticket, owner: String) -> Result<Option<Claimed>, StoreError>;
    async fn list(&self, query: RowQuery) -> Result<Vec<Row>, StoreError>;
    /// The time by the clock of a database that several processes share.
    async fn now(&self) -> Result<Option<i64>, StoreError> {
        Ok(None)
    }
    async fn sweep(&self, before: i64, limit: i64) -> Result<u64, StoreError>;
    /// Account and id of the change at a place.
    async fn key_of(&self, sequence: i64) -> Result<Option<(String, String)>, StoreError>;
}

/// A row before it is written.
#[derive(Clone, Debug)]
pub(crate) struct NewRow {
    pub(crate) key: ChangeKey,
    pub(crate) method: String,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) subject: Option<[u8; 32]>,
    pub(crate) lease: Option<Lease>,
    pub(crate) owner: String,
    pub(crate) plan: Vec<u8>,
    pub(crate) time: i64,
}

/// How writing a row ended.
#[derive(Clone, Debug)]
pub(crate) enum BegunRow {
    Fresh(Ticket),
    Exists(Row),
    Blocked(Row),
    LeaseLost,
}

/// What becomes of a row.
#[derive(Clone, Debug)]
pub(crate) struct RowUpdate {
    pub(crate) state: ChangeState,
    pub(crate) owner: String,
    pub(crate) plan: Option<Vec<u8>>,
    pub(crate) answer: Option<Vec<u8>>,
    pub(crate) time: i64,
}

/// A row that was claimed.
#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    pub(crate) fence: i64,
    pub(crate) account: String,
    pub(crate) id: String,
}

/// Which rows to list.
#[derive(Clone, Debug)]
pub(crate) struct RowQuery {
    pub(crate) account: Option<AccountId>,
    pub(crate) states: Vec<ChangeState>,
    pub(crate) subject: Option<[u8; 32]>,
    pub(crate) after: Option<i64>,
    pub(crate) newest_first: bool,
    pub(crate) limit: i64,
}

/// A change as the database gives it: the columns of `COLUMNS` of either one, in their order.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) sequence: i64,
    pub(crate) fence: i64,
    pub(crate) account: String,
    pub(crate) id: String,
    pub(crate) method: String,
    pub(crate) fingerprint: Vec<u8>,
    pub(crate) state: String,
    pub(crate) owner: String,
    pub(crate) plan: Vec<u8>,
    pub(crate) answer: Option<Vec<u8>>,
    pub(crate) create_time: i64,
    pub(crate) update_time: i64,
}

impl Row {
    /// Reads the columns; the payloads stay sealed.
    pub(crate) fn change(self) -> Result<StoredChange, StoreError> {
        Ok(StoredChange {
            ticket: Ticket {
                sequence: self.sequence,
                fence: self.fence,
            },
            key: key(self.account, self.id)?,
            method: self.method,
            fingerprint: Fingerprint(
                self.fingerprint
                    .try_into()
                    .map_err(|_| odd("fingerprint"))?,
            ),
            state: state(&self.state)?,
            owner: self.owner,
            plan: self.plan,
            answer: self.answer,
            create_time: time::read(self.create_time),
            update_time: time::read(self.update_time),
        })
    }
}

/// Puts a key together from its columns.
pub(crate) fn key(account: String, id: String) -> Result<ChangeKey, StoreError> {
    Ok(ChangeKey {
        account: AccountId::new(account).map_err(|_| odd("account"))?,
        id: self::id(id)?,
    })
}

/// Reads an id from its column.
pub(crate) fn id(id: String) -> Result<RequestId, StoreError> {
    RequestId::new(id).map_err(|_| odd("id"))
}

/// Reads the name of a state.
pub(crate) fn state(name: &str) -> Result<ChangeState, StoreError> {
    let mut all = ChangeState::ALL.into_iter();
    all.find(|state| state.as_str() == name)
        .ok_or_else(|| odd("state"))
}

fn odd(column: &str) -> StoreError {
    StoreError::new(format!(
        "the column {column} of a change in the store does not hold what belongs there"
    ))
}
