//! The portable operations on members.

use async_trait::async_trait;
use kabao_models::Personal;

use crate::{CallContext, Error, Member, MemberName, MemberUpdate, View};

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
}

/// Arguments of [`MemberApi::get_member`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetMember {
    /// Which member.
    pub name: MemberName,
    /// The user; required by the brand family, ignored by the others.
    pub openid: Option<Personal>,
    /// How much to return.
    pub view: View,
}

/// Arguments of [`MemberApi::update_member`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateMember {
    /// Which member.
    pub name: MemberName,
    /// The user; required by the brand family, ignored by the others.
    pub openid: Option<Personal>,
    /// What to change.
    pub update: MemberUpdate,
    /// Identifies this one intended change (AIP-155); becomes `out_request_no` where the family
    /// has one. Without it the client makes one up, and only the client can repeat the call safely.
    pub request_id: Option<String>,
    /// How much to return.
    pub view: View,
}
