//! The portable operations on members.

use async_trait::async_trait;

use crate::{
    ActivateMember, AdjustMember, Adjustment, CallContext, Error, GetMember, ImportMember,
    InvalidateMember, ListMembers, Member, MemberRequest, Page, UpdateMember,
};

/// Reads and changes members, in whatever family the account is.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait MemberApi: Send + Sync {
    /// Reads one member.
    ///
    /// # Errors
    ///
    /// [`Reason::MemberNotFound`](crate::Reason::MemberNotFound) where WeChat's answer tells so;
    /// [`Reason::FieldInvalid`](crate::Reason::FieldInvalid) on `openid` if a brand account gets none.
    async fn get_member(&self, context: &CallContext, request: GetMember) -> Result<Member, Error>;

    /// Changes fields of one member and returns it as it is afterwards.
    ///
    /// # Errors
    ///
    /// [`Reason::NotSupportedByFamily`](crate::Reason::NotSupportedByFamily) names the fields that
    /// the family cannot change; [`Reason::OutcomeUnknown`](crate::Reason::OutcomeUnknown) if no
    /// verified answer came back. If the change was confirmed and only reading it back failed, the
    /// error is that of the read with [`Error::may_have_executed`] set.
    async fn update_member(
        &self,
        context: &CallContext,
        request: UpdateMember,
    ) -> Result<Member, Error>;

    /// Lists the cards of one user.
    ///
    /// Every item is a member as [`get_member`](MemberApi::get_member) returns it: where WeChat's
    /// list holds names only (merchant, official account), each card of the page is read.
    ///
    /// # Errors
    ///
    /// [`Reason::PageTokenInvalid`](crate::Reason::PageTokenInvalid) for a token that does not
    /// belong to this list.
    async fn list_members(
        &self,
        context: &CallContext,
        request: ListMembers,
    ) -> Result<Page<Member>, Error>;

    /// Changes the stored value of one member.
    ///
    /// Reading the present value and writing the new one is one step as far as this process goes;
    /// another one that writes in between is not noticed.
    ///
    /// # Errors
    ///
    /// [`Reason::NotSupportedByFamily`](crate::Reason::NotSupportedByFamily);
    /// [`Reason::PreconditionFailed`](crate::Reason::PreconditionFailed) with nothing sent;
    /// [`Reason::OutcomeUnknown`](crate::Reason::OutcomeUnknown) if no verified answer came back.
    async fn adjust_balance(
        &self,
        context: &CallContext,
        request: AdjustMember,
    ) -> Result<Adjustment, Error>;

    /// Changes the points of one member; as [`adjust_balance`](MemberApi::adjust_balance).
    ///
    /// # Errors
    ///
    /// Those of [`adjust_balance`](MemberApi::adjust_balance).
    async fn adjust_points(
        &self,
        context: &CallContext,
        request: AdjustMember,
    ) -> Result<Adjustment, Error>;

    /// Makes a card usable that the user has received, or tells WeChat that the user does not
    /// become a member.
    ///
    /// # Errors
    ///
    /// As [`update_member`](MemberApi::update_member).
    async fn activate_member(
        &self,
        context: &CallContext,
        request: ActivateMember,
    ) -> Result<Member, Error>;

    /// Makes a card invalid, for good. WeChat demands that the user has agreed.
    ///
    /// # Errors
    ///
    /// As [`update_member`](MemberApi::update_member).
    async fn invalidate_member(
        &self,
        context: &CallContext,
        request: InvalidateMember,
    ) -> Result<Member, Error>;

    /// Makes a card for somebody who became a member elsewhere.
    ///
    /// If WeChat confirmed the card and only reading it back failed, the answer holds its name and
    /// nothing else: a code that is lost could not be asked for again.
    ///
    /// # Errors
    ///
    /// [`Reason::NotSupportedByFamily`](crate::Reason::NotSupportedByFamily) names the fields that
    /// the family cannot set; [`Reason::OutcomeUnknown`](crate::Reason::OutcomeUnknown) if no
    /// verified answer came back.
    async fn import_member(
        &self,
        context: &CallContext,
        request: ImportMember,
    ) -> Result<Member, Error>;

    /// Says why this call would be refused now before anything is done for it, as
    /// [`Upstream::refusal`](crate::Upstream::refusal) does of the operation that it begins with. `None` also where that
    /// cannot be known at once: what a journal may have of a change is answered, whether there is room or not.
    fn refusal(&self, context: &CallContext, request: &MemberRequest) -> Option<Error> {
        let (_, _) = (context, request);
        None
    }
}
