//! The portable operations on card templates.

use async_trait::async_trait;

use crate::{CallContext, Error, Template, TemplateName, TemplateUpdate, View};

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
}

/// Arguments of [`TemplateApi::get_template`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetTemplate {
    /// Which template.
    pub name: TemplateName,
    /// How much to return.
    pub view: View,
}

/// Arguments of [`TemplateApi::update_template`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateTemplate {
    /// Which template.
    pub name: TemplateName,
    /// What to change.
    pub update: TemplateUpdate,
    /// Identifies this one intended change (AIP-155). No family has a request number for this
    /// operation; the change is absolute, so repeating it does no harm.
    pub request_id: Option<String>,
    /// How much to return.
    pub view: View,
}

/// Arguments of [`TemplateApi::delete_template`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteTemplate {
    /// Which template.
    pub name: TemplateName,
    /// Identifies this one intended change (AIP-155). No family has a request number for this
    /// operation.
    pub request_id: Option<String>,
}
