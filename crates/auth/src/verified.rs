//! The proof that bytes came from WeChat Pay.

use std::fmt;

use crate::KeyId;

/// A body that was verified over its raw bytes. Only [`verify`](crate::verify) makes one.
#[derive(Clone)]
pub struct Verified<B> {
    body: B,
    key_id: KeyId,
    timestamp: i64,
}

impl<B> Verified<B> {
    pub(crate) fn new(body: B, key_id: KeyId, timestamp: i64) -> Self {
        Self {
            body,
            key_id,
            timestamp,
        }
    }

    /// Returns the body.
    pub fn body(&self) -> &B {
        &self.body
    }

    /// Gives the body up.
    pub fn into_body(self) -> B {
        self.body
    }

    /// Returns the id of the key that signed.
    pub fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    /// Returns the time of signing in Unix seconds.
    pub fn timestamp(&self) -> i64 {
        self.timestamp
    }
}

impl<B> fmt::Debug for Verified<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("key_id", &self.key_id)
            .field("timestamp", &self.timestamp)
            .finish_non_exhaustive()
    }
}
