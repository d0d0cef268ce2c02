//! Accounts that the sandbox gets and loses while it runs are the gateway's too.

use kabao_api::{AccountId, Reason};
use kabao_sandbox::{AccountWatcher, Credentials};

use super::credentials;
use crate::accounts::Roster;
use crate::shared::Shared;

/// Passes them on.
pub(super) struct Arrivals {
    pub(super) roster: Roster,
    pub(super) ca: String,
    pub(super) shared: Shared,
}

impl AccountWatcher for Arrivals {
    fn joined(&self, account: &Credentials) {
        let name = account.name.as_str();
        match credentials::one(account, &self.ca, &self.shared) {
            Ok(Some(settings)) => match self.roster.add(settings) {
                Ok(()) => tracing::info!(account = name, "an account has joined"),
                // One that was there at the start.
                Err(error) if error.reason() == Reason::AlreadyExists => {}
                Err(error) => tracing::warn!(account = name, "not served: {error}"),
            },
            Ok(None) => {
                tracing::info!(
                    account = name,
                    "not served: only its owner has its private key"
                );
            }
            Err(error) => tracing::warn!(account = name, "not served: {error}"),
        }
    }

    fn left(&self, name: &str) {
        if let Ok(id) = AccountId::new(name)
            && self.roster.remove(&id)
        {
            tracing::info!(account = name, "an account has left");
        }
    }
}
