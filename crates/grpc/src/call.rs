//! What a service knows of the call that it serves.

use std::sync::Arc;

use kabao_api::{Account, AccountId, Accounts, CallContext, CallId, Error};
use tonic::Status;

use crate::layer::{Deadline, call_id};
use crate::status::{self, Refusal};

/// One call: its id, its deadline, and the account once that is known.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    id: CallId,
    deadline: Option<Deadline>,
    account: Option<AccountId>,
    rename: Option<fn(&str) -> Option<String>>,
}

impl Call {
    /// Reads what the layers left in the request.
    pub(crate) fn of<T>(request: &tonic::Request<T>) -> Self {
        Self {
            id: call_id(request.extensions()),
            deadline: request.extensions().get::<Deadline>().copied(),
            account: None,
            rename: None,
        }
    }

    /// Says how to put the path of a field into the caller's words.
    pub(crate) fn renaming(mut self, rename: fn(&str) -> Option<String>) -> Self {
        self.rename = Some(rename);
        self
    }

    /// Finds the account that the call names.
    ///
    /// # Errors
    ///
    /// The status for an account that is not configured.
    pub(crate) fn account(
        &mut self,
        accounts: &Accounts,
        id: &AccountId,
    ) -> Result<(Arc<Account>, CallContext), Status> {
        self.account = Some(id.clone());
        let account = accounts.get(id).map_err(|error| self.refuse(&error))?;
        tracing::Span::current().record("account", id.as_str());
        let context = CallContext::new(id.clone(), self.id.clone());
        let context = match self.deadline {
            Some(deadline) => context.with_deadline(deadline.work_until()),
            None => context,
        };
        Ok((account, context))
    }

    /// Records the failure and turns it into the status of the call.
    pub(crate) fn refuse(&self, error: &Error) -> Status {
        status::record(error);
        Refusal {
            id: &self.id,
            account: self.account.as_ref(),
            rename: self.rename,
        }
        .status(error)
    }
}
