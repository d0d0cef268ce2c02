//! The portable changes of members, each with its memory.

use std::sync::Arc;

use async_trait::async_trait;
use kabao_api::{
    ActivateMember, AdjustMember, Adjustment, CallContext, Error, GetMember, ImportMember,
    InvalidateMember, ListMembers, Member, MemberApi, MemberName, Method, Page, Personal,
    RequestId, UpdateMember,
};
use serde::Serialize;

use crate::account::AccountJournal;
use crate::engine::Working;
use crate::entry::Intended;
use crate::subject;

/// Stands around the backend of an account.
pub(crate) struct JournalledMembers {
    account: Arc<AccountJournal>,
    inner: Arc<dyn MemberApi>,
}

impl JournalledMembers {
    pub(crate) fn new(account: Arc<AccountJournal>, inner: Arc<dyn MemberApi>) -> Self {
        Self { account, inner }
    }
}

/// Whom a change of a member is about.
struct About<'a> {
    member: Option<&'a MemberName>,
    subject: Option<String>,
    openid: Option<&'a Personal>,
}

impl<'a> About<'a> {
    fn member(name: &'a MemberName, openid: Option<&'a Personal>) -> Self {
        Self {
            member: Some(name),
            subject: Some(subject::of_member(name)),
            openid,
        }
    }
}

impl AccountJournal {
    /// What a portable method intends; `request` in all its parts is what a repeat must have as well.
    pub(crate) fn intend(
        &self,
        context: &CallContext,
        method: Method,
        request_id: Option<&RequestId>,
        request: &impl Serialize,
    ) -> Result<Intended, Error> {
        let mut content = method.as_str().as_bytes().to_vec();
        content.push(b' ');
        serde_json::to_writer(&mut content, request).map_err(|error| {
            let message = "the call cannot be written down";
            Error::new(kabao_api::Reason::Internal, message).with_source(error)
        })?;
        Ok(Intended {
            key: self.key(context, request_id)?,
            method: method.as_str(),
            fingerprint: self.journal().store().fingerprint(&content),
            subject: None,
            member: None,
            openid: None,
        })
    }
}

impl Intended {
    fn about(mut self, about: About<'_>) -> Self {
        self.member = about.member.cloned();
        self.subject = about.subject;
        self.openid = about.openid.cloned();
        self
    }
}

macro_rules! journalled {
    ($self:ident.$method:ident($context:ident, $request:ident), $name:ident, $about:expr) => {{
        let intended = $self.account.intend(
            $context,
            Method::$name,
            $request.request_id.as_ref(),
            &$request,
        )?;
        let intended = intended.about($about);
        let mut request = $request;
        request.request_id = Some(intended.key.id.clone());
        let work = |context: CallContext| -> Working<'_, _> {
            let request = request.clone();
            Box::pin(async move { $self.inner.$method(&context, request).await })
        };
        $self.account.change($context, intended, work).await
    }};
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
            About {
                member: None,
                subject: request
                    .code
                    .as_ref()
                    .map(|code| subject::of_code(code.expose())),
                openid: None,
            }
        )
    }
}
