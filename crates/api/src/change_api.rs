//! Asking what became of changes, and taking the right to many of them.

use async_trait::async_trait;

use crate::{
    CallContext, ChangeName, ChangeRecord, ChangeState, Decision, Error, ListChanges, MemberName,
    Page, RequestId,
};

/// What a journal remembers of the changes of one account.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ChangeApi: Send + Sync {
    /// Tells what became of one change.
    ///
    /// # Errors
    ///
    /// `CHANGE_NOT_FOUND` if the journal has none of that name: nothing was sent under it, or it is
    /// older than the retention.
    async fn get_change(&self, name: &ChangeName) -> Result<ChangeRecord, Error>;

    /// Lists changes, the newest first.
    ///
    /// # Errors
    ///
    /// `STORE` if the journal cannot be read.
    async fn list_changes(&self, request: ListChanges) -> Result<Page<ChangeRecord>, Error>;

    /// Takes an operator's word for a change that is unknown.
    ///
    /// # Errors
    ///
    /// `CHANGE_ENDED` if there is nothing to decide any more.
    async fn resolve_change(
        &self,
        name: &ChangeName,
        decision: Decision,
    ) -> Result<ChangeRecord, Error>;

    /// Waits until a change is in another state than `known`; `None` answers at once.
    ///
    /// # Errors
    ///
    /// Those of [`get_change`](Self::get_change).
    async fn watch_change(
        &self,
        name: &ChangeName,
        known: Option<ChangeState>,
    ) -> Result<ChangeRecord, Error>;

    /// Waits until no other list runs under the id of a batch, and takes the right to the ids that follow from it. Returns
    /// the context of the items: the right lasts as long as it or a clone of it does, and no longer than this process is
    /// known to be alive. Calls of one process that run the same list share it; those of others wait for each other.
    ///
    /// # Errors
    ///
    /// `IN_PROGRESS` if another call does not end in time, `STORE` if the store cannot be asked.
    async fn begin_batch(
        &self,
        context: &CallContext,
        id: &RequestId,
        list: &[u8],
    ) -> Result<CallContext, Error>;

    /// Tells whether an id belongs to a change of another [content](crate::Method::content), without beginning anything.
    ///
    /// # Errors
    ///
    /// `STORE` if the journal cannot be read.
    async fn is_reused(&self, id: &RequestId, content: &[u8]) -> Result<bool, Error>;

    /// Returns one of `ids` that a change has, if any of them has one, without beginning anything.
    ///
    /// # Errors
    ///
    /// `STORE` if the journal cannot be read.
    async fn first_known(&self, ids: &[RequestId]) -> Result<Option<RequestId>, Error>;

    /// Makes an id that no change has; `None` if the system gives no randomness.
    fn new_request_id(&self) -> Option<RequestId>;

    /// Tells, without asking anybody, whether a change of the member is known to be under way.
    fn is_changing(&self, member: &MemberName) -> bool;
}
