//! The control API.

use std::error::Error as _;

use kabao_sandbox::{Running, Sandbox};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::client::{
    Client, MEMBER, OFFICIAL_EXAMPLE, control, exchange, get, patch, start, start_with,
};

const CARD_ID: &str = "pbLatjvWOibDc5-TBnbUk1pD12o0";

#[tokio::test]
async fn a_user_claims_a_card_and_deletes_it() {
    let running = start().await;
    let client = Client::new(&running, "demo-merchant");
    let claim =
        json!({ "account": "demo-merchant", "card_id": CARD_ID, "openid": "oNew", "code": "c/1" });
    let member = control(&running, "POST", "/cards/claim", &claim).await;
    assert_eq!(member.status, 200, "{member:?}");
    assert_eq!(member.json()["member"]["code"], "c/1");
    let target = MEMBER.replace("478515832665", "c%2F1");
    assert_eq!(client.send(get(&target)).await.json()["openid"], "oNew");
    let again = control(&running, "POST", "/cards/claim", &claim).await;
    assert_eq!(again.status, 409);
    assert!(
        again.json()["error"]
            .as_str()
            .unwrap()
            .contains("already received")
    );
    let name = json!({ "account": "demo-merchant", "card_id": CARD_ID, "code": "c/1" });
    control(&running, "POST", "/members/delete", &name).await;
    assert_eq!(
        client.send(get(&target)).await.json()["user_card_status"],
        "DELETE"
    );
    let operations: Vec<_> = running
        .ledger()
        .into_iter()
        .map(|entry| entry.operation)
        .collect();
    assert_eq!(
        operations,
        ["control.cards.claim", "control.members.delete"]
    );
}

#[tokio::test]
async fn errors_name_the_field_and_the_alternatives() {
    let running = start().await;
    for (method, path, body, status, text) in [
        ("POST", "/cards/claim", json!({}), 400, "account"),
        (
            "POST",
            "/cards/claim",
            json!({"account": "x", "card_id": "y", "openid": "z"}),
            404,
            "demo-merchant",
        ),
        (
            "POST",
            "/clock",
            json!({"advance_second": 1}),
            400,
            "advance_second",
        ),
        (
            "POST",
            "/clock",
            json!({"set": "tomorrow"}),
            400,
            "RFC 3339",
        ),
        (
            "PATCH",
            "/settings",
            json!({"merchant": {"nothing": 1}}),
            400,
            "nothing",
        ),
        (
            "POST",
            "/faults",
            json!({"fault": {"kind": "explode"}}),
            400,
            "explode",
        ),
        (
            "POST",
            "/faults",
            json!({"operation": "a.b", "fault": {"kind": "unsigned"}}),
            400,
            "a.b",
        ),
        (
            "POST",
            "/keys/revoke",
            json!({"account": "demo-official-account"}),
            400,
            "no keys",
        ),
        (
            "POST",
            "/keys/rotate",
            json!({"account": "demo-merchant", "key": "public_key", "signs": false}),
            400,
            "signs: only a new platform_certificate",
        ),
        (
            "POST",
            "/keys/rotate",
            json!({"account": "demo-brand-direct", "key": "platform_certificate"}),
            400,
            "no platform certificates",
        ),
        (
            "PATCH",
            "/accounts/demo-brand-direct",
            json!({"key_phase": "migrating"}),
            400,
            "public_key is their only phase",
        ),
        (
            "PATCH",
            "/accounts/demo-merchant",
            json!({}),
            400,
            "give permitted, key_phase or both",
        ),
        (
            "POST",
            "/actions/demo-brand/coupon-stock",
            json!({"stock_id": "1", "available": -1}),
            400,
            "available: must not be negative",
        ),
        (
            "POST",
            "/actions/demo-merchant/dynamic-code",
            json!({"card_id": CARD_ID, "code": "none"}),
            409,
            "code does not exist",
        ),
        ("GET", "/nowhere", Value::Null, 404, "/ledger"),
        ("DELETE", "/ledger", Value::Null, 405, "GET /ledger"),
    ] {
        let answer = control(&running, method, path, &body).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        let error = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(error.contains(text), "{path}: {error}");
    }
}

