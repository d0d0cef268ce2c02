//! The portable changes of members, each with its memory.

use std::sync::Arc;

use async_trait::async_trait;
use kabao_api::{
    ActivateMember, AdjustMember, Adjustment, CallContext, Error, GetMember, ImportMember,
    InvalidateMember, ListMembers, Member, MemberApi, MemberRequest, Page, UpdateMember,
};

use super::method::{About, journalled};
use crate::account::AccountJournal;

/// Stands around the backend of an account.
pub(super) struct JournalledMembers {
    account: Arc<AccountJournal>,
    inner: Arc<dyn MemberApi>,
}

impl JournalledMembers {
    pub(super) fn new(account: Arc<AccountJournal>, inner: Arc<dyn MemberApi>) -> Self {
        Self { account, inner }
    }
}

#[async_trait]
impl MemberApi for JournalledMembers {
    async fn get_member(&self, context: &CallContext, request: GetMember) -> Result<Member, Error> {
        self.inner.get_member(context, request).await
    }

    async fn list_members(
        &self,
        context: &CallContext,
        request: ListMembers,
    ) -> Result<Page<Member>, Error> {
        self.inner.list_members(context, request).await
    }

    async fn update_member(
        &self,
        context: &CallContext,
        request: UpdateMember,
    ) -> Result<Member, Error> {
        journalled!(
            self.update_member(context, request),
            UpdateMember,
            About::member(&request.name, request.openid.as_ref())
        )
    }

    async fn adjust_balance(
        &self,
        context: &CallContext,
        request: AdjustMember,
    ) -> Result<Adjustment, Error> {
        journalled!(
            self.adjust_balance(context, request),
            AdjustBalance,
            About::member(&request.name, request.openid.as_ref())
        )
    }

    async fn adjust_points(
        &self,
        context: &CallContext,
        request: AdjustMember,
    ) -> Result<Adjustment, Error> {
        journalled!(
            self.adjust_points(context, request),
            AdjustPoints,
            About::member(&request.name, request.openid.as_ref())
        )
    }

    async fn activate_member(
        &self,
        context: &CallContext,
        request: ActivateMember,
    ) -> Result<Member, Error> {
        journalled!(
            self.activate_member(context, request),
            ActivateMember,
            About::member(&request.name, request.openid.as_ref())
        )
    }

    async fn invalidate_member(
        &self,
        context: &CallContext,
        request: InvalidateMember,
    ) -> Result<Member, Error> {
        journalled!(
            self.invalidate_member(context, request),
            InvalidateMember,
            About::member(&request.name, request.openid.as_ref())
        )
    }

    async fn import_member(
        &self,
        context: &CallContext,
        request: ImportMember,
    ) -> Result<Member, Error> {
        journalled!(
            self.import_member(context, request),
            ImportMember,
            About::code(request.code.as_ref())
        )
    }

    fn refusal(&self, context: &CallContext, request: &MemberRequest) -> Option<Error> {
        let may_ask = request.is_read() || self.account.is_new(context, request.request_id());
        may_ask.then(|| self.inner.refusal(context, request))?
    }
}
