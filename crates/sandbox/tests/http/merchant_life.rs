//! The life of merchant cards over HTTP, with a control API for what users do.

use kabao_auth::PublicKey;
use kabao_sandbox::Running;
use serde_json::{Value, json};

use crate::client::{Answer, CARD, Call, Client, control, get, start};

const CARDS: &str = "/v3/marketing/membercard-open/cards";

async fn post(client: &Client, target: &str, body: &Value) -> Answer {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    client
        .send(Call {
            method: "POST",
            body: &body,
            ..get(target)
        })
        .await
}

async fn act(running: &Running, path: &str, body: Value) -> Value {
    let answer = control(running, "POST", path, &body).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.json());
    answer.json()
}

fn creation() -> Value {
    json!({
        "appid": "wxd678efh567hg6787",
        "logo_url": "https://wxpaylogo.qpic.cn/wxpaylogo/Zq4mC7vKpL2sT9/0",
        "brand": {"brand_id": "1004", "display_name": "茶港"},
        "title": "茶港金卡",
        "background_picture_url": "https://wxpaylogo.qpic.cn/wxpaylogo/Zq4mC7vKpL2sT9/0",
        "description": "出示会员卡可累积积分",
        "code_type": "BAR_CODE",
        "date_information": {"type": "PERMANENT"},
        "code_mode": "MERCHANT_DEPOSIT",
        "user_information_form": {"common_field_list": ["USER_FORM_FLAG_MOBILE"]},
        "out_request_no": "life_0001",
    })
}

#[tokio::test]
async fn a_deposited_card_is_distributed_and_activated_by_jump() {
    let running = start().await;
    let client = Client::new(&running, "demo-merchant");
    let created = post(&client, CARDS, &creation()).await;
    assert_eq!(created.status, 200, "{}", created.json());
    assert_eq!(created.json()["status"], "NOT_APPROVE");
    let card_id = created.json()["card_id"].as_str().unwrap().to_owned();
    let card = format!("{CARDS}/{card_id}");
    let qrcode = json!({
        "activate_type": "JUMP_ACTIVATE",
        "activate_url": "https://example.com/join",
        "outer_str": "shop_7",
    });
    let early = post(&client, &format!("{card}/qrcode"), &qrcode).await;
    assert_eq!(
        (early.status, early.code().as_str()),
        (400, "INVALID_REQUEST")
    );
    let review = json!({"account": "demo-merchant", "card_id": card_id});
    act(&running, "/templates/approve", review).await;

    let codes = json!({"code": ["T-1", "T-2", "T-1"]});
    let deposited = post(&client, &format!("{card}/codes/deposit"), &codes)
        .await
        .json();
    assert_eq!(
        deposited["data"][2],
        json!({"code": "T-1", "result": "DUPLICATE"})
    );
    let link = post(&client, &format!("{card}/qrcode"), &qrcode)
        .await
        .json();
    let user_information = json!({
        "common_field_list": [{"name": "USER_FORM_FLAG_MOBILE", "value": "13800000417"}],
    });
    let open = json!({
        "link": link["url"],
        "user": {"openid": "oLife", "nickname": "林间"},
        "user_information": user_information,
    });
    let opened = act(&running, "/actions/demo-merchant/open-link", open).await;
    assert_eq!(opened["card"]["user_card_status"], "NOT_ACTIVATE");

    // The page passes on what it got, unescaped: `+` stays `+`.
    let query = opened["jump"]["url"]
        .as_str()
        .unwrap()
        .split_once('?')
        .unwrap()
        .1;
    let parameter = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).unwrap().1.to_owned()
    };
    let encrypt_code = parameter("encrypt_code");
    assert!(
        encrypt_code.contains('+') && encrypt_code.contains('/'),
        "{encrypt_code}"
    );
    let target = format!("{card}/decrypt-code?encrypt_code={encrypt_code}");
    let code = client.send(get(&target)).await.json()["code"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(opened["card"]["code"], code);
    let ticket = parameter("activate_ticket");
    let target = format!("/v3/marketing/membercard-open/activate-informations/{ticket}");
    let filled_in = client.send(get(&target)).await.json();
    assert_eq!(
        (&filled_in["nickname"], &filled_in["user_information"]),
        (&json!("林间"), &user_information)
    );

    let member = format!("{card}/codes/{code}");
    let activated = post(
        &client,
        &format!("{member}/activate"),
        &json!({"membership_number": "VIP-7"}),
    )
    .await;
    assert_eq!(
        activated.status,
        204,
        "{}",
        String::from_utf8_lossy(&activated.body)
    );
    let shown = client.send(get(&member)).await.json();
    assert_eq!(
        (
            &shown["user_card_status"],
            &shown["membership_number"],
            &shown["openid"]
        ),
        (&json!("EFFECTIVE"), &json!("VIP-7"), &json!("oLife"))
    );
    let list = "/v3/marketing/membercard-open/user/cards?openid=oLife&offset=0&limit=20";
    let list = client.send(get(list)).await.json();
    assert_eq!(list["data"], json!([{"card_id": card_id, "code": code}]));
    let ended = post(
        &client,
        &format!("{member}/unavailable"),
        &json!({"reason": "注销"}),
    )
    .await;
    assert_eq!(ended.status, 204);
    assert_eq!(
        client.send(get(&member)).await.json()["user_card_status"],
        "UNAVAILABLE"
    );
}

