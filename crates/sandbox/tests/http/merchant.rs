//! The seed operations of the merchant family.

use kabao_sandbox::{Fault, FaultRule, Sandbox, Settings};
use serde_json::{Value, json};

use crate::client::{CARD, Call, Client, MEMBER, OFFICIAL_EXAMPLE, get, patch, start, start_with};

#[tokio::test]
async fn the_official_example_is_applied_once_and_shows_in_the_next_read() {
    let running = start().await;
    let client = Client::new(&running, "demo-merchant");
    let before = client.send(get(MEMBER)).await.json();
    assert_eq!(
        (&before["level"], &before["balance"]),
        (&json!("白银会员"), &json!(888))
    );
    for _ in 0..2 {
        let answer = client.send(patch(MEMBER, OFFICIAL_EXAMPLE)).await;
        assert_eq!((answer.status, answer.body.len()), (204, 0), "{answer:?}");
        client.verify(&running, &answer).unwrap();
        // Foreign SDKs look at the type of the body that is not there.
        for (name, expected) in [
            ("content-type", "application/json; charset=utf-8"),
            ("content-length", "0"),
            ("content-language", "zh-CN"),
            ("server", "nginx"),
            ("keep-alive", "timeout=8"),
            ("cache-control", "no-cache, must-revalidate"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(answer.header(name), Some(expected), "{answer:?}");
        }
        assert!(answer.header("request-id").is_some(), "{answer:?}");
    }
    let after = client.send(get(MEMBER)).await.json();
    assert_eq!(
        (&after["level"], &after["balance"]),
        (&json!("黄金会员"), &json!(888))
    );
    let ledger = running.ledger();
    assert_eq!(ledger.len(), 1);
    assert_eq!(ledger[0].operation, "merchant.user_cards.update");
    assert_eq!(ledger[0].account, "demo-merchant");
    assert_eq!(
        ledger[0].out_request_no.as_deref(),
        Some("1900000109_20260301_0001")
    );
    assert!(
        ledger[0]
            .changes
            .iter()
            .any(|change| change.field == "level")
    );
}

#[tokio::test]
async fn a_template_is_read_changed_and_deleted() {
    let running = start().await;
    let client = Client::new(&running, "demo-merchant");
    assert_eq!(client.send(get(CARD)).await.json()["title"], "茶港会员卡");
    let answer = client.send(patch(CARD, "{\"title\":\"茶港金卡\"}")).await;
    assert_eq!(answer.status, 204);
    assert_eq!(client.send(get(CARD)).await.json()["title"], "茶港金卡");
    let deleted = client
        .send(Call {
            method: "DELETE",
            ..get(CARD)
        })
        .await;
    assert_eq!(deleted.status, 204);
    assert_eq!(client.send(get(CARD)).await.json()["status"], "DELETED");
    assert_eq!(
        client.send(get(MEMBER)).await.json()["user_card_status"],
        "EFFECTIVE"
    );
}

#[tokio::test]
async fn refusals_name_the_field_the_value_and_the_place() {
    let running = start().await;
    let client = Client::new(&running, "demo-merchant");
    let number = "\"out_request_no\":\"n-1\"";
    for (body, field, value) in [
        (
            format!("{{\"level\":\"超过五个字符\",{number}}}"),
            "/level",
            json!("超过五个字符"),
        ),
        (format!("{{\"level\":5,{number}}}"), "/level", json!(5)),
        (
            format!("{{\"level\":null,{number}}}"),
            "/level",
            Value::Null,
        ),
        (
            format!("{{\"level\":\"金卡🎉\",{number}}}"),
            "/level",
            json!("金卡🎉"),
        ),
        (
            "{\"level\":\"金卡\"}".to_owned(),
            "/out_request_no",
            json!(""),
        ),
        (
            "{\"out_request_no\":\"有空 格\"}".to_owned(),
            "/out_request_no",
            json!("有空 格"),
        ),
        (
            format!("{{\"balance_information\":{{\"balance\":1,\"add_balance\":1}},{number}}}"),
            "/balance_information/before_balance",
            json!(""),
        ),
        (
            format!("{{\"code\":\"478515832665\",{number}}}"),
            "/code",
            json!("478515832665"),
        ),
    ] {
        let answer = client.send(patch(MEMBER, &body)).await;
        let error = answer.json();
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, "PARAM_ERROR"),
            "{body}: {error}"
        );
        assert_eq!(error["detail"]["field"], field, "{error}");
        assert_eq!(error["detail"]["value"], value, "{error}");
        assert_eq!(error["detail"]["location"], "body", "{error}");
        client.verify(&running, &answer).unwrap();
    }
    assert!(running.ledger().is_empty());
}

#[tokio::test]
async fn broken_json_and_another_content_type_are_refused() {
    let running = start().await;
    let client = Client::new(&running, "demo-merchant");
    let broken = client.send(patch(MEMBER, "{\"level\":")).await;
    assert!(
        broken.json()["message"]
            .as_str()
            .unwrap()
            .starts_with("解析 Json 出错 (位置: /body)")
    );
    assert_eq!(broken.status, 400);
}

