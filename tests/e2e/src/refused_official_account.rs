//! What WeChat refuses of the official-account family, operation by operation.

mod cards;
mod codes;
mod entries;
mod foreign;
mod members;
mod rules;

use std::collections::BTreeSet;

use kabao_sandbox::Settings;
use serde_json::{Value, json};
use tonic::Code;
use tonic_types::StatusExt;

use crate::demo::OFFICIAL_ACCOUNT;
use crate::refusal::{Refusal, refused, upstream_entry};
use crate::walk::Walk;
use crate::world::World;

/// Operation (without the family), request, WeChat's code.
type Row = (&'static str, Value, &'static str);

/// What a caller of the gateway sees of a code.
fn refusal(errcode: &'static str) -> Refusal {
    let (code, reason) = match errcode {
        "40056" | "40116" => (Code::NotFound, "MEMBER_NOT_FOUND"),
        "40073" => (Code::NotFound, "TEMPLATE_NOT_FOUND"),
        "43008" | "43009" | "43010" | "45030" | "48001" | "48004" | "72002" => {
            (Code::PermissionDenied, "UPSTREAM_PERMISSION_DENIED")
        }
        "40001" | "40125" | "40164" | "40243" | "89503" => {
            (Code::FailedPrecondition, "CREDENTIAL_REJECTED")
        }
        "45009" | "45011" => (Code::ResourceExhausted, "UPSTREAM_RATE_LIMITED"),
        "40078" => (Code::FailedPrecondition, "TEMPLATE_STATE_INVALID"),
        "40099" | "40127" => (Code::FailedPrecondition, "MEMBER_STATE_INVALID"),
        "40151" => (Code::InvalidArgument, "CONTENT_REFUSED"),
        // The form that Kabao sends has another part than WeChat looks for: no fault of the caller.
        "41005" => (Code::FailedPrecondition, "UPSTREAM_REFUSED"),
        "45031" => (Code::FailedPrecondition, "OUT_OF_STOCK"),
        _ => (Code::InvalidArgument, "FIELD_INVALID"),
    };
    let refusal = refused(code, reason).upstream("200", errcode);
    match errcode {
        "40003" => refusal.fields(&["openid"]),
        "40071" => refusal.fields(&["card_type"]),
        "40075" => refusal.fields(&["encrypt_code"]),
        "40122" => refusal.fields(&["quantity"]),
        "41012" => refusal.fields(&["card_id"]),
        _ => refusal,
    }
}

#[tokio::test]
async fn every_operation_tells_what_wechat_refuses() {
    let world = World::start().await;
    // The defaults take what the documents' examples have.
    let strict = json!({
        "require_cdn_pictures": true, "refuse_past_message_ends": true, "test_whitelist_empty": "error",
        // Less than the documents say, which the gateway checks by itself.
        "upload_max_bytes": 4,
    });
    settings(&world, strict).await;
    let mut walk = Walk::new(&world, &OFFICIAL_ACCOUNT);
    let mut refused = BTreeSet::new();
    for rows in [
        cards::rows(&mut walk).await,
        codes::rows(&mut walk).await,
        entries::rows(&mut walk).await,
        members::rows(&mut walk).await,
        rules::rows(&mut walk).await,
    ] {
        for (operation, request, errcode) in rows {
            let id = format!("official_account.{operation}");
            walk.refuse(&id, &request, refusal(errcode)).await;
            refused.insert(id);
        }
    }
    let without: Vec<_> = operations().filter(|id| !refused.contains(*id)).collect();
    // These have no rule of their own; the tests below are about them, too.
    assert_eq!(
        without,
        [
            "official_account.token.get",
            "official_account.stable_token.get",
            "official_account.card.batch_get",
            "official_account.pay_gift_member_card.get",
            "official_account.pay_gift_card.batch_get",
            "official_account.ticket.get",
            "official_account.colors.get",
            "official_account.callback_ips.get",
        ]
    );
}

#[tokio::test]
async fn an_account_without_permission_gets_nothing_but_tokens() {
    let world = World::with_exposed_tokens().await;
    let mut walk = Walk::new(&world, &OFFICIAL_ACCOUNT);
    let path = format!("/accounts/{}", OFFICIAL_ACCOUNT.account);
    let body = json!({"permitted": false});
    world.order("PATCH", &path, &body).await;
    for id in operations() {
        if TOKENS.contains(&id) {
            walk.call(id, json!({})).await;
        } else {
            walk.refuse(id, &walk.example(id), refusal("48001")).await;
        }
    }
}

#[tokio::test]
async fn what_lacks_required_members_does_not_reach_wechat() {
    let world = World::with_exposed_tokens().await;
    let walk = Walk::new(&world, &OFFICIAL_ACCOUNT);
    let mut without = Vec::new();
    for id in operations().filter(|id| !TOKENS.contains(id)) {
        let mut required = walk.required(id);
        if id == "official_account.media.upload_image" {
            // The page names two members of which one is needed; our chunks need the name of the file first.
            required.push("filename".to_owned());
        }
        if required.is_empty() {
            without.push(id);
            continue;
        }
        let required: Vec<_> = required.iter().map(String::as_str).collect();
        let refusal = refused(Code::InvalidArgument, "FIELD_INVALID").fields(&required);
        walk.refuse(id, &json!({}), refusal).await;
    }
    // An empty list of testers is a list; colours and addresses are asked for without a word.
    assert_eq!(
        without,
        [
            "official_account.test_whitelist.set",
            "official_account.colors.get",
            "official_account.callback_ips.get",
        ]
    );
}

