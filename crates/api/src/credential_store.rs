//! Where credentials that WeChat hands out for a while are kept: over restarts, and for every process that shares the
//! place.

use std::fmt;

use async_trait::async_trait;

use crate::Error;

/// Keeps what WeChat hands out, such as access tokens and platform certificates, so that a start needs no download and
/// several processes fetch once.
///
/// A payload is sealed by whoever implements this, and bound to its name. Names hold nothing secret and nothing
/// personal. Every error is `STORE`, and nobody has to fail for one: a process goes on with what it has, and fetches
/// alone.
#[async_trait]
pub trait CredentialStore: Send + Sync {
    /// Returns what was kept last under a name.
    async fn find(&self, name: &str) -> Result<Option<StoredCredential>, Error>;

    /// Takes the right to replace what is kept under a name; `None` while somebody else alive has it.
    async fn acquire(&self, name: &str) -> Result<Option<CredentialRight>, Error>;

    /// Keeps a payload in place of what is there, if the right is still held; tells whether it did. What is there may
    /// be lost again by a crash right after.
    async fn put(&self, right: &CredentialRight, payload: &[u8]) -> Result<bool, Error>;

    /// Gives the right back.
    async fn release(&self, right: CredentialRight) -> Result<(), Error>;
}

/// The right to replace what is kept under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialRight {
    /// The name.
    pub name: String,
    /// Grows with each owner, so that who held the right before writes nothing.
    pub fence: i64,
}

/// What is kept. `Debug` shows no payload.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredCredential {
    /// As it was put.
    pub payload: Vec<u8>,
    /// That of the right with which it was put.
    pub fence: i64,
}

impl fmt::Debug for StoredCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredCredential")
            .field("fence", &self.fence)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_payload() {
        let stored = StoredCredential {
            payload: b"secret".to_vec(),
            fence: 7,
        };
        let shown = format!("{stored:?}");
        assert_eq!(shown, "StoredCredential { fence: 7, .. }");
    }
}
