//! Who calls, and what the policy lets them do: what a request carries from the layers to the services.

use std::sync::Arc;

use kabao_api::{Account, AccountId, Accounts, CallerId, Error, Reason};

use crate::policy::Policy;

/// Knows the holders of bearer tokens.
pub trait Tokens: Send + Sync {
    /// Returns who holds this token; `None` if nobody does. Takes the same time whoever it is.
    fn holder(&self, token: &str) -> Option<CallerId>;
}

/// Whom the client certificate of a connection names. Listeners put it into the extensions of every request.
///
/// The certificate was verified before: this is only about the name in it. An `Err` says in a sentence why it has none.
#[derive(Clone, Debug)]
pub struct Certified(pub Result<CallerId, &'static str>);

/// What is known of the one who calls.
#[derive(Clone, Debug, Default)]
pub(crate) struct Access {
    caller: Option<CallerId>,
    bound: Option<Bound>,
}

/// The policy, and the method that is called under it.
#[derive(Clone, Debug)]
struct Bound {
    policy: Arc<Policy>,
    method: &'static str,
}

impl Access {
    /// Lets the caller do everything.
    pub(crate) fn free(caller: Option<CallerId>) -> Self {
        Self {
            caller,
            bound: None,
        }
    }

    /// Lets the caller call `method` for the accounts that `policy` says.
    pub(crate) fn bound(caller: CallerId, policy: Arc<Policy>, method: &'static str) -> Self {
        Self {
            caller: Some(caller),
            bound: Some(Bound { policy, method }),
        }
    }

    /// Returns who calls, if that is known.
    pub(crate) fn caller(&self) -> Option<&CallerId> {
        self.caller.as_ref()
    }

    /// Finds an account. One that the caller may not use is refused in the same words whether it exists or not.
    ///
    /// # Errors
    ///
    /// `PERMISSION_DENIED`; `ACCOUNT_NOT_FOUND` for one that the caller may use and nobody has configured.
    pub(crate) fn account(
        &self,
        accounts: &Accounts,
        id: &AccountId,
    ) -> Result<Arc<Account>, Error> {
        if self.may_use(id) {
            return accounts.get_among(id, |id| self.may_use(id));
        }
        Err(denied(format!(
            "the policy does not let this caller use the method for account {id}"
        )))
    }

    /// Returns the accounts that the caller may use, ordered by name.
    pub(crate) fn accounts(&self, accounts: &Accounts) -> Vec<Arc<Account>> {
        let mut accounts = accounts.list();
        accounts.retain(|account| self.may_use(&account.id));
        accounts
    }

    fn may_use(&self, id: &AccountId) -> bool {
        match (&self.bound, &self.caller) {
            (None, _) => true,
            (Some(bound), Some(caller)) => bound.policy.allows_for(caller, bound.method, id),
            (Some(_), None) => false,
        }
    }
}

/// The refusal of a right.
pub(crate) fn denied(message: impl Into<String>) -> Error {
    Error::new(Reason::PermissionDenied, message)
}

/// The refusal of somebody whom nobody knows.
pub(crate) fn unknown(message: &str) -> Error {
    Error::new(Reason::Unauthenticated, message)
}
