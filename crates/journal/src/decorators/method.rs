//! A portable method as a change: what it intends, and how it is run.

use kabao_api::{CallContext, Error, MemberName, Method, Personal, RequestId, TemplateName};
use serde::Serialize;

use crate::account::AccountJournal;
use crate::entry::Intended;
use crate::subject;

/// Whom a change is about.
#[derive(Default)]
pub(super) struct About<'a> {
    pub(super) member: Option<&'a MemberName>,
    pub(super) subject: Option<String>,
    pub(super) openid: Option<&'a Personal>,
}

impl<'a> About<'a> {
    pub(super) fn member(name: &'a MemberName, openid: Option<&'a Personal>) -> Self {
        Self {
            member: Some(name),
            subject: Some(subject::of_member(name)),
            openid,
        }
    }

    pub(super) fn template(name: &TemplateName) -> Self {
        Self {
            subject: Some(subject::of_template(name)),
            ..Self::default()
        }
    }

    /// A member that gets its card by the change, and is named by no more than its code.
    pub(super) fn code(code: Option<&Personal>) -> Self {
        Self {
            subject: code.map(|code| subject::of_code(code.expose())),
            ..Self::default()
        }
    }
}

impl AccountJournal {
    /// What a portable method intends; `request` in all its parts is what a repeat must have as well.
    pub(super) fn intend(
        &self,
        context: &CallContext,
        method: Method,
        request_id: Option<&RequestId>,
        request: &impl Serialize,
        about: About<'_>,
    ) -> Result<Intended, Error> {
        let content = method.content(request)?;
        Ok(Intended {
            key: self.key(context, request_id)?,
            party: self.party().cloned(),
            method: method.as_str(),
            fingerprint: self.process().store().fingerprint(&content)?,
            member: about.member.cloned(),
            subject: about.subject,
            openid: about.openid.cloned(),
        })
    }
}

/// Runs a portable method as a change, under its id or one that is made for it.
macro_rules! journalled {
    ($self:ident.$method:ident($context:ident, $request:ident), $name:ident, $about:expr) => {{
        let (account, id) = (&$self.account, $request.request_id.as_ref());
        let intended = account.intend($context, kabao_api::Method::$name, id, &$request, $about)?;
        let mut request = $request;
        request.request_id = Some(intended.key.id.clone());
        let work = |context: CallContext| -> $crate::engine::Working<'_, _> {
            let request = request.clone();
            Box::pin(async move { $self.inner.$method(&context, request).await })
        };
        account.change($context, intended, work).await
    }};
}

pub(super) use journalled;
