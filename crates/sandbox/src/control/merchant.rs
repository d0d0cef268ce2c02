//! User actions and state of the merchant family.

use bytes::Bytes;
use jiff::Timestamp;
use kabao_models::merchant::UserInformation;
use kabao_models::merchant::user_cards::ActivateUserCard;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{Problem, parse};
use super::users::{Card, Claim, Member, note};
use crate::account::Account;
use crate::clock::{parse_rfc3339, rfc3339};
use crate::merchant::{Context, Core, OldCard, Refused, User};
use crate::serve::Core as _;
use crate::sync::lock;
use crate::world::World;
use crate::{dynamic_code, merchant};

/// Shows everything that merchant numbers have.
pub(super) fn state(world: &World) -> Value {
    let now = world.now();
    let seconds = world.settings().merchant.dynamic_code_seconds;
    let core = lock(&world.merchant);
    let templates: Vec<_> = core.templates().map(show_template).collect();
    let members: Vec<_> = core
        .members()
        .map(|member| show_member(member, now, seconds))
        .collect();
    let activities: Vec<_> = core
        .activities()
        .map(|activity| json!({ "owner": activity.owner, "activity": activity.shown(now) }))
        .collect();
    let phone_members: Vec<_> = core
        .phone_members()
        .map(|(card_id, phone_number, member)| {
            json!({ "card_id": card_id, "phone_number": phone_number, "member": member })
        })
        .collect();
    json!({
        "templates": templates,
        "members": members,
        "activities": activities,
        "phone_members": phone_members,
        "callbacks": core.callbacks(),
    })
}

fn show_template(template: &merchant::Template) -> Value {
    json!({
        "owner": template.owner,
        "upgraded": template.upgraded,
        "sections": template.sections,
        "card": template.card,
    })
}

fn show_member(member: &merchant::Member, now: Timestamp, seconds: u32) -> Value {
    let card = member.shown(now);
    let card_id = card.card_id.as_deref().unwrap_or_default();
    json!({
        "dynamic_code": dynamic_code::of(card_id, member.code(), now, seconds),
        "issued": rfc3339(member.issued),
        "expires": member.expires.map(rfc3339),
        "in_wallet": member.in_wallet.map(rfc3339),
        "phone_number": member.phone_number,
        "outer_str": member.outer_str,
        "member_price_word": member.member_price_word,
        "confirmation": member.confirmation,
        "reason": member.reason,
        "pass": member.pass,
        "card": card,
    })
}

/// Runs a command under the lock of the family and writes its effects into the ledger.
fn run<T>(
    world: &World,
    account: &Account,
    operation: &str,
    command: impl FnOnce(&mut Core, &Context<'_>) -> Result<T, Refused>,
) -> Result<T, Problem> {
    let settings = world.settings();
    let mut core = lock(&world.merchant);
    let context = Context::at(account, world.now(), &settings);
    let result = command(&mut core, &context);
    note(world, account, operation, core.take_effects());
    result.map_err(Problem::refused)
}

/// A user takes a card, or takes back a deleted one.
pub(super) fn claim(world: &World, account: &Account, claim: Claim) -> Result<Value, Problem> {
    let Claim {
        card_id,
        openid,
        code,
        phone_number,
        activated,
        ..
    } = claim;
    let user = User {
        phone_number,
        ..User::of(&openid)
    };
    let claim = merchant::Claim {
        card_id,
        user,
        code,
        activated,
        ..merchant::Claim::default()
    };
    run(world, account, "control.cards.claim", |core, context| {
        if activated {
            core.claim(context, &claim)
        } else {
            core.check_would_wait(context, &claim)?;
            core.start_activation(context, &claim).map(|(card, _)| card)
        }
    })
    .map(|card| json!(card))
}

/// The merchant activates a card that waits.
pub(super) fn activate(
    world: &World,
    account: &Account,
    member: &Member,
) -> Result<Value, Problem> {
    let request = ActivateUserCard::new(member.card_id.as_str(), member.code.as_str());
    run(
        world,
        account,
        "control.members.activate",
        |core, context| core.activate_member(context, &request),
    )
    .map(|card| json!(card))
}

/// The user deletes the card.
pub(super) fn delete(world: &World, account: &Account, member: &Member) -> Result<Value, Problem> {
    run(world, account, "control.members.delete", |core, context| {
        core.delete_member(context, &member.card_id, &member.code)
    })
    .map(|card| json!(card))
}

/// WeChat's staff ends a review.
pub(super) fn review(
    world: &World,
    account: &Account,
    card_id: &str,
    approved: bool,
) -> Result<Value, Problem> {
    let operation = if approved {
        "control.templates.approve"
    } else {
        "control.templates.reject"
    };
    run(world, account, operation, |core, context| {
        core.review_template(context, card_id, approved)
    })
    .map(|card| json!(card))
}

/// What only this family has.
pub(super) fn action(
    world: &World,
    account: &Account,
    name: &str,
    body: &Bytes,
) -> Option<Result<Value, Problem>> {
    Some(match name {
        "dynamic-code" => parse(body).and_then(|card| show_dynamic_code(world, account, &card)),
        "open-link" => parse(body).and_then(|open| open_link(world, account, open)),
        "start-activation" => parse(body).and_then(|start| start_activation(world, account, start)),
        "submit-form" => parse(body).and_then(|form| submit_form(world, account, &form)),
        "restore" => parse(body).and_then(|card| restore(world, account, &card)),
        "record-payment" => {
            parse(body).and_then(|payment| record_payment(world, account, &payment))
        }
        "remind-phone-member" => parse(body).and_then(|member| remind(world, account, &member)),
        "create-old-card" => parse(body).and_then(|old| create_old_card(world, account, &old)),
        _ => return None,
    })
}

fn show_dynamic_code(world: &World, account: &Account, card: &Card) -> Result<Value, Problem> {
    let seconds = world.settings().merchant.dynamic_code_seconds;
    run(
        world,
        account,
        "control.merchant.dynamic-code",
        |core, context| core.find_member(context, &card.card_id, &card.code),
    )?;
    Ok(json!({ "dynamic_code": dynamic_code::of(&card.card_id, &card.code, world.now(), seconds) }))
}

/// A user scans a QR code or follows a token.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenLink {
    /// The URL of the QR code or the `permission_token`.
    link: String,
    user: User,
    /// For `REAL_TIME`, the code that the merchant will give.
    code: Option<String>,
    user_information: Option<UserInformation>,
}

