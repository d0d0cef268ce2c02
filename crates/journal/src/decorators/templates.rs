//! The portable changes of templates, each with its memory.

use std::sync::Arc;

use async_trait::async_trait;
use kabao_api::{
    CallContext, CreateTemplate, DeleteTemplate, Error, GetTemplate, ListTemplates, Page, Template,
    TemplateApi, TemplateRequest, UpdateTemplate,
};

use super::method::{About, journalled};
use crate::account::AccountJournal;

/// Stands around the backend of an account.
pub(super) struct JournalledTemplates {
    account: Arc<AccountJournal>,
    inner: Arc<dyn TemplateApi>,
}

impl JournalledTemplates {
    pub(super) fn new(account: Arc<AccountJournal>, inner: Arc<dyn TemplateApi>) -> Self {
        Self { account, inner }
    }
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
        journalled!(
            self.create_template(context, request),
            CreateTemplate,
            About::default()
        )
    }

    async fn update_template(
        &self,
        context: &CallContext,
        request: UpdateTemplate,
    ) -> Result<Template, Error> {
        journalled!(
            self.update_template(context, request),
            UpdateTemplate,
            About::template(&request.name)
        )
    }

    async fn delete_template(
        &self,
        context: &CallContext,
        request: DeleteTemplate,
    ) -> Result<(), Error> {
        journalled!(
            self.delete_template(context, request),
            DeleteTemplate,
            About::template(&request.name)
        )
    }

    fn refusal(&self, context: &CallContext, request: &TemplateRequest) -> Option<Error> {
        let may_ask = request.is_read() || self.account.is_new(context, request.request_id());
        may_ask.then(|| self.inner.refusal(context, request))?
    }
}