#[tokio::test]
async fn the_clock_ages_cards_and_not_signatures() {
    let running = start().await;
    let client = Client::new(&running, "demo-merchant");
    let years = json!({ "advance_seconds": 20 * 366 * 86_400 });
    assert_eq!(
        control(&running, "POST", "/clock", &years).await.status,
        200
    );
    let answer = client.send(get(MEMBER)).await;
    assert_eq!(answer.json()["user_card_status"], "EXPIRE");
    client.verify(&running, &answer).unwrap();
    let follow = json!({ "authentication": { "signatures_follow_clock": true } });
    control(&running, "PATCH", "/settings", &follow).await;
    assert_eq!(client.send(get(MEMBER)).await.status, 401);
    let set = json!({ "set": "2026-01-01T08:01:00+08:00" });
    assert_eq!(
        control(&running, "POST", "/clock", &set).await.json()["shift_seconds"],
        60
    );
    assert_eq!(client.send(get(MEMBER)).await.status, 200);
}

#[tokio::test]
async fn reset_brings_back_the_beginning() {
    let running = start().await;
    let client = Client::new(&running, "demo-merchant");
    client.send(patch(MEMBER, OFFICIAL_EXAMPLE)).await;
    control(
        &running,
        "PATCH",
        "/accounts/demo-merchant",
        &json!({ "permitted": false }),
    )
    .await;
    assert_eq!(client.send(get(MEMBER)).await.status, 403);
    assert_eq!(
        control(&running, "POST", "/reset", &Value::Null)
            .await
            .status,
        200
    );
    assert_eq!(client.send(get(MEMBER)).await.json()["level"], "白银会员");
    assert!(running.ledger().is_empty());
}

#[tokio::test]
async fn state_ledger_and_accounts_can_be_read() {
    let running = start().await;
    let client = Client::new(&running, "demo-merchant");
    client.send(patch(MEMBER, OFFICIAL_EXAMPLE)).await;
    let state = control(&running, "GET", "/state", &Value::Null)
        .await
        .json();
    assert_eq!(state["merchant"]["members"][0]["card"]["level"], "黄金会员");
    assert_eq!(state, running.state());
    let ledger = control(&running, "GET", "/ledger", &Value::Null)
        .await
        .json();
    assert_eq!(
        ledger["entries"][0]["out_request_no"],
        "1900000109_20260301_0001"
    );
    assert_eq!(ledger["entries"][0]["account"], "demo-merchant");
    let accounts = control(&running, "GET", "/accounts", &Value::Null)
        .await
        .json();
    assert_eq!(
        accounts["accounts"][0]["credentials"]["mchid"],
        "1900000109"
    );
    assert_eq!(accounts["accounts"][0]["key_phase"], "migrating");
    assert_eq!(
        control(&running, "GET", "/healthz", &Value::Null)
            .await
            .json()["status"],
        "ok"
    );
}

#[tokio::test]
async fn a_dynamic_code_stands_in_for_the_code() {
    let running = start().await;
    let client = Client::new(&running, "demo-merchant");
    let card = MEMBER.split("/codes/").next().unwrap();
    assert_eq!(
        client
            .send(patch(card, "{\"need_dynamic_code\":true}"))
            .await
            .status,
        204
    );
    let name = json!({ "card_id": CARD_ID, "code": "478515832665" });
    let shown = control(
        &running,
        "POST",
        "/actions/demo-merchant/dynamic-code",
        &name,
    )
    .await
    .json();
    let dynamic = shown["dynamic_code"].as_str().unwrap();
    assert_eq!(dynamic.len(), 18);
    let target = MEMBER.replace("478515832665", dynamic);
    assert_eq!(
        client.send(get(&target)).await.json()["code"],
        "478515832665"
    );
}