fn open_link(world: &World, account: &Account, open: OpenLink) -> Result<Value, Problem> {
    let OpenLink {
        link,
        user,
        code,
        user_information,
    } = open;
    let claim = merchant::Claim {
        user,
        code,
        user_information,
        ..merchant::Claim::default()
    };
    check_user(&claim.user)?;
    let operation = "control.merchant.open-link";
    run(world, account, operation, |core, context| {
        core.open_link(context, &link, &claim)
    })
    .map(|opened| json!(opened))
}

/// A user opens a card in the merchant's mini program, which has to activate it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StartActivation {
    card_id: String,
    user: User,
    /// For `REAL_TIME`, the code that the merchant will give.
    code: Option<String>,
    outer_str: Option<String>,
    user_information: Option<UserInformation>,
}

fn start_activation(
    world: &World,
    account: &Account,
    start: StartActivation,
) -> Result<Value, Problem> {
    let StartActivation {
        card_id,
        user,
        code,
        outer_str,
        user_information,
    } = start;
    check_user(&user)?;
    let claim = merchant::Claim {
        card_id,
        user,
        code,
        activated: false,
        outer_str,
        user_information,
    };
    let operation = "control.merchant.start-activation";
    run(world, account, operation, |core, context| {
        core.start_activation(context, &claim)
    })
    .map(|(card, pass)| json!({ "card": card, "pass": pass }))
}

fn check_user(user: &User) -> Result<(), Problem> {
    if user.openid.is_empty() {
        return Err(Problem::field("openid", "must not be empty"));
    }
    Ok(())
}

/// A user fills in the form of a card.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SubmitForm {
    card_id: String,
    code: String,
    user_information: UserInformation,
}

fn submit_form(world: &World, account: &Account, form: &SubmitForm) -> Result<Value, Problem> {
    run(
        world,
        account,
        "control.merchant.submit-form",
        |core, context| {
            core.submit_form(context, &form.card_id, &form.code, &form.user_information)
        },
    )
    .map(|card| json!({ "member": card }))
}

fn restore(world: &World, account: &Account, card: &Card) -> Result<Value, Problem> {
    run(
        world,
        account,
        "control.merchant.restore",
        |core, context| core.restore_member(context, &card.card_id, &card.code),
    )
    .map(|card| json!({ "member": card }))
}

/// A user paid the merchant.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Payment {
    openid: Option<String>,
    phone_number: Option<String>,
    /// When, RFC 3339; now if absent.
    at: Option<String>,
}

fn record_payment(world: &World, account: &Account, payment: &Payment) -> Result<Value, Problem> {
    let paid = match payment.at.as_deref() {
        None => world.now(),
        Some(text) => {
            parse_rfc3339(text).ok_or_else(|| Problem::field("at", "must be an RFC 3339 time"))?
        }
    };
    let people: Vec<_> = [&payment.openid, &payment.phone_number]
        .into_iter()
        .flatten()
        .collect();
    if people.is_empty() {
        return Err(Problem::field(
            "openid",
            "give openid, phone_number or both",
        ));
    }
    run(
        world,
        account,
        "control.merchant.record-payment",
        |core, context| {
            for person in people {
                core.record_payment(context, person, paid);
            }
            Ok(())
        },
    )
    .map(|()| json!({ "paid": rfc3339(paid) }))
}

/// WeChat shows the reminder to a registered member.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Remind {
    card_id: String,
    phone_number: String,
}

fn remind(world: &World, account: &Account, member: &Remind) -> Result<Value, Problem> {
    run(
        world,
        account,
        "control.merchant.remind-phone-member",
        |core, context| core.remind_phone_member(context, &member.card_id, &member.phone_number),
    )
    .map(|()| json!({ "reminded": true }))
}

fn create_old_card(world: &World, account: &Account, old: &OldCard) -> Result<Value, Problem> {
    run(
        world,
        account,
        "control.merchant.create-old-card",
        |core, context| core.create_old_card(context, old),
    )
    .map(|card| json!({ "template": card }))
}
