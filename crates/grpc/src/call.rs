//! What a service knows of the call that it serves.

use std::sync::Arc;

use kabao_api::{
    Account, AccountId, CallContext, CallId, CallerId, CallerKey, Error, Freshness, Reason,
    RequestId,
};
use tonic::Status;

use crate::access::Access;
use crate::audit::{ItemTrail, Trail};
use crate::generation::Generations;
use crate::idempotency::Idempotency;
use crate::layer::{Deadline, call_id, refusals};
use crate::share::Peer;
use crate::status::{self, Refusal};

/// Marks a call for which a place in the queue of its account is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected;

/// One call: its id, its deadline, and the account once that is known.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    id: CallId,
    peer: Option<Peer>,
    deadline: Option<Deadline>,
    access: Access,
    account: Option<AccountId>,
    rename: Option<fn(&str) -> Option<String>>,
    idempotency: Idempotency,
    freshness: Option<Freshness>,
    is_expected: bool,
    trail: Trail,
}

impl Call {
    /// Reads what the layers left in the request.
    pub(crate) fn of<T>(request: &tonic::Request<T>) -> Self {
        Self {
            id: call_id(request.extensions()),
            peer: request.extensions().get::<Peer>().copied(),
            deadline: request.extensions().get::<Deadline>().copied(),
            access: request
                .extensions()
                .get::<Access>()
                .cloned()
                .unwrap_or_default(),
            account: None,
            rename: None,
            idempotency: Idempotency::of(request),
            freshness: request.extensions().get::<Freshness>().cloned(),
            is_expected: request.extensions().get::<Expected>().is_some(),
            trail: request
                .extensions()
                .get::<Trail>()
                .cloned()
                .unwrap_or_default(),
        }
    }

    /// Says how to put the path of a field into the caller's words.
    pub(crate) fn renaming(mut self, rename: fn(&str) -> Option<String>) -> Self {
        self.rename = Some(rename);
        self
    }

    /// Finds the account that the call names, if its caller may use it.
    ///
    /// # Errors
    ///
    /// The status for an account that the caller may not use, or that is not configured.
    pub(crate) fn account(
        &mut self,
        generations: &Generations,
        id: &AccountId,
    ) -> Result<(Arc<Account>, CallContext), Status> {
        self.account = Some(id.clone());
        self.trail.account(id);
        let account = self
            .access
            .account(generations, id)
            .map_err(|error| self.refuse(&error))?;
        tracing::Span::current().record("account", id.as_str());
        let mut context = context(&self.access, self.peer, id.clone(), self.id.clone());
        context.freshness.clone_from(&self.freshness);
        let context = match self.deadline {
            Some(deadline) => context.with_deadline(deadline.work_until()),
            None => context,
        };
        let context = match self.is_expected {
            true => context.first_expected(),
            false => context,
        };
        Ok((account, context))
    }

    /// Makes sure that the caller still may use the method for the account of the call, whatever configuration it began
    /// with.
    ///
    /// # Errors
    ///
    /// `UNAUTHENTICATED` or `PERMISSION_DENIED` for a caller whose token or right was taken away.
    pub(crate) fn require_still(&self, generations: &Generations) -> Result<(), Error> {
        match &self.account {
            Some(account) => self.access.require_still(generations, account),
            None => Ok(()),
        }
    }

    /// Returns the accounts that the caller may use with this method, ordered by name.
    pub(crate) fn accounts(&self, generations: &Generations) -> Vec<Arc<Account>> {
        self.access.accounts(generations)
    }

    /// Returns the number of the generation that serves the call.
    pub(crate) fn generation(&self, generations: &Generations) -> u64 {
        self.access.generation(generations).number()
    }

    /// Returns who calls, if that is known.
    pub(crate) fn caller(&self) -> Option<&CallerId> {
        self.access.caller()
    }

    /// Returns what the metadata say of the change that the call intends.
    pub(crate) fn idempotency(&self) -> &Idempotency {
        &self.idempotency
    }

    /// Begins a change: it gets the id under which it is remembered, and room in the audit log. `subjects` are the names
    /// of what is changed.
    ///
    /// # Errors
    ///
    /// The status of a change for whose record there is no room.
    pub(crate) fn begin(
        &self,
        account: &Account,
        context: &mut CallContext,
        request_id: &mut Option<RequestId>,
        subjects: impl FnOnce() -> Vec<String>,
    ) -> Result<(), Status> {
        self.settle(account, request_id);
        self.write_down(context, request_id.as_ref(), subjects)
    }

    /// Sees to it that the change has the id under which it is remembered.
    pub(crate) fn settle(&self, account: &Account, request_id: &mut Option<RequestId>) {
        *request_id = self.idempotency.settle(account, request_id.take());
    }

    /// Makes room in the audit log for a change whose id is settled, or for what is written down like one.
    ///
    /// # Errors
    ///
    /// As for [`begin`](Self::begin).
    pub(crate) fn write_down(
        &self,
        context: &mut CallContext,
        request_id: Option<&RequestId>,
        subjects: impl FnOnce() -> Vec<String>,
    ) -> Result<(), Status> {
        self.trail
            .begin(request_id, subjects)
            .map_err(|error| self.refuse(&error))?;
        if let Some(witness) = self.trail.witness() {
            *context = context.clone().with_witness(witness);
        }
        Ok(())
    }

    /// Returns the call as an item of its batch sees it, which is written down by itself.
    pub(crate) fn item(&self, index: i32) -> (Self, ItemTrail) {
        let item = self.trail.item(index);
        let mut call = self.clone();
        call.trail = item.trail().clone();
        (call, item)
    }

    /// Returns until when the call may work; `None` without the layer that knows.
    pub(crate) fn deadline(&self) -> Option<Deadline> {
        self.deadline
    }

    /// Returns the refusal of a stream that has no more time.
    pub(crate) fn out_of_time(&self) -> Status {
        self.refuse(&Error::new(
            Reason::DeadlineExceeded,
            "the time of the stream is over; the same call goes on where it ended",
        ))
    }

    /// Records the failure and turns it into the status of the call.
    pub(crate) fn refuse(&self, error: &Error) -> Status {
        status::record(error);
        self.trail.failed(error);
        let mut status = self.status(error);
        if status::is_one_of_many(error) {
            refusals::mark(&mut status, error.reason());
        }
        status
    }

    /// Turns an error into a status as this call would be refused, for answers that tell of it.
    pub(crate) fn status(&self, error: &Error) -> Status {
        Refusal {
            id: &self.id,
            account: self.account.as_ref(),
            rename: self.rename,
        }
        .status(error)
    }
}

/// Starts the context of a call: who makes it, and in whose turn.
pub(crate) fn context(
    access: &Access,
    peer: Option<Peer>,
    account: AccountId,
    id: CallId,
) -> CallContext {
    let mut context = CallContext::new(account, id);
    // Whoever is known takes its own turns, wherever it calls from.
    context.turns_of = match access.caller() {
        Some(caller) => Some(CallerKey::new(caller.as_str())),
        None => peer.map(|peer| CallerKey::from(peer.caller)),
    };
    context.weight = access.weight();
    context.caller = access.caller().cloned();
    context
}
