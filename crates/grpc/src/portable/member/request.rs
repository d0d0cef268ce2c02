//! Requests of `kabao.v1.MemberService`, in words of the domain.

use kabao_api::{
    ActivateMember, ActivationOutcome, AdjustMember, Change, Error, FieldViolation, GetMember,
    ImportMember, ImportedUser, InvalidateMember, ListMembers, MemberUpdate, Reason, UpdateMember,
};
use kabao_proto::kabao::v1 as proto;

use crate::idempotency::Idempotency;
use crate::portable::arguments::{Arguments, given, personal};

/// How many members one batch may have.
const MAX_BATCH: usize = 100;

pub(super) fn get(request: proto::GetMemberRequest) -> Result<GetMember, Error> {
    let mut arguments = Arguments::default();
    let name = arguments.name("name", &request.name);
    let view = arguments.view(request.view);
    let openid = personal(request.openid);
    arguments.finish(name.map(|name| {
        let mut wanted = GetMember::new(name).with_view(view);
        wanted.openid = openid;
        wanted
    }))
}

pub(super) fn update(
    request: proto::UpdateMemberRequest,
    idempotency: &Idempotency,
) -> Result<UpdateMember, Error> {
    let mut arguments = Arguments::default();
    let member = request.member.unwrap_or_default();
    let name = arguments.name("member.name", &member.name);
    let update = changes(&mut arguments, member, request.update_mask);
    let request_id = arguments.request_id(request.request_id, idempotency);
    let view = arguments.view(request.view);
    let openid = personal(request.openid);
    arguments.finish(name.map(|name| {
        let mut wanted = UpdateMember::new(name, update).with_view(view);
        wanted.openid = openid;
        wanted.request_id = request_id;
        wanted
    }))
}

fn changes(
    arguments: &mut Arguments,
    member: proto::Member,
    mask: Option<prost_types::FieldMask>,
) -> MemberUpdate {
    let chosen = arguments.mask(mask, MemberUpdate::FIELDS, |path| match path {
        "level" => !member.level.is_empty(),
        "membership_number" => !member.membership_number.is_empty(),
        "background_picture_url" => !member.background_picture_url.is_empty(),
        "points" => member.points.is_some(),
        "balance" => member.balance.is_some(),
        _ => false,
    });
    let mut update = MemberUpdate::default();
    let number = |arguments: &mut Arguments, field: &str, value: Option<i64>| {
        if value.is_none() {
            arguments.report(
                Reason::FieldInvalid,
                field,
                "is named by update_mask and has no value",
            );
        }
        value
    };
    for path in chosen {
        match path {
            "level" => update.level = Some(member.level.clone()),
            "membership_number" => {
                update.membership_number = Some(member.membership_number.clone().into());
            }
            "background_picture_url" => {
                update.background_picture_url = Some(member.background_picture_url.clone());
            }
            "points" => update.points = number(arguments, "member.points", member.points),
            "balance" => update.balance = number(arguments, "member.balance", member.balance),
            _ => {}
        }
    }
    update
}

pub(super) fn list(request: proto::ListMembersRequest) -> Result<ListMembers, Error> {
    let mut arguments = Arguments::default();
    let parent = arguments.template_or_all("parent", &request.parent);
    if request.openid.is_empty() {
        arguments.report(Reason::FieldInvalid, "openid", "is required");
    }
    let page = arguments.page(request.page_size, request.page_token);
    let view = arguments.view(request.view);
    let openid = request.openid;
    arguments.finish(parent.map(|(account, template)| {
        let mut wanted = ListMembers::new(account, openid)
            .with_page(page)
            .with_view(view);
        wanted.template = template;
        wanted
    }))
}

pub(super) fn batch(
    request: proto::BatchGetMembersRequest,
) -> Result<Vec<proto::GetMemberRequest>, Error> {
    let count = request.requests.len();
    if (1..=MAX_BATCH).contains(&count) {
        return Ok(request.requests);
    }
    let description = format!("has {count} members, 1 to {MAX_BATCH} are allowed");
    Err(Error::field_invalid([FieldViolation::new(
        "requests",
        description,
    )]))
}

pub(super) fn adjust_balance(
    request: proto::AdjustBalanceRequest,
    idempotency: &Idempotency,
) -> Result<AdjustMember, Error> {
    use proto::adjust_balance_request::Change as Asked;
    let change = request.change.map(|change| match change {
        Asked::Add(difference) => Change::Add(difference),
        Asked::SetTo(value) => Change::SetTo(value),
    });
    let mut arguments = Arguments::default();
    let name = arguments.name("name", &request.name);
    let change = require_change(&mut arguments, change);
    let request_id = arguments.request_id(request.request_id, idempotency);
    let openid = personal(request.openid);
    arguments.finish(name.zip(change).map(|(name, change)| {
        let mut wanted = AdjustMember::new(name, change);
        wanted.openid = openid;
        wanted.minimum = request.minimum;
        wanted.remark = personal(request.remark);
        wanted.notify = request.notify;
        wanted.request_id = request_id;
        wanted
    }))
}

