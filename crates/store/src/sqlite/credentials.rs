//! The table of credentials in SQLite.

use std::sync::Arc;

use async_trait::async_trait;
use kabao_journal::StoreError;
use rusqlite::{OptionalExtension as _, params};

use super::leases::ProcessLeases;
use super::readers::Readers;
use super::writer::Writer;
use crate::credentials::{CredentialRow, CredentialTable};
use crate::sql::FIND_CREDENTIAL;

/// name, fence, payload
const PUT: &str = "INSERT INTO credentials (name, fence, payload) VALUES ($1, $2, $3) \
     ON CONFLICT (name) DO UPDATE SET fence = excluded.fence, payload = excluded.payload \
     WHERE credentials.fence <= excluded.fence";

/// The table of credentials in a file of SQLite. The readers are dropped first, so that the writer closes the file.
pub(crate) struct SqliteCredentials {
    readers: Arc<Readers>,
    writer: Arc<Writer>,
    leases: Arc<ProcessLeases>,
}

impl SqliteCredentials {
    pub(super) fn new(
        readers: Arc<Readers>,
        writer: Arc<Writer>,
        leases: Arc<ProcessLeases>,
    ) -> Self {
        Self {
            readers,
            writer,
            leases,
        }
    }
}

#[async_trait]
impl CredentialTable for SqliteCredentials {
    async fn find(&self, name: &str) -> Result<Option<(i64, Vec<u8>)>, StoreError> {
        let name = name.to_owned();
        self.readers
            .read(move |database| {
                let mut statement = database.prepare_cached(FIND_CREDENTIAL)?;
                let found = statement.query_row([name], |row| Ok((row.get(0)?, row.get(1)?)));
                found.optional()
            })
            .await
    }

    async fn put(&self, row: CredentialRow) -> Result<bool, StoreError> {
        let leases = Arc::clone(&self.leases);
        self.writer
            .write(move |database| {
                if !leases.holds(&row.lease) {
                    return Ok(false);
                }
                let mut statement = database.prepare_cached(PUT)?;
                let written = statement.execute(params![row.name, row.lease.fence, row.payload])?;
                Ok(written > 0)
            })
            .await
    }
}
