//! The seed operations of the brand family.

use kabao_auth::{PrivateKey, PublicKey};
use serde_json::json;

use kabao_sandbox::{AccountConfig, Sandbox};

use crate::client::{Answer, Call, Client, control, get, patch, start, start_with};

const CARD: &str = "/v3/brand/partner/card-member/cards/pbLatjvWOibDc5-TBnbUk1pD12o0";
const MEMBER: &str = "/v3/brand/partner/card-member/user-cards/478515832665";
const OF_BRAND: &str = "?brand_id=1004";
const OF_USER: &str =
    "?brand_id=1004&card_id=pbLatjvWOibDc5-TBnbUk1pD12o0&openid=obLatjnx9gnqzS4myYGmLZ7LgLBA";

fn member_change(members: &serde_json::Value) -> String {
    let mut body = json!({
        "brand_id": "1004",
        "card_id": "pbLatjvWOibDc5-TBnbUk1pD12o0",
        "openid": "obLatjnx9gnqzS4myYGmLZ7LgLBA",
    });
    body.as_object_mut()
        .unwrap()
        .extend(members.as_object().unwrap().clone());
    body.to_string()
}

async fn read_member(client: &Client) -> Answer {
    client.send(get(&format!("{MEMBER}{OF_USER}"))).await
}

#[tokio::test]
async fn a_template_is_read_changed_and_invalidated() {
    let running = start().await;
    let client = Client::new(&running, "demo-brand");
    let read = client.send(get(&format!("{CARD}{OF_BRAND}"))).await;
    assert_eq!(read.json()["state"], "CARD_EFFECTIVE");
    client.verify(&running, &read).unwrap();
    let changed = client
        .send(patch(
            CARD,
            "{\"brand_id\":\"1004\",\"card_title\":\"茶港金卡\"}",
        ))
        .await;
    assert_eq!(
        (changed.status, &changed.json()["card_title"]),
        (200, &json!("茶港金卡"))
    );
    let invalidate = format!("{CARD}/invalidate");
    let body = "{\"brand_id\":\"1004\"}";
    let invalid = client
        .send(Call {
            method: "POST",
            ..patch(&invalidate, body)
        })
        .await;
    assert_eq!(invalid.json()["state"], "CARD_INVALID");
    assert_eq!(
        client.send(get(&format!("{CARD}{OF_BRAND}"))).await.json()["state"],
        "CARD_INVALID"
    );
}

#[tokio::test]
async fn what_was_retired_answers_unless_the_settings_say_that_it_is_gone() {
    let running = start().await;
    let client = Client::new(&running, "demo-brand");
    let target = format!("{CARD}{OF_BRAND}");
    let mut settings = running.settings();
    settings.brand.delete_answers = false;
    settings.brand.open_user_card_tokens_answer = false;
    running.set_settings(settings);
    let retired = client
        .send(Call {
            method: "DELETE",
            ..get(&target)
        })
        .await;
    let body = json!({
        "brand_id": "1004", "card_id": "pbLatjvWOibDc5-TBnbUk1pD12o0", "openid": "oNew",
    })
    .to_string();
    let token = || {
        let target = "/v3/brand/partner/card-member/open-user-card-tokens";
        client.send(Call {
            method: "POST",
            ..patch(target, &body)
        })
    };
    for (gone, status) in [(retired, 405), (token().await, 404)] {
        assert_eq!((gone.status, gone.body.len()), (status, 0));
        assert!(!gone.is_signed());
    }
    assert_eq!(
        client.send(get(&target)).await.json()["state"],
        "CARD_EFFECTIVE"
    );
    running.reset();
    let deleted = client
        .send(Call {
            method: "DELETE",
            ..get(&target)
        })
        .await;
    assert_eq!(
        (deleted.status, &deleted.json()["state"]),
        (200, &json!("CARD_INVALID"))
    );
    running.reset();
    assert_eq!(token().await.status, 200);
}

#[tokio::test]
async fn a_key_that_is_not_named_is_refused_with_the_code_of_the_settings() {
    let running = start().await;
    let client = Client::new(&running, "demo-brand");
    let key = client.credentials.public_key_pem.as_deref().unwrap();
    let phone = PublicKey::from_pem(key).unwrap().encrypt(b"13800000417");
    let body = member_change(&json!({ "phone_number": phone.unwrap() }));
    for code in ["PARAM_ERROR", "INVALID_REQUEST"] {
        let mut settings = running.settings();
        settings.answers.missing_serial_code = code.to_owned();
        running.set_settings(settings);
        let refused = client.send(patch(MEMBER, &body)).await;
        assert_eq!((refused.status, &*refused.code()), (400, code));
    }
}

