//! The arguments of the portable operations on templates.

use serde::Serialize;

use crate::setters::setters;
use crate::{AccountId, NewTemplate, PageRequest, RequestId, TemplateName, TemplateUpdate, View};

/// Arguments of [`TemplateApi::get_template`](crate::TemplateApi::get_template).
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

/// Arguments of [`TemplateApi::list_templates`](crate::TemplateApi::list_templates).
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

/// Arguments of [`TemplateApi::create_template`](crate::TemplateApi::create_template).
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

/// Arguments of [`TemplateApi::update_template`](crate::TemplateApi::update_template).
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

/// Arguments of [`TemplateApi::delete_template`](crate::TemplateApi::delete_template).
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
