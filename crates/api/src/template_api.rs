//! The portable operations on card templates.

use async_trait::async_trait;
use serde::Serialize;

use crate::setters::setters;
use crate::{
    AccountId, CallContext, Error, NewTemplate, Page, PageRequest, RequestId, Template,
    TemplateName, TemplateRequest, TemplateUpdate, View,
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

/// Arguments of [`TemplateApi::get_template`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GetTemplate {
    /// Which template.
    pub name: TemplateName,
    /// How much to return.
    pub view: View,
}

impl GetTemplate {
    /// Asks for this template.
    pub fn new(name: TemplateName) -> Self {
        Self {
            name,
            view: View::default(),
        }
    }
}

setters!(GetTemplate:
    with_view(view: View) = view;
);

/// Arguments of [`TemplateApi::list_templates`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListTemplates {
    /// Whose templates.
    pub account: AccountId,
    /// Which page.
    pub page: PageRequest,
    /// How much to return of each.
    pub view: View,
}

impl ListTemplates {
    /// Lists the templates of this account, from the start.
    pub fn new(account: AccountId) -> Self {
        Self {
            account,
            page: PageRequest::default(),
            view: View::default(),
        }
    }
}

setters!(ListTemplates:
    with_page(page: PageRequest) = page;
    with_view(view: View) = view;
);

/// Arguments of [`TemplateApi::create_template`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CreateTemplate {
    /// Who makes the template.
    pub account: AccountId,
    /// What it is to be.
    pub template: NewTemplate,
    /// Identifies this one intended change (AIP-155); becomes `out_request_no` in the families that
    /// have one (merchant and brand). An official account has none, so that an id is refused with
    /// `NOT_SUPPORTED_BY_FAMILY`: a repeat would make a second card.
    #[serde(skip)]
    pub request_id: Option<RequestId>,
    /// How much to return.
    pub view: View,
}

impl CreateTemplate {
    /// Makes this template for this account.
    pub fn new(account: AccountId, template: NewTemplate) -> Self {
        Self {
            account,
            template,
            request_id: None,
            view: View::default(),
        }
    }
}

setters!(CreateTemplate:
    with_request_id(request_id: RequestId) = Some(request_id);
    with_view(view: View) = view;
);

/// Arguments of [`TemplateApi::update_template`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UpdateTemplate {
    /// Which template.
    pub name: TemplateName,
    /// What to change.
    pub update: TemplateUpdate,
    /// Identifies this one intended change (AIP-155). No family has a request number for this
    /// operation; the change is absolute, so repeating it does no harm.
    #[serde(skip)]
    pub request_id: Option<RequestId>,
    /// How much to return.
    pub view: View,
}

impl UpdateTemplate {
    /// Changes this template.
    pub fn new(name: TemplateName, update: TemplateUpdate) -> Self {
        Self {
            name,
            update,
            request_id: None,
            view: View::default(),
        }
    }
}

setters!(UpdateTemplate:
    with_request_id(request_id: RequestId) = Some(request_id);
    with_view(view: View) = view;
);

/// Arguments of [`TemplateApi::delete_template`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DeleteTemplate {
    /// Which template.
    pub name: TemplateName,
    /// Identifies this one intended change (AIP-155). No family has a request number for this
    /// operation.
    #[serde(skip)]
    pub request_id: Option<RequestId>,
}

impl DeleteTemplate {
    /// Takes this template out of circulation.
    pub fn new(name: TemplateName) -> Self {
        Self {
            name,
            request_id: None,
        }
    }
}

setters!(DeleteTemplate:
    with_request_id(request_id: RequestId) = Some(request_id);
);
