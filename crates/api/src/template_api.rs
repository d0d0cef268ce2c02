//! The portable operations on card templates.

use async_trait::async_trait;

use crate::{
    CallContext, CreateTemplate, DeleteTemplate, Error, GetTemplate, ListTemplates, Page, Template,
    TemplateRequest, UpdateTemplate,
};

/// Reads and changes card templates, in whatever family the account is.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait TemplateApi: Send + Sync {
    /// Reads one template.
    ///
    /// # Errors
    ///
    /// [`Reason::TemplateNotFound`](crate::Reason::TemplateNotFound) where WeChat's answer tells so.
    async fn get_template(
        &self,
        context: &CallContext,
        request: GetTemplate,
    ) -> Result<Template, Error>;

    /// Lists the templates of an account, in WeChat's order.
    ///
    /// # Errors
    ///
    /// [`Reason::PageTokenInvalid`](crate::Reason::PageTokenInvalid) for a token that does not
    /// belong to this list.
    async fn list_templates(
        &self,
        context: &CallContext,
        request: ListTemplates,
    ) -> Result<Page<Template>, Error>;

    /// Makes a new template and returns it.
    ///
    /// If WeChat confirmed the template and only reading it back failed, the answer holds its name
    /// and nothing else: a name that is lost could not be asked for again.
    ///
    /// # Errors
    ///
    /// [`Reason::FieldInvalid`](crate::Reason::FieldInvalid) names what the family needs besides, and
    /// every portable field that contradicts the family's own message;
    /// [`Reason::OutcomeUnknown`](crate::Reason::OutcomeUnknown) if no verified answer came back.
    async fn create_template(
        &self,
        context: &CallContext,
        request: CreateTemplate,
    ) -> Result<Template, Error>;

    /// Changes fields of one template and returns it as it is afterwards.
    ///
    /// # Errors
    ///
    /// As [`MemberApi::update_member`](crate::MemberApi::update_member).
    async fn update_template(
        &self,
        context: &CallContext,
        request: UpdateTemplate,
    ) -> Result<Template, Error>;

    /// Takes a template out of circulation for good; cards received before stay valid.
    ///
    /// The brand family calls this invalidating, and there the template can still be read.
    ///
    /// # Errors
    ///
    /// [`Reason::TemplateNotFound`](crate::Reason::TemplateNotFound) where WeChat's answer tells so;
    /// [`Reason::OutcomeUnknown`](crate::Reason::OutcomeUnknown) if no verified answer came back.
    async fn delete_template(
        &self,
        context: &CallContext,
        request: DeleteTemplate,
    ) -> Result<(), Error>;

    /// Says why this call would be refused now before anything is done for it, as
    /// [`Upstream::refusal`](crate::Upstream::refusal) does of the operation that it begins with. `None` also where that
    /// cannot be known at once: what a journal may have of a change is answered, whether there is room or not.
    fn refusal(&self, context: &CallContext, request: &TemplateRequest) -> Option<Error> {
        let (_, _) = (context, request);
        None
    }
}
