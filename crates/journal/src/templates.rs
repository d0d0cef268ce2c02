//! The portable changes of templates, each with its memory.

use std::sync::Arc;

use async_trait::async_trait;
use kabao_api::{
    CallContext, CreateTemplate, DeleteTemplate, Error, GetTemplate, ListTemplates, Method, Page,
    Template, TemplateApi, UpdateTemplate,
};

use crate::account::AccountJournal;
use crate::engine::Working;

/// Stands around the backend of an account.
pub(crate) struct JournalledTemplates {
    account: Arc<AccountJournal>,
    inner: Arc<dyn TemplateApi>,
}

impl JournalledTemplates {
    pub(crate) fn new(account: Arc<AccountJournal>, inner: Arc<dyn TemplateApi>) -> Self {
        Self { account, inner }
    }
}

macro_rules! journalled {
    ($self:ident.$method:ident($context:ident, $request:ident), $name:ident) => {{
        let intended = $self.account.intend(
            $context,
            Method::$name,
            $request.request_id.as_ref(),
            &$request,
        )?;
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
impl TemplateApi for JournalledTemplates {
    async fn get_template(
        &self,
        context: &CallContext,
        request: GetTemplate,
    ) -> Result<Template, Error> {
        self.inner.get_template(context, request).await
    }

    async fn list_templates(
        &self,
        context: &CallContext,
        request: ListTemplates,
    ) -> Result<Page<Template>, Error> {
        self.inner.list_templates(context, request).await
    }

    async fn create_template(
        &self,
        context: &CallContext,
        request: CreateTemplate,
    ) -> Result<Template, Error> {
        journalled!(self.create_template(context, request), CreateTemplate)
    }

    async fn update_template(
        &self,
        context: &CallContext,
        request: UpdateTemplate,
    ) -> Result<Template, Error> {
        journalled!(self.update_template(context, request), UpdateTemplate)
    }

    async fn delete_template(
        &self,
        context: &CallContext,
        request: DeleteTemplate,
    ) -> Result<(), Error> {
        journalled!(self.delete_template(context, request), DeleteTemplate)
    }
}