#[tokio::test]
async fn what_is_said_about_entries_and_pictures_elsewhere_is_told_too() {
    let world = World::start().await;
    let walk = Walk::new(&world, &OFFICIAL_ACCOUNT);
    let (pay, itself, upload) = (
        "official_account.pay_cell.set",
        "official_account.self_consume_cell.set",
        "official_account.media.upload_image",
    );
    let open = json!({"card_id": OFFICIAL_ACCOUNT.card_id, "is_open": true});
    for (rules, id, errcode) in [
        (
            json!({"self_consume_member_card": "refuse", "cells_need_store": false}),
            itself,
            "40071",
        ),
        (json!({"pay_permission": false}), pay, "43008"),
        (json!({"pay_permission": false}), itself, "43008"),
        (json!({"upload_part": "buffer"}), upload, "41005"),
    ] {
        settings(&world, rules).await;
        let request = match id {
            "official_account.media.upload_image" => walk.example(id),
            _ => open.clone(),
        };
        walk.refuse(id, &request, refusal(errcode)).await;
        assert_eq!(world.effects_of(id), []);
    }
}

#[tokio::test]
async fn a_used_up_quota_is_told() {
    let world = World::start().await;
    // Far from the end of the minute and of the day.
    let clock = json!({"set": "2029-06-01T08:00:00+08:00"});
    world.order("POST", "/clock", &clock).await;
    let mut walk = Walk::new(&world, &OFFICIAL_ACCOUNT);
    settings(&world, json!({"calls_per_day": 1})).await;
    let get = "official_account.card.batch_get";
    walk.call(get, walk.example(get)).await;
    let day = walk.refuse(get, &walk.example(get), refusal("45009")).await;
    assert!(day.get_details_retry_info().is_none(), "a day is no second");
    assert_eq!(upstream_entry(&day, "retryable").as_deref(), Some("false"));
    settings(
        &world,
        json!({"calls_per_day": null, "calls_per_minute": 1}),
    )
    .await;
    let list = "official_account.pay_gift_card.batch_get";
    walk.call(list, walk.example(list)).await;
    let minute = walk
        .refuse(list, &walk.example(list), refusal("45011"))
        .await;
    assert!(minute.get_details_retry_info().is_some());
}

#[tokio::test]
async fn tokens_are_refused_to_the_wrong_caller() {
    let rows: [(fn(&mut Settings), _); 3] = [
        (|rules| rules.official_account.secret_frozen = true, "40243"),
        (
            |rules| rules.official_account.caller_ip_refused = true,
            "40164",
        ),
        (
            |rules| rules.official_account.caller_ip_risky = true,
            "89503",
        ),
    ];
    for (change, errcode) in rows {
        for (id, request) in [
            (TOKENS[0], json!({})),
            (TOKENS[1], json!({})),
            // A ticket needs a token.
            ("official_account.ticket.get", json!({"type": "wx_card"})),
        ] {
            // Before the gateway starts, which fetches a token by itself.
            let world = World::with_account(|sandbox| {
                let mut rules = sandbox.settings();
                change(&mut rules);
                sandbox.set_settings(rules);
                World::official_account(OFFICIAL_ACCOUNT.account, sandbox, true)
            })
            .await;
            let walk = Walk::new(&world, &OFFICIAL_ACCOUNT);
            walk.refuse(id, &request, refusal(errcode)).await;
        }
    }
}

/// What gives tokens. The gateway adds what WeChat requires of the request.
const TOKENS: [&str; 2] = [
    "official_account.token.get",
    "official_account.stable_token.get",
];

/// All ids of the family.
fn operations() -> impl Iterator<Item = &'static str> {
    kabao_models::operations()
        .map(|operation| operation.id)
        .filter(|id| id.starts_with("official_account."))
}

async fn settings(world: &World, rules: Value) {
    let body = json!({"official_account": rules});
    world.order("PATCH", "/settings", &body).await;
}

/// Makes a card that differs from the example in its common part.
async fn card(walk: &mut Walk<'_>, base: Value) -> String {
    let create = "official_account.card.create";
    let mut request = walk.example(create);
    for (name, value) in base.as_object().unwrap() {
        request["card"]["member_card"]["base_info"][name] = value.clone();
    }
    let made = walk.call(create, request).await;
    made["card_id"].as_str().unwrap().to_owned()
}

/// The same, approved.
async fn approved(walk: &mut Walk<'_>, base: Value) -> String {
    let card_id = card(walk, base).await;
    let body = json!({"account": OFFICIAL_ACCOUNT.account, "card_id": card_id});
    walk.world()
        .order("POST", "/templates/approve", &body)
        .await;
    card_id
}

async fn act(walk: &Walk<'_>, action: &str, body: Value) -> Value {
    let path = format!("/actions/{}/{action}", OFFICIAL_ACCOUNT.account);
    walk.world().order("POST", &path, &body).await
}
