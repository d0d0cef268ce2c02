//! What a store consists of, whichever database it is in.

use std::sync::Arc;

use kabao_api::CredentialStore;
use kabao_api::portions::Portions;
use kabao_journal::{ChangeStore, Leases};

use crate::vitals::Look;

/// A store that is open.
pub(crate) struct Opened {
    pub(crate) changes: Arc<dyn ChangeStore>,
    pub(crate) leases: Arc<dyn Leases>,
    pub(crate) credentials: Arc<dyn CredentialStore>,
    /// `None` if no other process can share the store.
    pub(crate) portions: Option<Arc<dyn Portions>>,
    /// What an operator should be told.
    pub(crate) warnings: Vec<String>,
    pub(crate) vitals: Look,
}
