//! Credentials of WeChat over a table: seals what goes in, opens what comes out, and lets who holds the lease write.

use std::sync::Arc;

use async_trait::async_trait;
use kabao_api::{CredentialRight, CredentialStore, Error, StoredCredential};
use kabao_auth::SealingKeys;
use kabao_journal::{Acquired, Lease, Leases, StoreError};

/// What the lease of a credential is called, before its name.
const LEASE: &str = "credential ";

/// What a database does; payloads come in sealed and go out sealed.
#[async_trait]
pub(crate) trait CredentialTable: Send + Sync {
    /// Fence and payload.
    async fn find(&self, name: &str) -> Result<Option<(i64, Vec<u8>)>, StoreError>;

    /// Writes if `owner` still holds the lease, and nothing is there under a later fence; tells whether it did.
    async fn put(&self, row: CredentialRow) -> Result<bool, StoreError>;
}

/// A credential as it is written.
#[derive(Clone, Debug)]
pub(crate) struct CredentialRow {
    pub(crate) name: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) lease: Lease,
    pub(crate) owner: String,
}

/// The credentials of a table.
pub(crate) struct Credentials<T> {
    table: T,
    keys: SealingKeys,
    leases: Arc<dyn Leases>,
}

impl<T: CredentialTable> Credentials<T> {
    pub(crate) fn new(table: T, keys: SealingKeys, leases: Arc<dyn Leases>) -> Self {
        Self {
            table,
            keys,
            leases,
        }
    }
}

#[async_trait]
impl<T: CredentialTable> CredentialStore for Credentials<T> {
    async fn find(&self, name: &str) -> Result<Option<StoredCredential>, Error> {
        let Some((fence, sealed)) = self.table.find(name).await? else {
            return Ok(None);
        };
        let payload = self.keys.open(&place(name), &sealed).map_err(|error| {
            StoreError::new(format!("the credential {name} does not open")).with_source(error)
        })?;
        let payload = payload.as_bytes().to_vec();
        Ok(Some(StoredCredential { payload, fence }))
    }

    async fn acquire(&self, name: &str) -> Result<Option<CredentialRight>, Error> {
        Ok(match self.leases.acquire(&lease_of(name)).await? {
            Acquired::Busy => None,
            Acquired::Held(Lease { fence, .. }) => {
                let name = name.to_owned();
                Some(CredentialRight { name, fence })
            }
        })
    }

    async fn put(&self, right: &CredentialRight, payload: &[u8]) -> Result<bool, Error> {
        let sealed = self.keys.seal(&place(&right.name), payload);
        let sealed = sealed.map_err(|error| {
            StoreError::refused("a credential cannot be sealed").with_source(error)
        })?;
        let row = CredentialRow {
            name: right.name.clone(),
            payload: sealed,
            lease: lease(right),
            owner: self.leases.replica().to_owned(),
        };
        Ok(self.table.put(row).await?)
    }

    async fn release(&self, right: CredentialRight) -> Result<(), Error> {
        self.leases.release(lease(&right)).await?;
        Ok(())
    }
}

/// What a sealed payload is bound to.
fn place(name: &str) -> [&str; 2] {
    ["credentials", name]
}

fn lease_of(name: &str) -> String {
    format!("{LEASE}{name}")
}

fn lease(right: &CredentialRight) -> Lease {
    Lease {
        name: lease_of(&right.name),
        fence: right.fence,
    }
}
