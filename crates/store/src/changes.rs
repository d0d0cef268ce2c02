//! Changes over a table: seals what goes in, opens what comes out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;
use kabao_api::{AccountId, RequestId};
use kabao_auth::{DigestKey, SealingKeys};
use kabao_journal::{
    Begun, ChangeFilter, ChangeKey, ChangeStore, ChangeUpdate, Fingerprint, Held, Leases,
    NewChange, StoreError, StoredChange, Ticket,
};

use crate::table::{BegunRow, NewRow, Row, RowQuery, RowUpdate, Table, key};
use crate::time;

/// So many keys of open changes are remembered; the others are read when they are needed.
const REMEMBERED: usize = 16_384;

const PLAN: &str = "plan";
const ANSWER: &str = "answer";

/// What seals and digests.
#[derive(Clone, Debug)]
pub(crate) struct Seals {
    pub(crate) keys: SealingKeys,
    pub(crate) digests: DigestKey,
}

/// The changes of a table.
pub(crate) struct Changes<T> {
    table: T,
    seals: Seals,
    leases: Arc<dyn Leases>,
    /// Which change is at a place: what is sealed is bound to its key, and tickets do not name it.
    open: Mutex<HashMap<i64, ChangeKey>>,
}

impl Seals {
    fn seal(&self, key: &ChangeKey, column: &str, payload: &[u8]) -> Result<Vec<u8>, StoreError> {
        let sealed = self.keys.seal(&place(key, column), payload);
        sealed.map_err(|error| StoreError::refused("a payload cannot be sealed").with_source(error))
    }

    fn open(&self, key: &ChangeKey, column: &str, sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        let opened = self.keys.open(&place(key, column), sealed);
        let opened = opened.map_err(|error| {
            StoreError::new(format!("the {column} of {key} does not open")).with_source(error)
        })?;
        Ok(opened.as_bytes().to_vec())
    }

    /// Opens the payloads of a row.
    pub(crate) fn opened(&self, row: Row) -> Result<StoredChange, StoreError> {
        let mut change = row.change()?;
        change.plan = self.open(&change.key, PLAN, &change.plan)?;
        if let Some(answer) = change.answer {
            change.answer = Some(self.open(&change.key, ANSWER, &answer)?);
        }
        Ok(change)
    }

    /// The same for one of many: what does not open is left out, as a plan that nobody can read and an answer that is
    /// not there, so that one row does not hide the others.
    fn listed(&self, row: Row) -> Result<StoredChange, StoreError> {
        let mut change = row.change()?;
        change.plan = self
            .open(&change.key, PLAN, &change.plan)
            .unwrap_or_default();
        let answer = change.answer.take();
        change.answer = answer.and_then(|answer| self.open(&change.key, ANSWER, &answer).ok());
        Ok(change)
    }

    fn subject(&self, subject: &str) -> [u8; 32] {
        self.digests.digest("subject", &[subject.as_bytes()])
    }
}

impl<T: Table> Changes<T> {
    pub(crate) fn new(table: T, seals: Seals, leases: Arc<dyn Leases>) -> Self {
        Self {
            table,
            seals,
            leases,
            open: Mutex::default(),
        }
    }

    fn opened(&self, row: Option<Row>) -> Result<Option<StoredChange>, StoreError> {
        row.map(|row| self.seals.opened(row)).transpose()
    }

    fn remember(&self, ticket: Ticket, key: ChangeKey) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= REMEMBERED {
            open.clear();
        }
        open.insert(ticket.sequence, key);
    }

    fn remembered(&self, ticket: Ticket) -> Option<ChangeKey> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.get(&ticket.sequence).cloned()
    }

    fn ended(&self, ticket: Ticket) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.remove(&ticket.sequence);
    }

    async fn key_of(&self, ticket: Ticket) -> Result<Option<ChangeKey>, StoreError> {
        match self.remembered(ticket) {
            Some(key) => Ok(Some(key)),
            None => {
                let found = self.table.key_of(ticket.sequence).await?;
                found.map(|(account, id)| key(account, id)).transpose()
            }
        }
    }
}