pub(super) fn adjust_points(
    request: proto::AdjustPointsRequest,
    idempotency: &Idempotency,
) -> Result<AdjustMember, Error> {
    use proto::{adjust_balance_request as balance, adjust_points_request as points};
    let proto::AdjustPointsRequest {
        name,
        change,
        minimum,
        remark,
        notify,
        request_id,
        openid,
    } = request;
    adjust_balance(
        proto::AdjustBalanceRequest {
            name,
            change: change.map(|change| match change {
                points::Change::Add(difference) => balance::Change::Add(difference),
                points::Change::SetTo(value) => balance::Change::SetTo(value),
            }),
            minimum,
            remark,
            notify,
            request_id,
            openid,
        },
        idempotency,
    )
}

fn require_change(arguments: &mut Arguments, change: Option<Change>) -> Option<Change> {
    if change.is_none() {
        let description = "is required: add or set_to";
        arguments.report(Reason::FieldInvalid, "change", description);
    }
    change
}

pub(super) fn activate(
    request: proto::ActivateMemberRequest,
    idempotency: &Idempotency,
) -> Result<ActivateMember, Error> {
    use proto::activate_member_request::Outcome;
    let mut arguments = Arguments::default();
    let name = arguments.name("name", &request.name);
    let outcome = match Outcome::try_from(request.outcome) {
        Ok(Outcome::Unspecified | Outcome::Enrolled) => ActivationOutcome::Enrolled,
        Ok(Outcome::AlreadyMember) => ActivationOutcome::AlreadyMember,
        Ok(Outcome::Refused) => ActivationOutcome::Refused,
        Err(_) => {
            let description = "must be OUTCOME_ENROLLED, OUTCOME_ALREADY_MEMBER or OUTCOME_REFUSED";
            arguments.report(Reason::FieldInvalid, "outcome", description);
            ActivationOutcome::Enrolled
        }
    };
    let initial = initial(request.initial_values);
    let request_id = arguments.request_id(request.request_id, idempotency);
    let openid = personal(request.openid);
    let view = arguments.view(request.view);
    arguments.finish(name.map(|name| {
        let mut wanted = ActivateMember::new(name)
            .with_outcome(outcome)
            .with_initial(initial)
            .with_view(view);
        wanted.openid = openid;
        wanted.request_id = request_id;
        wanted
    }))
}

pub(super) fn invalidate(
    request: proto::InvalidateMemberRequest,
    idempotency: &Idempotency,
) -> Result<InvalidateMember, Error> {
    let mut arguments = Arguments::default();
    let name = arguments.name("name", &request.name);
    let request_id = arguments.request_id(request.request_id, idempotency);
    let openid = personal(request.openid);
    let view = arguments.view(request.view);
    arguments.finish(name.map(|name| {
        let mut wanted = InvalidateMember::new(name).with_view(view);
        wanted.openid = openid;
        wanted.reason = personal(request.reason);
        wanted.request_id = request_id;
        wanted
    }))
}

pub(super) fn import(
    request: proto::ImportMemberRequest,
    idempotency: &Idempotency,
) -> Result<ImportMember, Error> {
    use proto::import_member_request::User;
    let mut arguments = Arguments::default();
    let template = arguments.name("parent", &request.parent);
    let user = match request.user {
        Some(User::Openid(openid)) if !openid.is_empty() => {
            Some(ImportedUser::Openid(openid.into()))
        }
        Some(User::PhoneNumber(phone)) if !phone.is_empty() => {
            Some(ImportedUser::Phone(phone.into()))
        }
        _ => {
            let description = "is required: openid or phone_number";
            arguments.report(Reason::FieldInvalid, "user", description);
            None
        }
    };
    let pickup_time = arguments.time("pickup_time", request.pickup_time);
    let validity = arguments.validity("validity", request.validity);
    let request_id = arguments.request_id(request.request_id, idempotency);
    let view = arguments.view(request.view);
    arguments.finish(template.zip(user).map(|(template, user)| {
        let mut wanted = ImportMember::new(template, user)
            .with_initial(initial(request.initial_values))
            .with_view(view);
        wanted.code = personal(request.code);
        wanted.pickup_time = pickup_time;
        wanted.validity = validity;
        wanted.request_id = request_id;
        wanted
    }))
}

fn initial(values: Option<proto::InitialValues>) -> MemberUpdate {
    let values = values.unwrap_or_default();
    MemberUpdate {
        level: given(values.level),
        membership_number: personal(values.membership_number),
        background_picture_url: given(values.background_picture_url),
        points: values.points,
        balance: values.balance,
    }
}