#[tokio::test]
async fn phone_numbers_travel_encrypted_in_body_and_query() {
    let running = start().await;
    let client = Client::new(&running, "demo-merchant");
    let credentials = &client.credentials;
    let key = PublicKey::from_pem(credentials.public_key_pem.as_deref().unwrap()).unwrap();
    let encrypted = || key.encrypt("13800000417".as_bytes()).unwrap();
    let serial = credentials.public_key_id.as_deref();
    let card_id = CARD.rsplit('/').next().unwrap();
    let status = async || {
        let phone = encrypted();
        // The official sample leaves `+`, `/` and `=` unescaped.
        let target = format!(
            "/v3/marketing/membercard-open/phonenumber-member/search?card_id={card_id}&encrypted_phone_number={phone}"
        );
        let answer = client
            .send(Call {
                serial,
                ..get(&target)
            })
            .await;
        assert_eq!(answer.status, 200, "{}", answer.json());
        answer.json()
    };
    assert_eq!(status().await["receive_status"], "UNSHOWED");
    let body =
        json!({"encrypted_phone_number": encrypted(), "out_request_no": "phone_0001"}).to_string();
    let target = format!("{CARD}/phone-membercard/import");
    let call = || Call {
        method: "POST",
        body: &body,
        serial,
        ..get(&target)
    };
    let code = client.send(call()).await.json()["code"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        client.send(call()).await.json()["code"],
        code,
        "a repeat is the same import"
    );
    let member = format!("{CARD}/codes/{code}");
    let silent = client.send(get(&member)).await.json();
    assert_eq!(
        (&silent["user_card_status"], silent.get("openid")),
        (&json!("EFFECTIVE"), None)
    );
    let claim = json!({
        "account": "demo-merchant", "card_id": card_id, "openid": "oPhone", "phone_number": "13800000417",
    });
    act(&running, "/cards/claim", claim).await;
    let found = status().await;
    assert_eq!(found["receive_status"], "RECEIVED");
    assert_eq!(found["user_card_information"]["openid"], "oPhone");
    assert_eq!(found["user_card_information"]["code"], code);
}

#[tokio::test]
async fn users_pay_delete_and_restore_through_the_control_api() {
    let running = start().await;
    let client = Client::new(&running, "demo-merchant");
    let settings =
        json!({"merchant": {"everyone_has_paid": false, "openid_import_needs_payment": true}});
    assert_eq!(
        control(&running, "PATCH", "/settings", &settings)
            .await
            .status,
        200
    );
    let import = json!({"openid": "oPayer", "out_request_no": "pay_0001"});
    let target = format!("{CARD}/users/import");
    let refused = post(&client, &target, &import).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (400, "INVALID_REQUEST")
    );
    act(
        &running,
        "/actions/demo-merchant/record-payment",
        json!({"openid": "oPayer"}),
    )
    .await;
    let code = post(&client, &target, &import).await.json()["code"].clone();
    let card_id = CARD.rsplit('/').next().unwrap();
    let member = json!({"account": "demo-merchant", "card_id": card_id, "code": code});
    act(&running, "/members/delete", member).await;
    let restored = act(
        &running,
        "/actions/demo-merchant/restore",
        json!({"card_id": card_id, "code": code}),
    )
    .await;
    assert_eq!(restored["member"]["user_card_status"], "EFFECTIVE");

    let old = act(
        &running,
        "/actions/demo-merchant/create-old-card",
        json!({"title": "老会员卡"}),
    )
    .await;
    let card = format!("{CARDS}/{}", old["template"]["card_id"].as_str().unwrap());
    assert_eq!(client.send(get(&card)).await.status, 400);
    let upgrade = json!({"brand_id": "1004", "appid": "wxd678efh567hg6787"});
    assert_eq!(
        post(&client, &format!("{card}/upgrade"), &upgrade)
            .await
            .status,
        204
    );
    assert_eq!(
        client.send(get(&card)).await.json()["brand"]["display_name"],
        "茶港"
    );
}