#[tokio::test]
async fn unknown_cards_and_codes_are_told_apart_in_both_languages() {
    let running = start().await;
    let client = Client::new(&running, "demo-merchant");
    let other_code = MEMBER.replace("478515832665", "000000000000");
    let other_card = MEMBER.replace("pbLatjvWOibDc5", "pbLatjvWOibDc6");
    for (target, language, message) in [
        (&other_code, "zh-CN", "code不存在"),
        (&other_code, "en", "the code does not exist"),
        (&other_card, "zh-CN", "card_id不合法"),
    ] {
        let answer = client
            .send(Call {
                language: Some(language),
                ..get(target)
            })
            .await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, "INVALID_REQUEST")
        );
        assert_eq!(answer.json()["message"], message);
    }
}

#[tokio::test]
async fn a_percent_encoded_code_is_the_code() {
    let running = start().await;
    let client = Client::new(&running, "demo-merchant");
    let encoded = MEMBER.replace("478515832665", "%34785%31%35832665");
    assert_eq!(
        client.send(get(&encoded)).await.json()["code"],
        "478515832665"
    );
}

#[tokio::test]
async fn what_is_unknown_and_how_often_one_may_call_are_settings() {
    let mut settings = Settings::default();
    settings.merchant.unknown_is_not_found = true;
    settings.merchant.calls_per_second = Some(2);
    let running = start_with(Sandbox::builder().settings(settings)).await;
    let client = Client::new(&running, "demo-merchant");
    let nobody = MEMBER.replace("478515832665", "nobody");
    for unknown in [
        nobody.as_str(),
        "/v3/marketing/membercard-open/cards/pbLatjvWOibDc5-TBnbUk1pD12o1",
    ] {
        let answer = client.send(get(unknown)).await;
        let code = answer.code();
        assert_eq!((answer.status, &*code), (404, "RESOURCE_NOT_EXISTS"));
        client.verify(&running, &answer).unwrap();
    }
    // Each operation has been called once.
    for operation in [MEMBER, CARD] {
        for status in [200, 429] {
            assert_eq!(client.send(get(operation)).await.status, status);
        }
    }
    let download = client.send(get("/v3/certificates")).await;
    assert_eq!(download.status, 200);
}

#[tokio::test]
async fn settings_decide_what_the_documents_leave_open() {
    let mut settings = Settings::default();
    settings.merchant.check_equation = true;
    settings.merchant.longest_request_number = Some(24);
    settings.answers.sign_errors = false;
    let running = start_with(Sandbox::builder().settings(settings)).await;
    let client = Client::new(&running, "demo-merchant");
    let answer = client.send(patch(MEMBER, OFFICIAL_EXAMPLE)).await;
    assert_eq!((answer.status, answer.is_signed()), (400, false));
    assert_eq!(
        answer.json()["detail"]["field"],
        "/balance_information/balance"
    );
    let long = OFFICIAL_EXAMPLE.replace("_0001", "_00010");
    let answer = client.send(patch(MEMBER, &long)).await;
    let said = answer.json();
    assert_eq!((answer.status, &said["code"]), (400, &"PARAM_ERROR".into()));
    assert_eq!(said["detail"]["field"], "/out_request_no");
    assert!(said["message"].as_str().unwrap().contains("规则校验失败"));
}

#[tokio::test]
async fn an_empty_sandbox_has_accounts_and_no_cards() {
    let running = start_with(Sandbox::builder().demo(false)).await;
    let client = Client::new(&running, "demo-merchant");
    assert_eq!(
        client.send(get(CARD)).await.json()["message"],
        "card_id不合法"
    );
}

#[tokio::test]
async fn every_answer_says_its_type_length_and_language() {
    let running = start().await;
    let client = Client::new(&running, "demo-merchant");
    let unknown = MEMBER.replace("478515832665", "000000000000");
    for (language, expected) in [(None, "zh-CN"), (Some("en"), "en")] {
        for (call, status) in [
            (get(MEMBER), 200),
            (get("/v3/certificates"), 200),
            (get(unknown.as_str()), 400),
            (patch(MEMBER, "{"), 400),
            (patch(MEMBER, OFFICIAL_EXAMPLE), 204),
        ] {
            let answer = client.send(Call { language, ..call }).await;
            let length = answer.body.len().to_string();
            assert_eq!(answer.status, status, "{answer:?}");
            for (name, expected) in [
                ("content-type", "application/json; charset=utf-8"),
                ("content-length", length.as_str()),
                ("content-language", expected),
            ] {
                assert_eq!(answer.header(name), Some(expected), "{answer:?}");
            }
        }
    }
    // What faults make up of it is like that, too.
    for fault in [Fault::Unsigned, Fault::BadSignature, Fault::TamperBody] {
        running.inject(FaultRule::next(fault)).unwrap();
        let answer = client.send(patch(MEMBER, OFFICIAL_EXAMPLE)).await;
        assert_eq!(answer.status, 204, "{answer:?}");
        assert_eq!(
            (answer.header("content-type"), answer.body.len()),
            (Some("application/json; charset=utf-8"), 0),
            "{answer:?}"
        );
    }
}
