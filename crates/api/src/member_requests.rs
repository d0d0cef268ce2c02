//! The arguments of the portable operations on members.

use std::time::SystemTime;

use kabao_models::Personal;
use serde::Serialize;

use crate::setters::setters;
use crate::{
    AccountId, MemberName, MemberUpdate, PageRequest, RequestId, TemplateId, TemplateName,
    Validity, View,
};

/// Arguments of [`MemberApi::get_member`](crate::MemberApi::get_member).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GetMember {
    /// Which member.
    pub name: MemberName,
    /// The user; required by the brand family, ignored by the others.
    pub openid: Option<Personal>,
    /// How much to return.
    pub view: View,
}

impl GetMember {
    /// Asks for this member.
    pub fn new(name: MemberName) -> Self {
        Self {
            name,
            openid: None,
            view: View::default(),
        }
    }
}

setters!(GetMember:
    with_openid(openid: impl Into<Personal>) = Some(openid.into());
    with_view(view: View) = view;
);

/// Arguments of [`MemberApi::update_member`](crate::MemberApi::update_member).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UpdateMember {
    /// Which member.
    pub name: MemberName,
    /// The user; required by the brand family, ignored by the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub openid: Option<Personal>,
    /// What to change.
    pub update: MemberUpdate,
    /// Identifies this one intended change (AIP-155); becomes `out_request_no` where the family
    /// has one. Without it the client makes one up, and only the client can repeat the call safely.
    #[serde(skip)]
    pub request_id: Option<RequestId>,
    /// How much to return.
    pub view: View,
}

impl UpdateMember {
    /// Changes this member.
    pub fn new(name: MemberName, update: MemberUpdate) -> Self {
        Self {
            name,
            openid: None,
            update,
            request_id: None,
            view: View::default(),
        }
    }
}

setters!(UpdateMember:
    with_openid(openid: impl Into<Personal>) = Some(openid.into());
    with_request_id(request_id: RequestId) = Some(request_id);
    with_view(view: View) = view;
);

/// Arguments of [`MemberApi::list_members`](crate::MemberApi::list_members).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListMembers {
    /// The account.
    pub account: AccountId,
    /// Cards of this template only; `None` for all templates.
    pub template: Option<TemplateId>,
    /// The user whose cards are listed.
    pub openid: Personal,
    /// Which page.
    pub page: PageRequest,
    /// How much to return of each.
    pub view: View,
}

impl ListMembers {
    /// Lists the cards of this user, of all templates, from the start.
    pub fn new(account: AccountId, openid: impl Into<Personal>) -> Self {
        Self {
            account,
            template: None,
            openid: openid.into(),
            page: PageRequest::default(),
            view: View::default(),
        }
    }
}

setters!(ListMembers:
    with_template(template: TemplateId) = Some(template);
    with_page(page: PageRequest) = page;
    with_view(view: View) = view;
);

/// Arguments of [`MemberApi::activate_member`](crate::MemberApi::activate_member).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ActivateMember {
    /// Which member. Brand, with codes of the merchant's own: the code that the member gets.
    pub name: MemberName,
    /// The user; required by the brand family, ignored by the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub openid: Option<Personal>,
    /// How the merchant's own enrolment ended.
    pub outcome: ActivationOutcome,
    /// Values to start with: `membership_number` in merchant and official account, `level` in
    /// brand, `background_picture_url` in brand and official account, `points` and `balance` in
    /// official account.
    pub initial: MemberUpdate,
    /// Identifies this one intended change (AIP-155). No family has a request number for this
    /// operation.
    #[serde(skip)]
    pub request_id: Option<RequestId>,
    /// How much to return.
    pub view: View,
}

impl ActivateMember {
    /// Activates this member's card: the user is enrolled now.
    pub fn new(name: MemberName) -> Self {
        Self {
            name,
            openid: None,
            outcome: ActivationOutcome::default(),
            initial: MemberUpdate::default(),
            request_id: None,
            view: View::default(),
        }
    }
}

setters!(ActivateMember:
    with_openid(openid: impl Into<Personal>) = Some(openid.into());
    with_outcome(outcome: ActivationOutcome) = outcome;
    with_initial(initial: MemberUpdate) = initial;
    with_request_id(request_id: RequestId) = Some(request_id);
    with_view(view: View) = view;
);

/// How the merchant's own enrolment of a user ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum ActivationOutcome {
    /// The user is a member now.
    #[default]
    Enrolled,
    /// The user had been a member already, through another channel. Brand only.
    AlreadyMember,
    /// The user does not become a member; the card becomes invalid. Brand only.
    Refused,
}

/// Arguments of [`MemberApi::invalidate_member`](crate::MemberApi::invalidate_member).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct InvalidateMember {
    /// Which member.
    pub name: MemberName,
    /// The user; required by the brand family, ignored by the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub openid: Option<Personal>,
    /// Why; at most 30 characters in merchant, 32 in brand. Official account: the user reads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Personal>,
    /// Identifies this one intended change (AIP-155). No family has a request number for this
    /// operation; the state is final, so repeating it does no harm.
    #[serde(skip)]
    pub request_id: Option<RequestId>,
    /// How much to return.
    pub view: View,
}

impl InvalidateMember {
    /// Makes this member's card invalid, for good.
    pub fn new(name: MemberName) -> Self {
        Self {
            name,
            openid: None,
            reason: None,
            request_id: None,
            view: View::default(),
        }
    }
}

setters!(InvalidateMember:
    with_openid(openid: impl Into<Personal>) = Some(openid.into());
    with_reason(reason: impl Into<Personal>) = Some(reason.into());
    with_request_id(request_id: RequestId) = Some(request_id);
    with_view(view: View) = view;
);

/// Arguments of [`MemberApi::import_member`](crate::MemberApi::import_member).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ImportMember {
    /// The template of the card.
    pub template: TemplateName,
    /// Whom the card is for.
    pub user: ImportedUser,
    /// The code of the member. Merchant: only where the template's codes come from the merchant in
    /// real time, WeChat allots it otherwise. Brand: required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Personal>,
    /// Values to start with: `level` and `background_picture_url`, both in brand only.
    pub initial: MemberUpdate,
    /// When the user became a member. Brand only; by phone number it is required.
    #[serde(skip_serializing_if = "Option::is_none", with = "crate::moment")]
    pub pickup_time: Option<SystemTime>,
    /// How long the card is valid, of the same kind as the template's. Brand only; by phone number
    /// it is required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validity: Option<Validity>,
    /// Identifies this one intended change (AIP-155); becomes `out_request_no` in merchant. Brand
    /// has no request number here, but the code is unique.
    #[serde(skip)]
    pub request_id: Option<RequestId>,
    /// How much to return.
    pub view: View,
}

impl ImportMember {
    /// Hands a card of this template to this user.
    pub fn new(template: TemplateName, user: ImportedUser) -> Self {
        Self {
            template,
            user,
            code: None,
            initial: MemberUpdate::default(),
            pickup_time: None,
            validity: None,
            request_id: None,
            view: View::default(),
        }
    }
}

setters!(ImportMember:
    with_code(code: impl Into<Personal>) = Some(code.into());
    with_initial(initial: MemberUpdate) = initial;
    with_pickup_time(pickup_time: SystemTime) = Some(pickup_time);
    with_validity(validity: Validity) = Some(validity);
    with_request_id(request_id: RequestId) = Some(request_id);
    with_view(view: View) = view;
);

/// Whom an imported card is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ImportedUser {
    /// The user of an openid.
    Openid(Personal),
    /// Whoever has this phone number; it is encrypted before it leaves the process.
    Phone(Personal),
}
