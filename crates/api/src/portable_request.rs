//! Any call of the portable API, by its arguments.

use crate::{
    AccountId, ActivateMember, AdjustMember, CreateTemplate, DeleteTemplate, GetMember,
    GetTemplate, ImportMember, InvalidateMember, ListMembers, ListTemplates, RequestId,
    UpdateMember, UpdateTemplate,
};

/// A call of [`MemberApi`](crate::MemberApi).
#[derive(Clone, Debug)]
pub enum MemberRequest {
    /// [`get_member`](crate::MemberApi::get_member).
    Get(GetMember),
    /// [`list_members`](crate::MemberApi::list_members).
    List(ListMembers),
    /// [`update_member`](crate::MemberApi::update_member).
    Update(UpdateMember),
    /// [`adjust_balance`](crate::MemberApi::adjust_balance).
    AdjustBalance(AdjustMember),
    /// [`adjust_points`](crate::MemberApi::adjust_points).
    AdjustPoints(AdjustMember),
    /// [`activate_member`](crate::MemberApi::activate_member).
    Activate(ActivateMember),
    /// [`invalidate_member`](crate::MemberApi::invalidate_member).
    Invalidate(InvalidateMember),
    /// [`import_member`](crate::MemberApi::import_member).
    Import(ImportMember),
}

/// A call of [`TemplateApi`](crate::TemplateApi).
#[derive(Clone, Debug)]
pub enum TemplateRequest {
    /// [`get_template`](crate::TemplateApi::get_template).
    Get(GetTemplate),
    /// [`list_templates`](crate::TemplateApi::list_templates).
    List(ListTemplates),
    /// [`create_template`](crate::TemplateApi::create_template).
    Create(CreateTemplate),
    /// [`update_template`](crate::TemplateApi::update_template).
    Update(UpdateTemplate),
    /// [`delete_template`](crate::TemplateApi::delete_template).
    Delete(DeleteTemplate),
}

impl MemberRequest {
    /// Returns the account whose member it is about.
    pub fn account(&self) -> &AccountId {
        match self {
            Self::Get(request) => request.name.account(),
            Self::List(request) => &request.account,
            Self::Update(request) => request.name.account(),
            Self::AdjustBalance(request) | Self::AdjustPoints(request) => request.name.account(),
            Self::Activate(request) => request.name.account(),
            Self::Invalidate(request) => request.name.account(),
            Self::Import(request) => request.template.account(),
        }
    }

    /// Tells whether it changes nothing.
    pub fn is_read(&self) -> bool {
        matches!(self, Self::Get(_) | Self::List(_))
    }

    /// Returns the id that its caller gave the change.
    pub fn request_id(&self) -> Option<&RequestId> {
        match self {
            Self::Get(_) | Self::List(_) => None,
            Self::Update(request) => request.request_id.as_ref(),
            Self::AdjustBalance(request) | Self::AdjustPoints(request) => {
                request.request_id.as_ref()
            }
            Self::Activate(request) => request.request_id.as_ref(),
            Self::Invalidate(request) => request.request_id.as_ref(),
            Self::Import(request) => request.request_id.as_ref(),
        }
    }
}

impl TemplateRequest {
    /// Returns the account whose template it is about.
    pub fn account(&self) -> &AccountId {
        match self {
            Self::Get(request) => request.name.account(),
            Self::List(request) => &request.account,
            Self::Create(request) => &request.account,
            Self::Update(request) => request.name.account(),
            Self::Delete(request) => request.name.account(),
        }
    }

    /// Tells whether it changes nothing.
    pub fn is_read(&self) -> bool {
        matches!(self, Self::Get(_) | Self::List(_))
    }

    /// Returns the id that its caller gave the change.
    pub fn request_id(&self) -> Option<&RequestId> {
        match self {
            Self::Get(_) | Self::List(_) => None,
            Self::Create(request) => request.request_id.as_ref(),
            Self::Update(request) => request.request_id.as_ref(),
            Self::Delete(request) => request.request_id.as_ref(),
        }
    }
}
