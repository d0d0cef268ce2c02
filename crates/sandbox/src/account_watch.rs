//! Tells whoever serves the accounts which ones there are.

use std::fmt;
use std::sync::{Arc, Mutex};

use crate::account::Credentials;
use crate::sync::lock;

/// Wants to know which accounts there are while the sandbox runs, such as a gateway in front of it.
///
/// It is told before the request that adds or removes an account is answered, and must not block.
pub trait AccountWatcher: Send + Sync {
    /// An account is there. It may be told of one twice.
    fn joined(&self, account: &Credentials);

    /// An account is gone.
    fn left(&self, name: &str);
}

/// At most one watcher.
#[derive(Default)]
pub(crate) struct AccountWatch(Mutex<Option<Arc<dyn AccountWatcher>>>);

impl AccountWatch {
    pub(crate) fn set(&self, watcher: Arc<dyn AccountWatcher>) {
        *lock(&self.0) = Some(watcher);
    }

    pub(crate) fn joined(&self, account: &Credentials) {
        if let Some(watcher) = self.get() {
            watcher.joined(account);
        }
    }

    pub(crate) fn left(&self, name: &str) {
        if let Some(watcher) = self.get() {
            watcher.left(name);
        }
    }

    /// Not called under the lock.
    fn get(&self) -> Option<Arc<dyn AccountWatcher>> {
        lock(&self.0).clone()
    }
}

impl fmt::Debug for AccountWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AccountWatch")
            .field(&self.get().is_some())
            .finish()
    }
}
