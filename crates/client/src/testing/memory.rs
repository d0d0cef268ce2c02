//! A store of credentials in memory, which several clients share.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use kabao_api::{CredentialRight, CredentialStore, Error, Reason, StoredCredential};
use tokio::sync::watch;

#[derive(Default)]
pub(crate) struct Memory {
    inner: Mutex<Inner>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct Inner {
    kept: HashMap<String, StoredCredential>,
    held: HashMap<String, i64>,
    fence: i64,
    questions: usize,
    is_broken: bool,
}

impl Memory {
    /// Lets everything fail from now on, or nothing any more.
    pub(crate) fn set_broken(&self, is_broken: bool) {
        self.lock().is_broken = is_broken;
    }

    /// How often it was asked for anything.
    pub(crate) fn questions(&self) -> usize {
        self.lock().questions
    }

    /// Puts something there that nobody put.
    pub(crate) fn set(&self, name: &str, payload: &[u8]) {
        let payload = payload.to_vec();
        let stored = StoredCredential { payload, fence: 1 };
        self.lock().kept.insert(name.to_owned(), stored);
    }

    /// What is there under a name.
    pub(crate) fn find_kept(&self, name: &str) -> Option<StoredCredential> {
        self.lock().kept.get(name).cloned()
    }

    /// Takes a right that is never given back, as a process does that hangs.
    pub(crate) fn hold(&self, name: &str) {
        self.lock().held.insert(name.to_owned(), -1);
    }

    /// Waits until nobody holds the right to a name.
    pub(crate) async fn until_released(&self, name: &str) {
        let mut changed = self.changed.subscribe();
        while self.lock().held.contains_key(name) {
            changed.changed().await.expect("the sender is here");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nobody panics with it")
    }

    fn ask(&self) -> Result<MutexGuard<'_, Inner>, Error> {
        let mut inner = self.lock();
        inner.questions += 1;
        match inner.is_broken {
            true => Err(Error::new(Reason::Store, "the store is away")),
            false => Ok(inner),
        }
    }
}

#[async_trait]
impl CredentialStore for Memory {
    async fn find(&self, name: &str) -> Result<Option<StoredCredential>, Error> {
        Ok(self.ask()?.kept.get(name).cloned())
    }

    async fn acquire(&self, name: &str) -> Result<Option<CredentialRight>, Error> {
        let mut inner = self.ask()?;
        if inner.held.contains_key(name) {
            return Ok(None);
        }
        inner.fence += 1;
        let fence = inner.fence;
        inner.held.insert(name.to_owned(), fence);
        let name = name.to_owned();
        Ok(Some(CredentialRight { name, fence }))
    }

    async fn put(&self, right: &CredentialRight, payload: &[u8]) -> Result<bool, Error> {
        let mut inner = self.ask()?;
        let is_held = inner.held.get(&right.name) == Some(&right.fence);
        if is_held {
            let stored = StoredCredential {
                payload: payload.to_vec(),
                fence: right.fence,
            };
            inner.kept.insert(right.name.clone(), stored);
        }
        Ok(is_held)
    }

    async fn release(&self, right: CredentialRight) -> Result<(), Error> {
        let mut inner = self.ask()?;
        if inner.held.get(&right.name) == Some(&right.fence) {
            inner.held.remove(&right.name);
        }
        drop(inner);
        self.changed.send_replace(());
        Ok(())
    }
}