#[tokio::test]
async fn sensitive_fields_travel_encrypted_both_ways() {
    let running = start().await;
    let client = Client::new(&running, "demo-brand");
    let credentials = &client.credentials;
    let key = PublicKey::from_pem(credentials.public_key_pem.as_deref().unwrap()).unwrap();
    let own = PrivateKey::from_pem(credentials.private_key_pem.as_deref().unwrap()).unwrap();
    let phone = key.encrypt("13800000417".as_bytes()).unwrap();
    let body = member_change(&json!({ "phone_number": phone, "level": "黄金会员" }));
    let serial = credentials.public_key_id.as_deref();
    let changed = client
        .send(Call {
            serial,
            ..patch(MEMBER, &body)
        })
        .await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let read = read_member(&client).await.json();
    assert_eq!(read["level"], "黄金会员");
    let ciphertext = read["phone_number"].as_str().unwrap();
    assert_eq!(
        own.decrypt(ciphertext).unwrap().to_str().unwrap(),
        "13800000417"
    );
    // Without the header nobody knows which key it was.
    let unnamed = client.send(patch(MEMBER, &body)).await;
    assert_eq!(
        (unnamed.status, unnamed.code().as_str()),
        (400, "PARAM_ERROR")
    );
    assert!(
        unnamed.json()["message"]
            .as_str()
            .unwrap()
            .contains("Wechatpay-Serial")
    );
}

#[tokio::test]
async fn a_missing_openid_an_unknown_code_and_another_brand_are_refused() {
    let running = start().await;
    let client = Client::new(&running, "demo-brand");
    let no_openid = format!("{MEMBER}?brand_id=1004&card_id=pbLatjvWOibDc5-TBnbUk1pD12o0");
    let missing = client.send(get(&no_openid)).await;
    assert_eq!(
        (missing.status, missing.code().as_str()),
        (400, "PARAM_ERROR")
    );
    assert_eq!(missing.json()["detail"]["field"], "openid");
    assert_eq!(missing.json()["detail"]["location"], "query");
    let other_code = format!("{MEMBER}{OF_USER}").replace("478515832665", "000000000000");
    let unknown = client.send(get(&other_code)).await;
    assert_eq!(
        (unknown.status, unknown.code().as_str()),
        (404, "NOT_FOUND")
    );
    let foreign = client.send(get(&format!("{CARD}?brand_id=9999"))).await;
    assert!((400..500).contains(&foreign.status), "{foreign:?}");
}

#[tokio::test]
async fn the_rate_of_the_page_is_enforced_on_request() {
    let running = start().await;
    let client = Client::new(&running, "demo-brand");
    let mut settings = running.settings();
    settings.answers.enforce_rate_limits = true;
    settings.answers.retry_after_seconds = Some(1);
    running.set_settings(settings);
    for _ in 0..10 {
        assert_eq!(read_member(&client).await.status, 200);
    }
    let limited = read_member(&client).await;
    assert_eq!(
        (limited.status, limited.code().as_str()),
        (429, "RATELIMIT_EXCEEDED")
    );
    assert_eq!(limited.header("retry-after"), Some("1"));
    client.verify(&running, &limited).unwrap();
    // Some revisions of the pages allow five only.
    running.reset();
    let mut settings = running.settings();
    settings.brand.calls_per_second = Some(5);
    running.set_settings(settings);
    for status in [200, 200, 200, 200, 200, 429] {
        assert_eq!(read_member(&client).await.status, status);
    }
}

#[tokio::test]
async fn a_user_joins_and_deletes() {
    let running = start().await;
    let claim = json!({
        "account": "demo-brand", "card_id": "pbLatjvWOibDc5-TBnbUk1pD12o0", "openid": "obNewUser000000000000000001",
    });
    let member = control(&running, "POST", "/cards/claim", &claim).await;
    assert_eq!(member.status, 200, "{member:?}");
    let code = member.json()["member"]["user_card_code"]
        .as_str()
        .unwrap()
        .to_owned();
    let name =
        json!({ "account": "demo-brand", "card_id": "pbLatjvWOibDc5-TBnbUk1pD12o0", "code": code });
    let deleted = control(&running, "POST", "/members/delete", &name).await;
    assert_eq!(
        deleted.json()["member"]["user_card_state"],
        "INVALID",
        "{deleted:?}"
    );
}

#[tokio::test]
async fn a_brand_that_calls_directly_has_its_own_scheme_and_names_its_key_always() {
    let direct = AccountConfig::brand_direct("direct", "1004");
    let running = start_with(Sandbox::builder().account(direct)).await;
    let client = Client::new(&running, "direct");
    let target = "/brand/card-member/cards/pbLatjvWOibDc5-TBnbUk1pD12o0";
    let unnamed = client.send(get(target)).await;
    assert_eq!(
        (unnamed.status, unnamed.code().as_str()),
        (400, "PARAM_ERROR")
    );
    let serial = client.credentials.public_key_id.as_deref();
    let answer = client
        .send(Call {
            serial,
            ..get(target)
        })
        .await;
    assert_eq!(
        (answer.status, &answer.json()["brand_id"]),
        (200, &json!("1004")),
        "{answer:?}"
    );
    assert_eq!(
        answer.header("wechatpay-signature-type"),
        Some("WECHATPAY-BRAND-SHA256-RSA2048")
    );
    client.verify(&running, &answer).unwrap();
    // The other scheme's paths do not take it.
    let wrong = client.send(get("/v3/certificates")).await;
    assert_eq!((wrong.status, wrong.code().as_str()), (401, "SIGN_ERROR"));
}
