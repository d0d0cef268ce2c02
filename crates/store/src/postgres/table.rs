//! The table of changes in PostgreSQL.

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use kabao_api::{AccountId, RequestId};
use kabao_journal::{ChangeKey, Held, StoreError, Ticket};
use tokio_postgres::types::{ToSql, Type};

use super::pool::Pool;
use super::portions::REMOVE_UNUSED;
use super::session::{Parameter, Session, column};
use super::statements;
use crate::sql::{self, Value};
use crate::table::{self, BegunRow, Claimed, NewRow, Row, RowQuery, RowUpdate, Table};

/// account, id, method, fingerprint, subject, owner, time, plan, lease, its fence
///
/// The lease is locked until the commit, so that whoever takes it over comes after this change.
const BEGIN_UNDER_LEASE: &str = "INSERT INTO changes (fence, account, id, method, fingerprint, subject, state, \
     ended, owner, create_time, update_time, plan) \
     SELECT 1, $1::text, $2::text, $3::text, $4::bytea, $5::bytea, 'INTENT', 0, $6::text, $7::bigint, $7::bigint, \
     $8::bytea FROM leases \
     WHERE leases.name = $9::text AND leases.fence = $10::bigint AND leases.owner = $6::text FOR KEY SHARE \
     ON CONFLICT DO NOTHING RETURNING sequence";

/// account, id, method, fingerprint, subject, owner, time, plan
const BEGIN: &str = "INSERT INTO changes (fence, account, id, method, fingerprint, subject, state, \
     ended, owner, create_time, update_time, plan) \
     SELECT 1, $1::text, $2::text, $3::text, $4::bytea, $5::bytea, 'INTENT', 0, $6::text, $7::bigint, $7::bigint, \
     $8::bytea FROM replicas WHERE replicas.name = $6::text \
     ON CONFLICT DO NOTHING RETURNING sequence";

/// lease, its fence, owner
const HOLDS: &str = "SELECT FROM leases WHERE name = $1 AND fence = $2 AND owner = $3";

/// name
pub(super) const IS_REGISTERED: &str = "SELECT FROM replicas WHERE name = $1";

/// Whoever was taken for dead writes nothing, not even where nobody has taken its changes over yet.
const OWNER_LIVES: &str = "EXISTS (SELECT FROM replicas WHERE replicas.name = changes.owner)";

static UPDATE: LazyLock<String> =
    LazyLock::new(|| format!("{} AND (ended > 0 OR {OWNER_LIVES})", statements::UPDATE));

static FORGET: LazyLock<String> = LazyLock::new(|| format!("{} AND {OWNER_LIVES}", sql::FORGET));

/// owner, sequence, fence
const CLAIM: &str = "UPDATE changes SET fence = fence + 1, owner = $1 \
     WHERE sequence = $2 AND fence = $3 AND ended = 0 AND EXISTS (SELECT FROM replicas WHERE replicas.name = $1) \
     RETURNING fence, account, id";

/// How often a change is tried anew whose obstacle was gone when it was looked at.
const TRIES: u32 = 16;

/// The table of changes in a database of PostgreSQL.
pub(crate) struct PostgresTable {
    pool: Arc<Pool>,
}

impl PostgresTable {
    pub(super) fn new(pool: Arc<Pool>) -> Self {
        Self { pool }
    }
}

#[async_trait]
impl Table for PostgresTable {
    async fn find(&self, key: &ChangeKey) -> Result<Option<Row>, StoreError> {
        let mut session = self.pool.take("find").await?;
        let found = find(&mut session, key).await?;
        session.done();
        Ok(found)
    }

    async fn first_known(
        &self,
        account: &AccountId,
        ids: &[RequestId],
    ) -> Result<Option<RequestId>, StoreError> {
        let mut session = self.pool.take("first_known").await?;
        let ids: Vec<&str> = ids.iter().map(RequestId::as_str).collect();
        let known = session
            .first(statements::FIRST_KNOWN, &[&account.as_str(), &ids])
            .await?;
        let known = known.map(|row| column::<String>(&row, 0)).transpose()?;
        session.done();
        known.map(table::id).transpose()
    }

    async fn begin(&self, new: NewRow) -> Result<BegunRow, StoreError> {
        let mut session = self.pool.take("begin").await?;
        let begun = begin(&mut session, &new).await?;
        session.done();
        Ok(begun)
    }

    async fn update(&self, ticket: Ticket, update: RowUpdate) -> Result<Held, StoreError> {
        let mut session = self.pool.take("update").await?;
        let parameters: [Parameter<'_>; 8] = [
            &update.state.as_str(),
            &i64::from(update.state.is_final()),
            &update.plan,
            &update.owner,
            &update.time,
            &update.answer,
            &ticket.sequence,
            &ticket.fence,
        ];
        let written = session.execute(&UPDATE, &parameters).await?;
        session.done();
        Ok(held(written))
    }

