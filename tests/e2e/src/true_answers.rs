//! What WeChat did is what the caller hears, however odd WeChat's words: over the portable RPCs and the families' own.

mod accepted;
mod crates;
mod disguised;
mod foreign;
mod numbers;
mod partial;
mod unbelieved;
mod wire;

use kabao_proto::kabao::v1::adjust_points_request::Change;
use kabao_proto::kabao::v1::{AdjustPointsRequest, Member};
use kabao_sandbox::{Exchange, ExchangeFilter};
use serde_json::{Value, json};

use crate::demo::Demo;
use crate::world::World;

/// More than the client ever tries, except of what WeChat has accepted.
const ALWAYS: u32 = 10;

/// Lets the next `times` requests of an operation meet a fault, as the control API takes it.
fn inject(world: &World, operation: &str, times: u32, fault: Value) {
    world.inject(operation, times, serde_json::from_value(fault).unwrap());
}

/// Merges members into the answers of an operation; where answers are signed, after that.
fn edit(world: &World, operation: &str, patch: &Value) {
    let fault = json!({"kind": "edit_json", "merge": patch});
    inject(world, operation, ALWAYS, fault);
}

/// The requests of an operation that reached WeChat, heads and bodies included.
fn sent(world: &World, operation: &str) -> Vec<Exchange> {
    let filter = ExchangeFilter {
        operation: Some(operation.to_owned()),
        ..ExchangeFilter::default()
    };
    world.sandbox().requests(&filter)
}

/// How many requests for members and templates reached WeChat.
fn reached(world: &World) -> usize {
    let all = world.sandbox().requests(&ExchangeFilter::default());
    let keys = |exchange: &&Exchange| {
        !exchange.path.contains("token") && !exchange.path.contains("certificates")
    };
    all.iter().filter(keys).count()
}

fn points(demo: &Demo, change: Change, request_id: &str) -> AdjustPointsRequest {
    AdjustPointsRequest {
        name: demo.member(),
        openid: demo.openid.to_owned(),
        change: Some(change),
        request_id: request_id.to_owned(),
        ..AdjustPointsRequest::default()
    }
}

fn level(text: &str) -> Member {
    Member {
        level: text.to_owned(),
        ..Member::default()
    }
}

/// The names of a demo member in the requests of its family.
fn names(demo: &Demo) -> Value {
    match demo.account {
        "demo-brand" => json!({
            "brand_id": crate::demo::BRAND_ID,
            "card_id": demo.card_id,
            "user_card_code": demo.code,
            "openid": demo.openid,
        }),
        _ => json!({"card_id": demo.card_id, "code": demo.code}),
    }
}

/// These members in those.
fn with(mut members: Value, more: Value) -> Value {
    let Value::Object(more) = more else {
        panic!("{more} is no object");
    };
    members.as_object_mut().unwrap().extend(more);
    members
}
