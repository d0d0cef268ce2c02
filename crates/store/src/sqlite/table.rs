//! The table of changes in SQLite.

use std::sync::Arc;

use async_trait::async_trait;
use kabao_api::{AccountId, RequestId};
use kabao_journal::{ChangeKey, Held, Lease, StoreError, Ticket};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, Params, ToSql, params, params_from_iter};

use super::ids::Ids;
use super::leases::ProcessLeases;
use super::places::Places;
use super::readers::Readers;
use super::statements;
use super::writer::Writer;
use crate::sql::{self, Value};
use crate::table::{BegunRow, Claimed, NewRow, Row, RowQuery, RowUpdate, Table};

/// The table of changes in a file of SQLite. The readers are dropped first, so that the writer closes the file.
pub(crate) struct SqliteTable {
    ids: Ids,
    places: Arc<Places>,
    readers: Arc<Readers>,
    writer: Arc<Writer>,
    leases: Arc<ProcessLeases>,
}

impl SqliteTable {
    pub(super) fn new(
        ids: Ids,
        places: Places,
        readers: Arc<Readers>,
        writer: Arc<Writer>,
        leases: Arc<ProcessLeases>,
    ) -> Self {
        Self {
            ids,
            places: Arc::new(places),
            readers,
            writer,
            leases,
        }
    }
}

#[async_trait]
impl Table for SqliteTable {
    async fn find(&self, key: &ChangeKey) -> Result<Option<Row>, StoreError> {
        if self.is_new(key) {
            return Ok(None);
        }
        let key = key.clone();
        self.readers
            .read(move |database| find(database, &key))
            .await
    }

    async fn first_known(
        &self,
        account: &AccountId,
        ids: &[RequestId],
    ) -> Result<Option<RequestId>, StoreError> {
        let keys = ids.iter().map(|id| ChangeKey {
            account: account.clone(),
            id: id.clone(),
        });
        let keys: Vec<ChangeKey> = keys.filter(|key| self.ids.may_have(key)).collect();
        if keys.is_empty() {
            return Ok(None);
        }
        self.readers
            .read(move |database| {
                for key in keys {
                    if find(database, &key)?.is_some() {
                        return Ok(Some(key.id));
                    }
                }
                Ok(None)
            })
            .await
    }

    fn is_new(&self, key: &ChangeKey) -> bool {
        !self.ids.may_have(key)
    }

    async fn begin(&self, new: NewRow) -> Result<BegunRow, StoreError> {
        let leases = Arc::clone(&self.leases);
        let (ids, places) = (self.ids.clone(), Arc::clone(&self.places));
        let queue = Arc::clone(self.writer.queue());
        let begun = self.writer.write(move |database| {
            ids.add(&new.key);
            let begun = begin(database, &leases, &places, &new)?;
            if let BegunRow::Fresh(ticket) = &begun {
                queue.begun(ticket.sequence);
            }
            Ok(begun)
        });
        let begun = begun.await;
        self.ids.renew(&self.writer).await;
        begun
    }

    async fn update(&self, ticket: Ticket, update: RowUpdate) -> Result<Held, StoreError> {
        self.writer.queue().returned(ticket.sequence);
        self.writer
            .write(move |database| write(database, ticket, &update))
            .await
    }

    async fn forget(&self, ticket: Ticket) -> Result<Held, StoreError> {
        self.writer.queue().returned(ticket.sequence);
        self.writer
            .write(move |database| {
                held(
                    database,
                    sql::FORGET,
                    params![ticket.sequence, ticket.fence],
                )
            })
            .await
    }

    async fn claim(&self, ticket: Ticket, owner: String) -> Result<Option<Claimed>, StoreError> {
        self.writer
            .write(move |database| {
                let mut statement = database.prepare_cached(sql::CLAIM)?;
                let claimed =
                    statement.query_row(params![owner, ticket.sequence, ticket.fence], |row| {
                        Ok(Claimed {
                            fence: row.get(0)?,
                            account: row.get(1)?,
                            id: row.get(2)?,
                        })
                    });
                claimed.optional()
            })
            .await
    }

    async fn list(&self, query: RowQuery) -> Result<Vec<Row>, StoreError> {
        self.readers
            .read(move |database| {
                let (statement, values) = statements::list(&query);
                let mut statement = database.prepare_cached(&statement)?;
                let rows = statement.query_map(params_from_iter(values), row)?;
                rows.collect()
            })
            .await
    }