    async fn forget(&self, ticket: Ticket) -> Result<Held, StoreError> {
        let mut session = self.pool.take("forget").await?;
        let parameters: [Parameter<'_>; 2] = [&ticket.sequence, &ticket.fence];
        let removed = session.execute(&FORGET, &parameters).await?;
        session.done();
        Ok(held(removed))
    }

    async fn claim(&self, ticket: Ticket, owner: String) -> Result<Option<Claimed>, StoreError> {
        let mut session = self.pool.take("claim").await?;
        let parameters: [Parameter<'_>; 3] = [&owner, &ticket.sequence, &ticket.fence];
        let claimed = match session.first(CLAIM, &parameters).await? {
            None => None,
            Some(row) => Some(Claimed {
                fence: column(&row, 0)?,
                account: column(&row, 1)?,
                id: column(&row, 2)?,
            }),
        };
        session.done();
        Ok(claimed)
    }

    async fn list(&self, query: RowQuery) -> Result<Vec<Row>, StoreError> {
        let (statement, values) = statements::list(&query);
        let mut session = self.pool.take("list").await?;
        let parameters: Vec<(Parameter<'_>, Type)> = values.iter().map(typed).collect();
        let rows = session.rows_of_text(&statement, &parameters).await?;
        session.done();
        rows.iter().map(row).collect()
    }

    async fn now(&self) -> Result<Option<i64>, StoreError> {
        let mut session = self.pool.take("now").await?;
        let row = session.first(statements::NOW, &[]).await?;
        let now = row.map(|row| column(&row, 0)).transpose()?;
        session.done();
        Ok(now)
    }

    async fn sweep(&self, before: i64, limit: i64) -> Result<u64, StoreError> {
        let mut session = self.pool.take("sweep").await?;
        let swept = session.execute(sql::SWEEP, &[&before, &limit]).await?;
        session.execute(REMOVE_UNUSED, &[]).await?;
        session.done();
        Ok(swept)
    }

    async fn key_of(&self, sequence: i64) -> Result<Option<(String, String)>, StoreError> {
        let mut session = self.pool.take("key_of").await?;
        let key = match session.first(sql::KEY_OF, &[&sequence]).await? {
            None => None,
            Some(row) => Some((column(&row, 0)?, column(&row, 1)?)),
        };
        session.done();
        Ok(key)
    }
}

/// One statement writes the change if nothing is in its way. What was in its way may be gone when it is looked at.
async fn begin(session: &mut Session, new: &NewRow) -> Result<BegunRow, StoreError> {
    for _ in 0..TRIES {
        if let Some(ticket) = write(session, new).await? {
            return Ok(BegunRow::Fresh(ticket));
        }
        // Nothing was written, whatever happens from here on.
        let obstacle = obstacle(session, new).await;
        if let Some(begun) = obstacle.map_err(|error| StoreError::refused(error.to_string()))? {
            return Ok(begun);
        }
    }
    Err(StoreError::refused(
        "the change has met others that came and went, again and again",
    ))
}

async fn write(session: &mut Session, new: &NewRow) -> Result<Option<Ticket>, StoreError> {
    let (account, id) = (new.key.account.as_str(), new.key.id.as_str());
    let fingerprint = new.fingerprint.0.as_slice();
    let subject = new.subject.as_ref().map(<[u8; 32]>::as_slice);
    let mut parameters: Vec<Parameter<'_>> = vec![
        &account,
        &id,
        &new.method,
        &fingerprint,
        &subject,
        &new.owner,
        &new.time,
        &new.plan,
    ];
    let statement = match &new.lease {
        None => BEGIN,
        Some(lease) => {
            parameters.push(&lease.name);
            parameters.push(&lease.fence);
            BEGIN_UNDER_LEASE
        }
    };
    match session.first(statement, &parameters).await? {
        None => Ok(None),
        Some(row) => Ok(Some(Ticket {
            sequence: column(&row, 0)?,
            fence: 1,
        })),
    }
}

/// What a change has met; `None` if that is gone.
async fn obstacle(session: &mut Session, new: &NewRow) -> Result<Option<BegunRow>, StoreError> {
    if let Some(row) = find(session, &new.key).await? {
        return Ok(Some(BegunRow::Exists(row)));
    }
    if let Some(subject) = &new.subject {
        let parameters: [Parameter<'_>; 2] = [&new.key.account.as_str(), &subject.as_slice()];
        if let Some(found) = session.first(statements::OPEN_OF, &parameters).await? {
            return Ok(Some(BegunRow::Blocked(row(&found)?)));
        }
    }
    let may = match &new.lease {
        Some(lease) => {
            let parameters: [Parameter<'_>; 3] = [&lease.name, &lease.fence, &new.owner];
            session.first(HOLDS, &parameters).await?.is_some()
        }
        None => {
            let registered = session.first(IS_REGISTERED, &[&new.owner]).await?;
            if registered.is_none() {
                return Err(StoreError::refused(
                    "this replica was taken for dead, and is about to go on under another name",
                ));
            }
            true
        }
    };
    Ok((!may).then_some(BegunRow::LeaseLost))
}

async fn find(session: &mut Session, key: &ChangeKey) -> Result<Option<Row>, StoreError> {
    let parameters: [Parameter<'_>; 2] = [&key.account.as_str(), &key.id.as_str()];
    let found = session.first(statements::FIND, &parameters).await?;
    found.as_ref().map(row).transpose()
}

fn held(rows: u64) -> Held {
    match rows {
        0 => Held::Lost,
        _ => Held::Yes,
    }
}

pub(super) fn row(row: &tokio_postgres::Row) -> Result<Row, StoreError> {
    Ok(Row {
        sequence: column(row, 0)?,
        fence: column(row, 1)?,
        account: column(row, 2)?,
        id: column(row, 3)?,
        method: column(row, 4)?,
        fingerprint: column(row, 5)?,
        state: column(row, 6)?,
        owner: column(row, 7)?,
        plan: column(row, 8)?,
        answer: column(row, 9)?,
        create_time: column(row, 10)?,
        update_time: column(row, 11)?,
    })
}

fn typed(value: &Value) -> (Parameter<'_>, Type) {
    let value: (&(dyn ToSql + Sync), Type) = match value {
        Value::Text(text) => (text, Type::TEXT),
        Value::Bytes(bytes) => (bytes, Type::BYTEA),
        Value::Number(number) => (number, Type::INT8),
    };
    value
}