#[async_trait]
impl<T: Table> ChangeStore for Changes<T> {
    fn fingerprint(&self, content: &[u8]) -> Result<Fingerprint, StoreError> {
        Ok(Fingerprint(
            self.seals.digests.digest("content", &[content]),
        ))
    }

    async fn find(&self, key: &ChangeKey) -> Result<Option<StoredChange>, StoreError> {
        self.opened(self.table.find(key).await?)
    }

    async fn first_known(
        &self,
        account: &AccountId,
        ids: &[RequestId],
    ) -> Result<Option<RequestId>, StoreError> {
        self.table.first_known(account, ids).await
    }

    fn is_new(&self, key: &ChangeKey) -> bool {
        self.table.is_new(key)
    }

    async fn begin(&self, change: NewChange) -> Result<Begun, StoreError> {
        let key = change.key;
        let subject = change.subject.as_deref();
        let row = NewRow {
            subject: subject.map(|subject| self.seals.subject(subject)),
            plan: self.seals.seal(&key, PLAN, &change.plan)?,
            key: key.clone(),
            method: change.method,
            fingerprint: change.fingerprint,
            lease: change.lease,
            owner: self.leases.replica().to_owned(),
            time: time::write(change.time),
        };
        Ok(match self.table.begin(row).await? {
            BegunRow::Fresh(ticket) => {
                self.remember(ticket, key);
                Begun::Fresh(ticket)
            }
            BegunRow::Exists(row) => Begun::Exists(Box::new(self.seals.opened(row)?)),
            BegunRow::Blocked(row) => Begun::Blocked(Box::new(self.seals.opened(row)?)),
            BegunRow::LeaseLost => Begun::LeaseLost,
        })
    }

    async fn update(&self, ticket: Ticket, update: ChangeUpdate) -> Result<Held, StoreError> {
        let Some(key) = self.key_of(ticket).await? else {
            return Ok(Held::Lost);
        };
        let seal = |column, payload: Option<Vec<u8>>| {
            let sealed = payload.map(|payload| self.seals.seal(&key, column, &payload));
            sealed.transpose()
        };
        let row = RowUpdate {
            state: update.state,
            owner: self.leases.replica().to_owned(),
            plan: seal(PLAN, update.plan)?,
            answer: seal(ANSWER, update.answer)?,
            time: time::write(update.time),
        };
        let held = self.table.update(ticket, row).await?;
        if update.state.is_final() {
            self.ended(ticket);
        }
        Ok(held)
    }

    async fn forget(&self, ticket: Ticket) -> Result<Held, StoreError> {
        let held = self.table.forget(ticket).await?;
        self.ended(ticket);
        Ok(held)
    }

    async fn claim(&self, ticket: Ticket) -> Result<Option<Ticket>, StoreError> {
        let owner = self.leases.replica().to_owned();
        let Some(claimed) = self.table.claim(ticket, owner).await? else {
            return Ok(None);
        };
        let ticket = Ticket {
            fence: claimed.fence,
            ..ticket
        };
        self.remember(ticket, key(claimed.account, claimed.id)?);
        Ok(Some(ticket))
    }

    async fn list(&self, filter: &ChangeFilter) -> Result<Vec<StoredChange>, StoreError> {
        let mut states = filter.states.clone();
        states.sort_unstable();
        states.dedup();
        let query = RowQuery {
            account: filter.account.clone(),
            states,
            subject: filter
                .subject
                .as_deref()
                .map(|subject| self.seals.subject(subject)),
            after: filter.after,
            newest_first: filter.newest_first,
            limit: i64::from(filter.limit),
        };
        let rows = self.table.list(query).await?;
        rows.into_iter().map(|row| self.seals.listed(row)).collect()
    }

    async fn now(&self) -> Result<Option<SystemTime>, StoreError> {
        Ok(self.table.now().await?.map(time::read))
    }

    async fn sweep(&self, before: SystemTime, limit: u32) -> Result<u64, StoreError> {
        self.table
            .sweep(time::write(before), i64::from(limit))
            .await
    }
}

/// What a sealed payload is bound to.
fn place<'a>(key: &'a ChangeKey, column: &'a str) -> [&'a str; 4] {
    ["changes", key.account.as_str(), key.id.as_str(), column]
}
