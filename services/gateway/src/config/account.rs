//! An account that can be served.

use kabao_client::Client;

/// One `[[accounts]]` entry, ready to be called.
#[derive(Clone, Debug)]
pub struct AccountSettings {
    /// The client that its credentials make, by the name that callers use (`id`, unique).
    pub client: Client,
    /// Numbers and key ids for people; holds no secret.
    pub about: String,
    /// `expose_tokens`, default false: whether callers may see access token and tickets. Only official accounts have any.
    pub exposes_tokens: bool,
    /// The end of validity of `certificate_file` in seconds since 1970, if there is one.
    pub certificate_expires: Option<i64>,
    /// A digest of everything that it was made of; empty if it was not read from files.
    pub(crate) fingerprint: String,
}

impl AccountSettings {
    /// Serves a client that was made without files, and shows callers no token.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            about: String::new(),
            exposes_tokens: false,
            certificate_expires: None,
            fingerprint: String::new(),
        }
    }
}
