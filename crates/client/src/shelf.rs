//! Where one credential of an account is kept beyond this process: over restarts, and for other processes that share
//! the store.
//!
//! Everything here is a help and nothing a need: without a store, or with one that does not work, a client fetches for
//! itself.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use kabao_api::{CredentialRight, CredentialStore, Error};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tracing::Instrument as _;

/// What can be kept. A payload of another version is none: it is fetched anew.
pub(crate) trait Kept: Serialize + DeserializeOwned + Send {
    const VERSION: u32;
}

/// The place of one credential in a store, if there is a store.
pub(crate) struct Shelf {
    name: String,
    store: RwLock<Option<Arc<dyn CredentialStore>>>,
}

/// The right to fetch for all who share the store. It is given back when it is dropped.
pub(crate) struct Right {
    store: Arc<dyn CredentialStore>,
    right: Option<CredentialRight>,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    version: u32,
    content: T,
}

impl Shelf {
    pub(crate) fn new(name: String) -> Self {
        Self {
            name,
            store: RwLock::default(),
        }
    }

    /// Keeps it in `store` from now on.
    pub(crate) fn use_store(&self, store: Arc<dyn CredentialStore>) {
        *self.store.write().unwrap_or_else(PoisonError::into_inner) = Some(store);
    }

    fn store(&self) -> Option<Arc<dyn CredentialStore>> {
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
        store.clone()
    }

    /// Tells whether there is a store.
    pub(crate) fn is_used(&self) -> bool {
        self.store().is_some()
    }

    /// Returns what was kept last, with its fence. A failure is in the log.
    pub(crate) async fn find<T: Kept>(&self) -> Result<Option<(T, i64)>, Error> {
        let Some(store) = self.store() else {
            return Ok(None);
        };
        let found = store.find(&self.name).await;
        let found = found.inspect_err(|error| self.complain(error))?;
        Ok(found.and_then(|stored| Some((read(&stored.payload)?, stored.fence))))
    }

    /// Takes the right to fetch; `None` while somebody else fetches, or if there is no store. A failure is in the log.
    pub(crate) async fn acquire(&self) -> Result<Option<Right>, Error> {
        let Some(store) = self.store() else {
            return Ok(None);
        };
        let acquired = store.acquire(&self.name).await;
        let acquired = acquired.inspect_err(|error| self.complain(error))?;
        Ok(acquired.map(|right| Right {
            store,
            right: Some(right),
        }))
    }

    fn complain(&self, error: &Error) {
        tracing::warn!(
            credential = self.name,
            reason = error.reason().as_str(),
            cause = std::error::Error::source(error).map(tracing::field::display),
            "a credential cannot be shared through the store: this process fetches for itself"
        );
    }
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf").field("name", &self.name).finish()
    }
}

impl Right {
    /// Grows with each right to the same credential.
    pub(crate) fn fence(&self) -> i64 {
        self.right.as_ref().map_or(i64::MAX, |right| right.fence)
    }

    /// Keeps what was fetched and gives the right back, beside whoever needs it now.
    pub(crate) fn keep<T: Kept>(mut self, content: T) {
        let payload = serde_json::to_vec(&Versioned {
            version: T::VERSION,
            content,
        });
        let (Some(right), Ok(payload)) = (self.right.take(), payload) else {
            return;
        };
        let store = Arc::clone(&self.store);
        let keeping = async move {
            match store.put(&right, &payload).await {
                Ok(true) => {}
                Ok(false) => tracing::info!(
                    credential = right.name,
                    "another process has fetched a credential meanwhile"
                ),
                Err(error) => tracing::warn!(
                    credential = right.name,
                    cause = std::error::Error::source(&error).map(tracing::field::display),
                    "a credential could not be kept"
                ),
            }
            release(store, right).await;
        };
        tokio::spawn(keeping.in_current_span());
    }
}

impl Drop for Right {
    fn drop(&mut self) {
        if let (Some(right), Ok(runtime)) =
            (self.right.take(), tokio::runtime::Handle::try_current())
        {
            runtime.spawn(release(Arc::clone(&self.store), right));
        }
    }
}

/// What cannot be given back ends with the process, and others take it over then.
async fn release(store: Arc<dyn CredentialStore>, right: CredentialRight) {
    let name = right.name.clone();
    if let Err(error) = store.release(right).await {
        tracing::warn!(
            credential = name,
            cause = std::error::Error::source(&error).map(tracing::field::display),
            "the right to fetch a credential could not be given back"
        );
    }
}

fn read<T: Kept>(payload: &[u8]) -> Option<T> {
    let Version { version } = serde_json::from_slice(payload).ok()?;
    if version != T::VERSION {
        return None;
    }
    let kept: Versioned<T> = serde_json::from_slice(payload).ok()?;
    Some(kept.content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Memory;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Number(u32);

    impl Kept for Number {
        const VERSION: u32 = 2;
    }

    #[tokio::test]
    async fn what_was_kept_is_found_and_another_version_is_not() {
        let memory = Arc::new(Memory::default());
        let shelf = Shelf::new("a".to_owned());
        assert!(shelf.find::<Number>().await.unwrap().is_none());
        assert!(shelf.acquire().await.unwrap().is_none(), "no store");
        shelf.use_store(Arc::<Memory>::clone(&memory));
        let right = shelf.acquire().await.unwrap().unwrap();
        assert!(shelf.acquire().await.unwrap().is_none(), "it is held");
        let fence = right.fence();
        right.keep(Number(7));
        memory.until_released("a").await;
        assert_eq!(shelf.find().await.unwrap(), Some((Number(7), fence)));
        for payload in [
            r#"{"version":1,"content":7}"#,
            r#"{"version":3,"content":7}"#,
            r#"{"version":2,"content":"x"}"#,
            "no JSON",
        ] {
            memory.set("a", payload.as_bytes());
            assert_eq!(shelf.find::<Number>().await.unwrap(), None, "{payload}");
        }
    }

    #[tokio::test]
    async fn a_right_that_nobody_used_is_given_back() {
        let memory = Arc::new(Memory::default());
        let shelf = Shelf::new("a".to_owned());
        shelf.use_store(Arc::<Memory>::clone(&memory));
        drop(shelf.acquire().await.unwrap().unwrap());
        memory.until_released("a").await;
        assert!(shelf.acquire().await.unwrap().is_some());
    }
}
