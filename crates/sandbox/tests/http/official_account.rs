//! The seed operations of the official-account family.

use kabao_sandbox::{Fault, FaultRule, Running};
use serde_json::{Value, json};

use crate::client::{Answer, connect, connector, control, exchange, start};

const CARD: &str = "ph_gmt7cUVrlRk8swPwx7aDyF-pg";
const CODE: &str = "916679873278";

async fn call(running: &Running, method: &str, target: &str, body: &Value) -> Answer {
    let stream = connect(&connector(running), running.addr()).await;
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let answer = exchange(stream, method, target, &[], body.as_bytes())
        .await
        .unwrap();
    assert!(answer.status == 200 && !answer.is_signed(), "{answer:?}");
    answer
}

async fn token(running: &Running) -> String {
    let account = running.account("demo-official-account").unwrap();
    let (appid, secret) = (account.appid.unwrap(), account.app_secret.unwrap());
    let target =
        format!("/cgi-bin/token?grant_type=client_credential&appid={appid}&secret={secret}");
    let answer = call(running, "GET", &target, &Value::Null).await.json();
    assert_eq!(
        (&answer["expires_in"], &answer["errcode"]),
        (&json!(7200), &Value::Null),
        "{answer}"
    );
    answer["access_token"].as_str().unwrap().to_owned()
}

async fn post(running: &Running, token: &str, path: &str, body: Value) -> Value {
    call(
        running,
        "POST",
        &format!("{path}?access_token={token}"),
        &body,
    )
    .await
    .json()
}

fn member() -> Value {
    json!({ "card_id": CARD, "code": CODE })
}

#[tokio::test]
async fn a_member_is_read_and_changed() {
    let running = start().await;
    let token = token(&running).await;
    let before = post(&running, &token, "/card/membercard/userinfo/get", member()).await;
    assert_eq!(
        (&before["errcode"], &before["errmsg"]),
        (&json!(0), &json!("ok")),
        "{before}"
    );
    let change = json!({ "card_id": CARD, "code": CODE, "bonus": 500, "add_bonus": 40, "record_bonus": "消费" });
    for _ in 0..2 {
        let answer = post(
            &running,
            &token,
            "/card/membercard/updateuser",
            change.clone(),
        )
        .await;
        assert_eq!(
            (&answer["errcode"], &answer["result_bonus"]),
            (&json!(0), &json!(500)),
            "{answer}"
        );
    }
    let after = post(&running, &token, "/card/membercard/userinfo/get", member()).await;
    assert_eq!(after["bonus"], 500);
}