#[tokio::test]
async fn a_claim_that_shall_wait_never_gives_an_active_card() {
    let running = start().await;
    let holder = json!({"account": "demo-merchant", "card_id": CARD_ID, "code": "478515832665"});
    assert_eq!(
        control(&running, "POST", "/members/delete", &holder)
            .await
            .status,
        200
    );
    let mut claim = json!({"account": "demo-merchant", "card_id": CARD_ID,
        "openid": "obLatjnx9gnqzS4myYGmLZ7LgLBA", "activated": false});
    let refused = control(&running, "POST", "/cards/claim", &claim).await;
    assert_eq!(refused.status, 409, "{refused:?}");
    assert_eq!(running.ledger().len(), 1, "only the deletion");
    claim["openid"] = json!("oNew");
    let waiting = control(&running, "POST", "/cards/claim", &claim)
        .await
        .json();
    assert_eq!(waiting["member"]["user_card_status"], "NOT_ACTIVATE");
}

#[tokio::test]
async fn a_brand_acts_on_its_own_templates_only() {
    let running = start().await;
    let other = json!({"name": "other", "family": "brand", "brand_id": "1005"});
    assert_eq!(
        control(&running, "POST", "/accounts", &other).await.status,
        200
    );
    let name = json!({"card_id": CARD_ID, "openid": "obLatjnx9gnqzS4myYGmLZ7LgLBA"});
    let mut claim = name.clone();
    claim["account"] = json!("other");
    let member = json!({"account": "other", "card_id": CARD_ID, "code": "478515832665"});
    for (path, body) in [
        ("/cards/claim", &claim),
        ("/members/activate", &member),
        ("/members/delete", &member),
        ("/actions/other/join", &name),
        ("/actions/other/delete-card", &name),
    ] {
        let answer = control(&running, "POST", path, body).await;
        let error = answer.json();
        assert_eq!(
            (answer.status, &error["field"]),
            (400, &json!("card_id")),
            "{path}: {error}"
        );
        assert!(
            error["error"]
                .as_str()
                .unwrap()
                .contains("belongs to brand 1004"),
            "{error}"
        );
    }
    assert!(running.ledger().is_empty());
}

/// The status of an order that a page in a browser has given.
async fn ordered(running: &Running, method: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
    let stream = TcpStream::connect(running.control_addr()).await.unwrap();
    let answer = exchange(stream, method, path, headers, b"").await;
    answer.unwrap().status
}

#[tokio::test]
async fn pages_of_strangers_give_no_orders_and_see_nothing() {
    let running = start_with(Sandbox::builder().control_host("sandbox.acme.example")).await;
    let client = Client::new(&running, "demo-merchant");
    client.send(patch(MEMBER, OFFICIAL_EXAMPLE)).await;
    let ledger = running.ledger().len();
    for headers in [
        &[("Host", "evil.example")][..],
        &[("Host", "localhost"), ("Origin", "https://evil.example")],
        &[("Host", "localhost"), ("Origin", "null")],
    ] {
        for (method, path) in [
            ("POST", "/reset"),
            ("GET", "/accounts/demo-merchant"),
            ("GET", "/ledger"),
            ("GET", "/elsewhere"),
        ] {
            let status = ordered(&running, method, path, headers).await;
            assert_eq!(status, 403, "{method} {path} {headers:?}");
        }
    }
    assert_eq!(running.ledger().len(), ledger);
    for headers in [
        &[("Host", "127.0.0.1:8444")][..],
        &[("Host", "sandbox.acme.example")],
        &[
            ("Host", "localhost"),
            ("Origin", "https://sandbox.acme.example"),
        ],
    ] {
        assert_eq!(ordered(&running, "GET", "/ledger", headers).await, 200);
    }
    assert!(ledger > 0);
}

#[tokio::test]
async fn a_control_host_that_no_request_could_name_is_told_at_the_start() {
    let sandbox = Sandbox::builder().control_host("sandbox.acme.example:8444");
    let error = sandbox.start().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "control host `sandbox.acme.example:8444`"
    );
    let why = error.source().unwrap().to_string();
    assert!(why.starts_with("must be a host name without port"), "{why}");
}
