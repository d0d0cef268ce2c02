//! The arguments of the portable operations on members.

use std::time::SystemTime;

use kabao_models::Personal;

use crate::{
    AccountId, MemberName, MemberUpdate, PageRequest, RequestId, TemplateId, TemplateName,
    Validity, View,
};

/// Arguments of [`MemberApi::get_member`](crate::MemberApi::get_member).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetMember {
    /// Which member.
    pub name: MemberName,
    /// The user; required by the brand family, ignored by the others.
    pub openid: Option<Personal>,
    /// How much to return.
    pub view: View,
}

/// Arguments of [`MemberApi::update_member`](crate::MemberApi::update_member).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateMember {
    /// Which member.
    pub name: MemberName,
    /// The user; required by the brand family, ignored by the others.
    pub openid: Option<Personal>,
    /// What to change.
    pub update: MemberUpdate,
    /// Identifies this one intended change (AIP-155); becomes `out_request_no` where the family
    /// has one. Without it the client makes one up, and only the client can repeat the call safely.
    pub request_id: Option<RequestId>,
    /// How much to return.
    pub view: View,
}

/// Arguments of [`MemberApi::list_members`](crate::MemberApi::list_members).
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// Arguments of [`MemberApi::activate_member`](crate::MemberApi::activate_member).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivateMember {
    /// Which member. Brand, with codes of the merchant's own: the code that the member gets.
    pub name: MemberName,
    /// The user; required by the brand family, ignored by the others.
    pub openid: Option<Personal>,
    /// How the merchant's own enrolment ended.
    pub outcome: ActivationOutcome,
    /// Values to start with: `membership_number` in merchant and official account, `level` in
    /// brand, `background_picture_url` in brand and official account, `points` and `balance` in
    /// official account.
    pub initial: MemberUpdate,
    /// Identifies this one intended change (AIP-155). No family has a request number for this
    /// operation.
    pub request_id: Option<RequestId>,
    /// How much to return.
    pub view: View,
}

/// How the merchant's own enrolment of a user ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidateMember {
    /// Which member.
    pub name: MemberName,
    /// The user; required by the brand family, ignored by the others.
    pub openid: Option<Personal>,
    /// Why; at most 30 characters in merchant, 32 in brand. Official account: the user reads it.
    pub reason: Option<String>,
    /// Identifies this one intended change (AIP-155). No family has a request number for this
    /// operation; the state is final, so repeating it does no harm.
    pub request_id: Option<RequestId>,
    /// How much to return.
    pub view: View,
}

/// Arguments of [`MemberApi::import_member`](crate::MemberApi::import_member).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportMember {
    /// The template of the card.
    pub template: TemplateName,
    /// Whom the card is for.
    pub user: ImportedUser,
    /// The code of the member. Merchant: only where the template's codes come from the merchant in
    /// real time, WeChat allots it otherwise. Brand: required.
    pub code: Option<Personal>,
    /// Values to start with: `level` and `background_picture_url`, both in brand only.
    pub initial: MemberUpdate,
    /// When the user became a member. Brand only; by phone number it is required.
    pub pickup_time: Option<SystemTime>,
    /// How long the card is valid, of the same kind as the template's. Brand only; by phone number
    /// it is required.
    pub validity: Option<Validity>,
    /// Identifies this one intended change (AIP-155); becomes `out_request_no` in merchant. Brand
    /// has no request number here, but the code is unique.
    pub request_id: Option<RequestId>,
    /// How much to return.
    pub view: View,
}

/// Whom an imported card is for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportedUser {
    /// The user of an openid.
    Openid(Personal),
    /// Whoever has this phone number; it is encrypted before it leaves the process.
    Phone(Personal),
}
