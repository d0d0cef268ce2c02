//! The place for credentials, for whoever may outlive the store and must not keep it open.

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use kabao_api::{CredentialRight, CredentialStore, Error, StoredCredential};
use kabao_journal::StoreError;

/// A store of credentials that is there as long as somebody else keeps it.
pub(crate) struct Lent(Weak<dyn CredentialStore>);

impl Lent {
    pub(crate) fn of(store: &Arc<dyn CredentialStore>) -> Arc<dyn CredentialStore> {
        Arc::new(Self(Arc::downgrade(store)))
    }

    fn store(&self) -> Result<Arc<dyn CredentialStore>, Error> {
        let closed = || StoreError::refused("the store is closed");
        Ok(self.0.upgrade().ok_or_else(closed)?)
    }
}

#[async_trait]
impl CredentialStore for Lent {
    async fn find(&self, name: &str) -> Result<Option<StoredCredential>, Error> {
        self.store()?.find(name).await
    }

    async fn acquire(&self, name: &str) -> Result<Option<CredentialRight>, Error> {
        self.store()?.acquire(name).await
    }

    async fn put(&self, right: &CredentialRight, payload: &[u8]) -> Result<bool, Error> {
        self.store()?.put(right, payload).await
    }

    async fn release(&self, right: CredentialRight) -> Result<(), Error> {
        self.store()?.release(right).await
    }
}
