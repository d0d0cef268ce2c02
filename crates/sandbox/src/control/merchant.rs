//! User actions and state of the merchant family.

use bytes::Bytes;
use kabao_models::Personal;
use serde_json::{Value, json};

use super::answer::{Problem, parse};
use super::users::{Claim, Member, note};
use crate::account::Account;
use crate::serve::Core as _;
use crate::sync::lock;
use crate::world::World;
use crate::{dynamic_code, merchant};

/// Shows templates and members.
pub(super) fn state(world: &World) -> Value {
    let now = world.now();
    let seconds = world.settings().merchant.dynamic_code_seconds;
    let core = lock(&world.merchant);
    let templates: Vec<_> = core
        .templates()
        .map(|template| json!({ "owner": template.owner, "upgraded": template.upgraded, "card": template.card }))
        .collect();
    let members: Vec<_> = core
        .members()
        .map(|member| {
            let card = member.shown(now);
            let card_id = card.card_id.as_deref().unwrap_or_default();
            let code = card.code.as_ref().map_or("", Personal::expose);
            let dynamic = dynamic_code::of(card_id, code, now, seconds);
            json!({ "dynamic_code": dynamic, "card": card })
        })
        .collect();
    json!({ "templates": templates, "members": members })
}

/// A user takes a card, or takes back a deleted one.
pub(super) fn claim(world: &World, account: &Account, claim: Claim) -> Result<Value, Problem> {
    let Claim {
        card_id,
        openid,
        code,
        activated,
        ..
    } = claim;
    let claim = merchant::Claim {
        card_id,
        openid,
        code,
        activated,
    };
    let mut core = lock(&world.merchant);
    let result = core.claim(&claim, world.now());
    note(world, account, "control.cards.claim", core.take_effects());
    result.map(|card| json!(card)).map_err(Problem::refused)
}

/// The merchant activates a card that waits.
pub(super) fn activate(
    world: &World,
    account: &Account,
    member: &Member,
) -> Result<Value, Problem> {
    let mut core = lock(&world.merchant);
    let result = core.activate(&member.card_id, &member.code, world.now());
    note(
        world,
        account,
        "control.members.activate",
        core.take_effects(),
    );
    result.map(|card| json!(card)).map_err(Problem::refused)
}

/// The user deletes the card.
pub(super) fn delete(world: &World, account: &Account, member: &Member) -> Result<Value, Problem> {
    let mut core = lock(&world.merchant);
    let result = core.delete_member(&member.card_id, &member.code, world.now());
    note(
        world,
        account,
        "control.members.delete",
        core.take_effects(),
    );
    result.map(|card| json!(card)).map_err(Problem::refused)
}

/// WeChat's staff ends a review.
pub(super) fn review(
    world: &World,
    account: &Account,
    card_id: &str,
    approved: bool,
) -> Result<Value, Problem> {
    let mut core = lock(&world.merchant);
    let result = core.review_template(card_id, approved, world.now());
    let operation = if approved {
        "control.templates.approve"
    } else {
        "control.templates.reject"
    };
    note(world, account, operation, core.take_effects());
    result.map(|card| json!(card)).map_err(Problem::refused)
}

/// What only this family has.
pub(super) fn action(
    world: &World,
    _: &Account,
    name: &str,
    body: &Bytes,
) -> Option<Result<Value, Problem>> {
    match name {
        "dynamic-code" => Some(parse(body).map(|member: super::users::Card| {
            let seconds = world.settings().merchant.dynamic_code_seconds;
            json!({ "dynamic_code": dynamic_code::of(&member.card_id, &member.code, world.now(), seconds) })
        })),
        _ => None,
    }
}