#[tokio::test]
async fn a_card_is_read_changed_reviewed_and_deleted() {
    let running = start().await;
    let token = token(&running).await;
    let status = async || {
        let card = post(&running, &token, "/card/get", json!({ "card_id": CARD })).await;
        card["card"]["member_card"]["base_info"]["status"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(status().await, "CARD_STATUS_VERIFY_OK");
    let change = json!({ "card_id": CARD, "member_card": { "prerogative": "会员享九折。" } });
    let answer = post(&running, &token, "/card/update", change).await;
    assert_eq!(
        answer,
        json!({ "errcode": 0, "errmsg": "ok", "send_check": true })
    );
    assert_eq!(status().await, "CARD_STATUS_NOT_VERIFY");
    let review = json!({ "account": "demo-official-account", "card_id": CARD });
    assert_eq!(
        control(&running, "POST", "/templates/approve", &review)
            .await
            .status,
        200
    );
    assert_eq!(status().await, "CARD_STATUS_VERIFY_OK");
    let slot = json!({ "card_id": CARD, "member_card": { "modify_msg_operation": {
        "url_cell": { "text": "立即查看", "url": "https://example.com", "end_time": 1_893_456_000 } } } });
    let answer = post(&running, &token, "/card/update", slot).await;
    assert_eq!(
        answer,
        json!({ "errcode": 0, "errmsg": "ok", "send_check": false })
    );
    assert_eq!(
        post(&running, &token, "/card/delete", json!({ "card_id": CARD })).await["errcode"],
        0
    );
    assert_eq!(status().await, "CARD_STATUS_DELETE");
}

#[tokio::test]
async fn pay_rules_are_added_queried_and_removed_with_partial_success() {
    let running = start().await;
    let token = token(&running).await;
    let add = |mchids: Value| {
        json!({ "card_id": CARD, "mchid_list": mchids, "begin_time": 1_767_225_600, "end_time": 1_893_456_000,
            "min_cost": 100, "max_cost": 1_000_000 })
    };
    let path = "/card/paygiftmembercard";
    let first = post(
        &running,
        &token,
        &format!("{path}/add"),
        add(json!(["1900000201"])),
    )
    .await;
    assert_eq!(first["succ_mchid_list"], json!(["1900000201"]), "{first}");
    let second = post(
        &running,
        &token,
        &format!("{path}/add"),
        add(json!(["1900000201", "1900000202"])),
    )
    .await;
    assert_eq!(
        (&second["errcode"], &second["succ_mchid_list"]),
        (&json!(0), &json!(["1900000202"])),
        "{second}"
    );
    assert_eq!(second["fail_mchid_list"][0]["mchid"], "1900000201");
    let rule = post(
        &running,
        &token,
        &format!("{path}/get"),
        json!({ "mchid": "1900000201" }),
    )
    .await;
    assert_eq!(rule["card_id"], CARD);
    let delete = json!({ "card_id": CARD, "mchid_list": ["1900000201"] });
    let gone = post(&running, &token, &format!("{path}/delete"), delete).await;
    assert_eq!(gone["succ_mchid_list"], json!(["1900000201"]), "{gone}");
}

#[tokio::test]
async fn refusals_have_status_200_and_their_code() {
    let running = start().await;
    let token = token(&running).await;
    let with = |path: &str| format!("{path}?access_token={token}");
    let long = format!("/card/get?access_token={}", "a".repeat(136));
    let other = json!({ "card_id": CARD, "code": "000000000000" });
    let null = json!({ "card_id": CARD, "member_card": { "discount": [null] } });
    for (method, target, body, code) in [
        (
            "POST",
            "/card/get".to_owned(),
            json!({ "card_id": CARD }),
            41001,
        ),
        ("POST", long, json!({ "card_id": CARD }), 40001),
        ("GET", with("/card/get"), Value::Null, 43002),
        ("POST", with("/card/get"), Value::Null, 44002),
        ("POST", with("/card/get"), json!({}), 41012),
        (
            "POST",
            with("/card/get"),
            json!({ "card_id": "p0000000000000000000000000000" }),
            40073,
        ),
        ("POST", with("/card/update"), null, 47001),
        ("POST", with("/card/membercard/userinfo/get"), other, 40056),
        ("POST", with("/card/nothing"), json!({}), 40066),
        (
            "GET",
            "/cgi-bin/token?grant_type=client_credential&appid=wx0&secret=x".to_owned(),
            Value::Null,
            40013,
        ),
        (
            "GET",
            "/cgi-bin/token?grant_type=client_credential&appid=wxd678efh567hg6787&secret=wrong"
                .to_owned(),
            Value::Null,
            40125,
        ),
    ] {
        let answer = call(&running, method, &target, &body).await.json();
        assert_eq!(answer["errcode"], code, "{target}: {answer}");
        assert!(
            answer["errmsg"].as_str().unwrap().contains("rid: "),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn tokens_live_as_long_as_the_real_ones() {
    let running = start().await;
    let first = token(&running).await;
    let second = token(&running).await;
    let code = async |token: &str| {
        post(&running, token, "/card/get", json!({ "card_id": CARD })).await["errcode"]
            .as_i64()
            .unwrap()
    };
    assert_eq!((code(&first).await, code(&second).await), (0, 0));
    running.advance(300);
    assert_eq!((code(&first).await, code(&second).await), (40001, 0));
    running.advance(6_900);
    assert_eq!(code(&second).await, 42001);
}

#[tokio::test]
async fn a_stable_token_stays_the_same_until_it_is_forced() {
    let running = start().await;
    let account = running.account("demo-official-account").unwrap();
    let ask = async |force: bool| {
        let body = json!({ "grant_type": "client_credential", "appid": account.appid, "secret": account.app_secret,
            "force_refresh": force });
        let answer = call(&running, "POST", "/cgi-bin/stable_token", &body)
            .await
            .json();
        answer["access_token"].as_str().unwrap().to_owned()
    };
    let first = ask(false).await;
    assert_eq!(ask(false).await, first);
    let forced = ask(true).await;
    assert_ne!(forced, first);
    assert_eq!(
        ask(true).await,
        forced,
        "two forced refreshes lie 30 seconds apart"
    );
}

#[tokio::test]
async fn an_injected_errcode_can_hide_an_applied_change() {
    let running = start().await;
    let token = token(&running).await;
    let fault = Fault::Errcode {
        errcode: -1,
        errmsg: Some("system error".into()),
        applied: true,
    };
    running
        .inject(FaultRule::next(fault).on("official_account.member.update_user"))
        .unwrap();
    let change = json!({ "card_id": CARD, "code": CODE, "add_bonus": 1 });
    assert_eq!(
        post(&running, &token, "/card/membercard/updateuser", change).await["errcode"],
        -1
    );
    let entries = running.ledger();
    let applied = entries
        .iter()
        .filter(|entry| entry.operation == "official_account.member.update_user")
        .count();
    assert_eq!(applied, 1);
}

#[tokio::test]
async fn an_unsigned_answer_is_edited_and_replaced_too() {
    let running = start().await;
    let token = token(&running).await;
    let edit = json!({"operation": "official_account.member.userinfo_get", "fault": {"kind": "edit_json",
        "merge": {"errmsg": null}, "raw": [{"path": "/nickname", "value": {"base64": "IhT/Ig=="}}]}});
    let set = control(&running, "POST", "/faults", &edit).await;
    assert_eq!(set.status, 200, "{set:?}");
    let target = format!("/card/membercard/userinfo/get?access_token={token}");
    let answer = call(&running, "POST", &target, &member()).await;
    let text = String::from_utf8_lossy(&answer.body);
    assert!(
        text.contains("\"nickname\":\"\u{14}\u{fffd}\"") && text.contains("\"errcode\":0"),
        "{text}"
    );
    assert!(!text.contains("errmsg"), "{text}");
    let fault =
        serde_json::from_value(json!({"kind": "replace_body", "body": "{}", "signed": true}))
            .unwrap();
    running.inject(FaultRule::next(fault)).unwrap();
    let answer = call(&running, "POST", &target, &member()).await;
    assert_eq!(
        (answer.body.as_slice(), answer.header("content-type")),
        (b"{}".as_slice(), Some("application/json; encoding=utf-8"))
    );
}

#[tokio::test]
async fn settings_give_values_the_other_form_that_documents_have() {
    let running = start().await;
    let token = token(&running).await;
    let odd =
        json!({ "odd_values": { "balances_are_decimals": true, "batch_get_has_card_list": true } });
    let set = control(&running, "PATCH", "/settings", &odd).await;
    assert_eq!(set.status, 200, "{set:?}");
    let target = format!("/card/membercard/userinfo/get?access_token={token}");
    let answer = call(&running, "POST", &target, &member()).await;
    let text = String::from_utf8(answer.body).unwrap();
    assert!(
        text.contains("\"balance\":") && text.contains(".0"),
        "{text}"
    );
    let page = json!({ "offset": 0, "count": 10 });
    let listed = post(&running, &token, "/card/batchget", page).await;
    assert_eq!(listed["card_list"], json!([]), "{listed}");
}
