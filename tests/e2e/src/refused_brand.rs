//! What WeChat refuses of the brand family, operation by operation: to a service provider and to the brand itself.

mod everywhere;
mod members;
mod pictures;
mod points;
mod provider;
mod templates;

use std::collections::BTreeSet;

use kabao_models::Family;
use serde_json::{Value, json};
use tonic::Code;

use crate::demo::BRAND;
use crate::refusal::{Refusal, refused};
use crate::walk::Walk;
use crate::walk_brand::{DIRECT, PROVIDER, Stage};
use crate::world::World;

/// Operation (without what it begins with), what differs from the example, the refusal.
type Row = (&'static str, Value, Refusal);

const WAITING: &str = "obLatjWaits9gnqzS4myYGmLZ7Lg";
const ENDED: &str = "obLatjEnded9gnqzS4myYGmLZ7Lg";
const STRANGER: &str = "obLatjOther9gnqzS4myYGmLZ7Lg";

/// A parameter that WeChat does not take; nothing is named where the page names nothing.
fn parameter(fields: &[&str]) -> Refusal {
    refused(Code::InvalidArgument, "FIELD_INVALID")
        .upstream("400", "PARAM_ERROR")
        .fields(fields)
}

/// WeChat has seen the request number before.
fn number_used(code: &'static str) -> Refusal {
    refused(Code::AlreadyExists, "REQUEST_NUMBER_USED")
        .upstream("400", code)
        .fields(&["out_request_no"])
        .may_have_executed()
}

/// What only WeChat's text tells apart.
fn told(code: Code, reason: &'static str) -> Refusal {
    refused(code, reason).upstream("400", "INVALID_REQUEST")
}

/// What the state of a member does not allow.
fn member_state() -> Refusal {
    told(Code::FailedPrecondition, "MEMBER_STATE_INVALID")
}

/// What the state or the settings of a template do not allow.
fn template_state() -> Refusal {
    told(Code::FailedPrecondition, "TEMPLATE_STATE_INVALID")
}

/// A field that WeChat refuses as a rule broken.
fn field(field: &str) -> Refusal {
    told(Code::InvalidArgument, "FIELD_INVALID").fields(&[field])
}

/// There is one already.
fn there() -> Refusal {
    told(Code::AlreadyExists, "ALREADY_EXISTS")
}

fn exists() -> Refusal {
    refused(Code::AlreadyExists, "ALREADY_EXISTS").upstream("400", "ALREADY_EXISTS")
}

fn unknown(reason: &'static str) -> Refusal {
    refused(Code::NotFound, reason).upstream("404", "NOT_FOUND")
}

fn forbidden() -> Refusal {
    refused(Code::PermissionDenied, "UPSTREAM_PERMISSION_DENIED").upstream("403", "NO_AUTH")
}

/// Refused by the gateway: the limits of the catalogue are known to it.
fn at_the_door(fields: &[&str]) -> Refusal {
    refused(Code::InvalidArgument, "FIELD_INVALID").fields(fields)
}

#[tokio::test]
async fn every_operation_tells_what_wechat_refuses() {
    let world = World::start().await;
    let clock = json!({ "set": "2026-03-10T09:00:00+08:00" });
    world.order("POST", "/clock", &clock).await;
    let strict = json!({ "brand": { "conflicting_sections": "refuse" } });
    world.order("PATCH", "/settings", &strict).await;
    let mut walk = Walk::new(&world, &BRAND);
    let mut refused = BTreeSet::new();
    for caller in [&PROVIDER, &DIRECT] {
        let mut stage = Stage {
            walk: &mut walk,
            caller,
        };
        let (codes, card_id) = prepare(&mut stage).await;
        let mut rows = templates::rows(&stage, &card_id);
        rows.extend(members::rows(&stage, &codes));
        rows.extend(points::rows(&stage, &codes));
        if caller.operations == PROVIDER.operations {
            rows.extend(provider::rows(&mut stage).await);
        }
        for (operation, live, refusal) in rows {
            let (id, request) = stage.request(operation, live);
            stage.walk.refuse(&id, &request, refusal).await;
            refused.insert(id);
        }
        pictures::refused(&stage).await;
        refused.insert(format!("{}.media.image_upload", caller.operations));
        // Room for the other's template.
        let name = json!({ "card_id": card_id });
        stage.call("cards.invalidate", name).await;
    }
    let all: BTreeSet<_> = kabao_models::operations()
        .filter(|operation| operation.family == Family::Brand)
        .map(|operation| operation.id.to_owned())
        .collect();
    assert_eq!(refused, all);
}

/// Codes of members of the demo template.
struct Codes {
    waiting: Value,
    ended: Value,
}

/// A second template, a member who waits for confirmation, one whose card was ended, and numbers that are used.
async fn prepare(stage: &mut Stage<'_, '_>) -> (Codes, Value) {
    let number = json!({ "out_request_no": stage.number(1) });
    let created = stage.call("cards.create", number).await;
    let mut codes = Vec::new();
    for openid in [WAITING, ENDED] {
        let openid = format!("{openid}{}", stage.caller.mark);
        let join = json!({ "card_id": BRAND.card_id, "openid": openid });
        codes.push(stage.act("join", join).await["user_card_code"].clone());
    }
    let [waiting, ended] = codes.try_into().unwrap();
    let name = json!({
        "card_id": BRAND.card_id,
        "openid": format!("{ENDED}{}", stage.caller.mark),
        "user_card_code": ended,
    });
    stage.call("user_cards.invalidate", name).await;
    for operation in ["user_feeds.create", "user_points.sync"] {
        let request = json!({
            "card_id": BRAND.card_id,
            "openid": BRAND.openid,
            "user_card_code": BRAND.code,
            "out_request_no": stage.number(1),
        });
        stage.call(operation, request).await;
    }
    (Codes { waiting, ended }, created["card_id"].clone())
}