    async fn sweep(&self, before: i64, limit: i64) -> Result<u64, StoreError> {
        self.writer
            .write(move |database| {
                let swept = database
                    .prepare_cached(sql::SWEEP)?
                    .execute([before, limit])?;
                Ok(u64::try_from(swept).unwrap_or(u64::MAX))
            })
            .await
    }

    async fn key_of(&self, sequence: i64) -> Result<Option<(String, String)>, StoreError> {
        self.readers
            .read(move |database| {
                let mut statement = database.prepare_cached(sql::KEY_OF)?;
                let key = statement.query_row([sequence], |row| Ok((row.get(0)?, row.get(1)?)));
                key.optional()
            })
            .await
    }
}

/// The one statement that writes the change comes last but for reads, so that nothing of a refused change stays.
fn begin(
    database: &Connection,
    leases: &ProcessLeases,
    places: &Places,
    new: &NewRow,
) -> rusqlite::Result<BegunRow> {
    let holds = |lease: &Lease| leases.holds(lease);
    let may = new.lease.as_ref().is_none_or(holds);
    if may {
        let sequence = places.next(database)?;
        let mut statement = database.prepare_cached(statements::BEGIN)?;
        let written = statement.execute(params![
            new.key.account.as_str(),
            new.key.id.as_str(),
            new.method,
            new.fingerprint.0,
            new.subject,
            new.owner,
            new.time,
            new.plan,
            sequence,
        ])?;
        if written > 0 {
            places.take(sequence);
            return Ok(BegunRow::Fresh(Ticket { sequence, fence: 1 }));
        }
    }
    if let Some(row) = find(database, &new.key)? {
        return Ok(BegunRow::Exists(row));
    }
    let blocked = match &new.subject {
        Some(subject) => open_of(database, &new.key.account, subject)?,
        None => None,
    };
    match blocked {
        Some(row) => Ok(BegunRow::Blocked(row)),
        None if may => Err(rusqlite::Error::QueryReturnedNoRows),
        None => Ok(BegunRow::LeaseLost),
    }
}

fn find(database: &Connection, key: &ChangeKey) -> rusqlite::Result<Option<Row>> {
    let mut statement = database.prepare_cached(statements::FIND)?;
    let found = statement.query_row([key.account.as_str(), key.id.as_str()], row);
    found.optional()
}

fn open_of(
    database: &Connection,
    account: &AccountId,
    subject: &[u8; 32],
) -> rusqlite::Result<Option<Row>> {
    let mut statement = database.prepare_cached(statements::OPEN_OF)?;
    let found = statement.query_row(params![account.as_str(), subject], row);
    found.optional()
}

/// Writes what has become of a change. Its answer is a second statement: if that one fails, nothing of the whole
/// transaction stays.
fn write(database: &Connection, ticket: Ticket, update: &RowUpdate) -> rusqlite::Result<Held> {
    let state = update.state.as_str();
    let written = held(
        database,
        statements::UPDATE,
        params![
            state,
            i64::from(update.state.is_final()),
            update.plan,
            update.owner,
            update.time,
            ticket.sequence,
            ticket.fence,
        ],
    )?;
    if written == Held::Lost {
        let mut lacks = database.prepare_cached(statements::LACKS_ANSWER)?;
        if !lacks.exists(params![ticket.sequence, ticket.fence, state])? {
            return Ok(Held::Lost);
        }
    }
    if let Some(answer) = &update.answer {
        let answered = database
            .prepare_cached(statements::ANSWER)
            .and_then(|mut statement| statement.execute(params![ticket.sequence, answer]));
        if let Err(error) = answered {
            // Some errors have undone it already.
            if !database.is_autocommit() {
                database.execute("ROLLBACK", [])?;
            }
            return Err(error);
        }
    }
    Ok(Held::Yes)
}

fn held(database: &Connection, statement: &str, parameters: impl Params) -> rusqlite::Result<Held> {
    match database.prepare_cached(statement)?.execute(parameters)? {
        0 => Ok(Held::Lost),
        _ => Ok(Held::Yes),
    }
}

/// Reads the columns of [`COLUMNS`](statements::COLUMNS).
pub(super) fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        sequence: row.get(0)?,
        fence: row.get(1)?,
        account: row.get(2)?,
        id: row.get(3)?,
        method: row.get(4)?,
        fingerprint: row.get(5)?,
        state: row.get(6)?,
        owner: row.get(7)?,
        plan: row.get(8)?,
        answer: row.get(9)?,
        create_time: row.get(10)?,
        update_time: row.get(11)?,
    })
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
            Self::Number(number) => ValueRef::Integer(*number),
        }))
    }
}
