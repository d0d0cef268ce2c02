//! What is gathered of one call until its record is written.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kabao_api::{AccountId, CallId, CallerId, ChangeState, Error, Reason, RequestId, Witness};
use tonic::Code;

use super::{Audit, AuditKind, AuditRecord};
use crate::share::Caller;

/// The record of one call in the making. Clones are the same; without anybody who writes it down it is empty.
#[derive(Clone, Default)]
pub(crate) struct Trail(Option<Arc<Inner>>);

struct Inner {
    audit: Arc<dyn Audit>,
    method: &'static str,
    call_id: CallId,
    peer: Option<Caller>,
    item: Option<i32>,
    facts: Mutex<Facts>,
}

#[derive(Clone, Default)]
struct Facts {
    caller: Option<CallerId>,
    account: Option<AccountId>,
    subjects: Vec<String>,
    request_id: Option<RequestId>,
    /// There is room for the record of a change, and something may be changed.
    admitted: bool,
    refusal: Option<Reason>,
    failure: Option<Failure>,
    upstream_request_id: Option<String>,
    change: Option<ChangeState>,
    /// How the record was written.
    ended: Option<Ended>,
}

#[derive(Clone, Copy)]
struct Failure {
    reason: Reason,
    may_have_executed: bool,
}

#[derive(Clone, Copy)]
struct Ended {
    code: Code,
    reason: Option<Reason>,
    may_have_executed: bool,
}

impl Trail {
    /// Begins the record of a call.
    pub(crate) fn new(
        audit: Arc<dyn Audit>,
        method: &'static str,
        call_id: CallId,
        peer: Option<Caller>,
    ) -> Self {
        Self(Some(Arc::new(Inner {
            audit,
            method,
            call_id,
            peer,
            item: None,
            facts: Mutex::default(),
        })))
    }

    /// Begins the record of an item of the call, which knows what the call knows by now.
    pub(crate) fn item(&self, index: i32) -> ItemTrail {
        let item = self.0.as_ref().map(|inner| {
            let facts = inner.facts();
            Arc::new(Inner {
                audit: Arc::clone(&inner.audit),
                method: inner.method,
                call_id: inner.call_id.clone(),
                peer: inner.peer,
                item: Some(index),
                facts: Mutex::new(Facts {
                    caller: facts.caller.clone(),
                    account: facts.account.clone(),
                    ..Facts::default()
                }),
            })
        });
        ItemTrail(Self(item))
    }

    /// Says who calls.
    pub(crate) fn caller(&self, caller: &CallerId) {
        if let Some(inner) = &self.0 {
            inner.facts().caller = Some(caller.clone());
        }
    }

    /// Says which account the call names.
    pub(crate) fn account(&self, account: &AccountId) {
        if let Some(inner) = &self.0 {
            inner.facts().account = Some(account.clone());
        }
    }

    /// Says that something is about to be changed, and under which id.
    ///
    /// # Errors
    ///
    /// Why it must not.
    pub(crate) fn begin(
        &self,
        request_id: Option<&RequestId>,
        subjects: impl FnOnce() -> Vec<String>,
    ) -> Result<(), Error> {
        let Some(inner) = &self.0 else {
            return Ok(());
        };
        inner.audit.admit()?;
        let mut facts = inner.facts();
        facts.admitted = true;
        facts.request_id = request_id.cloned();
        facts.subjects = subjects();
        Ok(())
    }

    /// Returns who hears what becomes of the change.
    pub(crate) fn witness(&self) -> Option<Arc<dyn Witness>> {
        let inner: Arc<dyn Witness> = Arc::<Inner>::clone(self.0.as_ref()?);
        Some(inner)
    }

    /// Says why the call fails.
    pub(crate) fn failed(&self, error: &Error) {
        let Some(inner) = &self.0 else { return };
        let reason = error.reason();
        let mut facts = inner.facts();
        if is_refusal(reason) {
            facts.refusal = Some(reason);
        }
        facts.failure = Some(Failure {
            reason,
            may_have_executed: error.may_have_executed(),
        });
    }

    /// Writes the record, if the call is one that has one. `reason` is that of a layer which answered in place of the
    /// service.
    pub(crate) fn end(&self, code: Code, reason: Option<Reason>) {
        if let Some(inner) = &self.0 {
            inner.end(code, reason);
        }
    }
}

/// A caller who is not known, may not, or is not shown a credential.
fn is_refusal(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::Unauthenticated | Reason::PermissionDenied | Reason::CredentialNotExposed
    )
}

impl Inner {
    /// Every step leaves the facts whole.
    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, code: Code, answered: Option<Reason>) {
        let mut facts = self.facts();
        if facts.ended.is_some() {
            return;
        }
        // What the service said counts, unless a layer has answered in its place.
        let failure = facts
            .failure
            .filter(|failure| code != Code::Ok && answered.is_none_or(|by| by == failure.reason));
        let is_known = code == Code::Ok || facts.change.is_some_and(ChangeState::is_final);
        let ended = Ended {
            code,
            reason: match code {
                Code::Ok => None,
                _ => failure.map(|failure| failure.reason).or(answered),
            },
            may_have_executed: !is_known
                && facts.admitted
                && failure.is_none_or(|failure| failure.may_have_executed),
        };
        facts.ended = Some(ended);
        let refusal = facts.refusal.or(answered.filter(|by| is_refusal(*by)));
        let kind = match refusal {
            _ if facts.admitted => AuditKind::Change,
            Some(refusal) => {
                if let Some(ended) = &mut facts.ended {
                    ended.reason = Some(refusal);
                }
                AuditKind::Refusal
            }
            None => return,
        };
        self.write(kind, &facts);
    }

    fn write(&self, kind: AuditKind, facts: &Facts) {
        let Some(ended) = facts.ended else { return };
        self.audit.record(&AuditRecord {
            kind,
            caller: facts.caller.as_ref(),
            peer: self.peer,
            method: self.method,
            account: facts.account.as_ref(),
            subjects: &facts.subjects,
            call_id: &self.call_id,
            request_id: facts.request_id.as_ref(),
            item: self.item,
            code: ended.code,
            reason: ended.reason,
            upstream_request_id: facts.upstream_request_id.as_deref(),
            change: facts.change,
            may_have_executed: ended.may_have_executed,
        });
    }
}

impl Witness for Inner {
    fn answered(&self, upstream_request_id: &str) {
        self.facts().upstream_request_id = Some(upstream_request_id.to_owned());
    }

    fn written(&self, state: ChangeState) {
        let mut facts = self.facts();
        facts.change = Some(state);
        let Some(ended) = &mut facts.ended else {
            return;
        };
        if state.is_final() && std::mem::take(&mut ended.may_have_executed) {
            self.write(AuditKind::LateEnd, &facts);
        }
    }
}

impl fmt::Debug for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trail")
    }
}

/// The record of an item, which is written at the latest when nobody works at the item any more.
pub(crate) struct ItemTrail(Trail);

impl ItemTrail {
    /// Returns what the item leaves behind.
    pub(crate) fn trail(&self) -> &Trail {
        &self.0
    }
}

impl Drop for ItemTrail {
    fn drop(&mut self) {
        self.0.end(Code::Cancelled, None);
    }
}

#[cfg(test)]
mod tests;
