//! What the clients of all accounts of a process share.

use kabao_client::{Connections, Quotas, SigningThreads};
use kabao_pkcs11::Tokens;

/// Handed to the builder of every client. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared {
    /// Resolved names and TLS sessions.
    pub(crate) connections: Connections,
    /// The threads that sign, so that the runtime is free for whatever needs no signature.
    pub(crate) signing_threads: SigningThreads,
    /// What they may send to WeChat.
    pub(crate) quotas: Quotas,
    /// The tokens in which private keys lie.
    pub(crate) tokens: Tokens,
}
