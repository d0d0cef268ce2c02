//! The table of credentials in PostgreSQL.

use std::sync::Arc;

use async_trait::async_trait;
use kabao_journal::StoreError;

use super::pool::Pool;
use super::session::{Parameter, column};
use crate::credentials::{CredentialRow, CredentialTable};
use crate::sql::FIND_CREDENTIAL;

/// name, fence, payload, lease, owner
///
/// The lease is locked until the commit, so that whoever takes it over comes after this.
const PUT: &str = "INSERT INTO credentials (name, fence, payload) \
     SELECT $1::text, $2::bigint, $3::bytea FROM leases \
     WHERE leases.name = $4::text AND leases.fence = $2::bigint AND leases.owner = $5::text FOR KEY SHARE \
     ON CONFLICT (name) DO UPDATE SET fence = excluded.fence, payload = excluded.payload \
     WHERE credentials.fence <= excluded.fence";

/// The table of credentials in a database of PostgreSQL.
pub(crate) struct PostgresCredentials {
    pool: Arc<Pool>,
}

impl PostgresCredentials {
    pub(super) fn new(pool: Arc<Pool>) -> Self {
        Self { pool }
    }
}

#[async_trait]
impl CredentialTable for PostgresCredentials {
    async fn find(&self, name: &str) -> Result<Option<(i64, Vec<u8>)>, StoreError> {
        let mut session = self.pool.take("find_credential").await?;
        let row = session.first(FIND_CREDENTIAL, &[&name]).await?;
        let found = match &row {
            Some(row) => Some((column(row, 0)?, column(row, 1)?)),
            None => None,
        };
        session.done();
        Ok(found)
    }

    async fn put(&self, row: CredentialRow) -> Result<bool, StoreError> {
        let mut session = self.pool.take("put_credential").await?;
        let parameters: [Parameter<'_>; 5] = [
            &row.name,
            &row.lease.fence,
            &row.payload,
            &row.lease.name,
            &row.owner,
        ];
        let written = session.execute(PUT, &parameters).await?;
        session.done();
        Ok(written > 0)
    }
}
