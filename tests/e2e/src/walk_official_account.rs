//! Every operation of the official-account family, over gRPC: WeChat's example with the ids of this world.

mod cards;
mod codes;
mod entries;
mod members;
mod reports;
mod rules;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::canaries;
use crate::demo::OFFICIAL_ACCOUNT;
use crate::walk::Walk;
use crate::world::World;

/// 2029-06-01 08:00 in Beijing, before the last moments of WeChat's examples.
const NOW: i64 = 1_874_966_400;

/// What the answers of this family do not have, though it is documented.
const UNANSWERED: [(&str, &str); 10] = [
    // Only failures have it.
    ("official_account.token.get", "errcode"),
    ("official_account.token.get", "errmsg"),
    ("official_account.callback_ips.get", "errcode"),
    ("official_account.callback_ips.get", "errmsg"),
    ("official_account.stable_token.get", "errcode"),
    ("official_account.stable_token.get", "errmsg"),
    // No gift cards are sold here, and no card has a number besides its code.
    ("official_account.code.get", "order_id"),
    ("official_account.code.get", "card.card_number"),
    // The sandbox has no open platform to which an account could be bound.
    ("official_account.code.get", "unionid"),
    // The number that cannot be deleted is one without a rule, so nobody occupies it.
    (
        "official_account.pay_gift_member_card.delete",
        "fail_mchid_list.occupy_appid",
    ),
];

/// Walks, once however many tests need it, and returns the ids of the operations that succeeded.
pub(crate) async fn covered() -> &'static BTreeSet<String> {
    static COVERED: OnceCell<BTreeSet<String>> = OnceCell::const_new();
    // Boxed: the future of a walk is large.
    COVERED.get_or_init(|| Box::pin(walk())).await
}

#[tokio::test]
async fn every_operation_succeeds_with_its_example_and_answers_every_documented_field() {
    assert!(!covered().await.is_empty());
}

async fn walk() -> BTreeSet<String> {
    let world = World::with_exposed_tokens().await;
    world
        .order("POST", "/clock", &json!({"set": NOW.to_string()}))
        .await;
    // What the documents leave open, so that every field that is documented anywhere is answered.
    let settings = json!({"official_account": {
        "upload_answer_errcode": true, "code_get_member_data": "always", "consume_member_card": "accept",
        "cells_need_store": false,
    }});
    world.order("PATCH", "/settings", &settings).await;
    let mut walk = Walk::new(&world, &OFFICIAL_ACCOUNT);
    tokens(&mut walk).await;
    let card_id = cards::make(&mut walk).await;
    cards::make_full(&mut walk).await;
    let code = members::join(&mut walk, &card_id).await;
    members::form(&mut walk).await;
    cards::change(&mut walk, &card_id).await;
    codes::look_up_and_end(&mut walk, &card_id, &code).await;
    codes::import(&mut walk).await;
    entries::picture(&mut walk).await;
    entries::hand_out(&mut walk, &card_id).await;
    entries::till(&mut walk).await;
    rules::by_card(&mut walk, &card_id).await;
    rules::by_number(&mut walk, &card_id).await;
    reports::figures(&mut walk, &card_id).await;
    cards::delete(&mut walk, &card_id).await;
    canaries::keep_pages(world.gateway().admin()).await;
    walk.finish(&UNANSWERED)
}

/// Tokens and tickets that the gateway holds; both kinds of token are the same one here, and nothing is fetched twice.
async fn tokens(walk: &mut Walk<'_>) {
    let mut seen = Vec::new();
    for (id, request, member) in [
        ("official_account.token.get", json!({}), "access_token"),
        (
            "official_account.stable_token.get",
            json!({"force_refresh": false}),
            "access_token",
        ),
        (
            "official_account.ticket.get",
            json!({"type": "wx_card"}),
            "ticket",
        ),
    ] {
        let answer = walk.call(id, request.clone()).await;
        let again = walk.call(id, request).await;
        assert_eq!(answer[member], again[member], "{id}");
        assert!(!text(&answer[member]).is_empty());
        let left = answer["expires_in"].as_i64().unwrap();
        assert!((7000..=7200).contains(&left), "{id}: {left}");
        seen.push(text(&answer[member]));
    }
    assert_eq!(seen[0], seen[1]);
}

/// An example with some of its members replaced.
fn adapted(walk: &Walk<'_>, id: &str, members: Value) -> Value {
    let mut request = walk.example(id);
    merge(&mut request, members);
    request
}

fn merge(into: &mut Value, members: Value) {
    match (into, members) {
        (Value::Object(into), Value::Object(members)) => {
            for (name, value) in members {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, value) => *into = value,
    }
}

/// What a user or WeChat's staff does.
async fn act(world: &World, action: &str, body: Value) -> Value {
    let path = format!("/actions/{}/{action}", OFFICIAL_ACCOUNT.account);
    world.order("POST", &path, &body).await
}

async fn approve(world: &World, card_id: &str) {
    let body = json!({"account": OFFICIAL_ACCOUNT.account, "card_id": card_id});
    world.order("POST", "/templates/approve", &body).await;
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
