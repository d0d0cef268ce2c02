//! What other people's SDKs send to the sandbox and need to find in its answers.

use serde_json::{Value, json};

use crate::demo::{MERCHANT, OFFICIAL_ACCOUNT};
use crate::signed::Caller;
use crate::world::World;

const ACCEPTED: i64 = 0;
const BODY: i64 = 47001;

async fn post(caller: &Caller<'_>, path: &str, body: &str) -> Value {
    let answer = caller.send("POST", path, body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

async fn act(world: &World, action: &str, body: Value) -> Value {
    let path = format!("/actions/{}/{action}", OFFICIAL_ACCOUNT.account);
    world.order("POST", &path, &body).await
}

#[tokio::test]
async fn an_answer_without_a_body_describes_it() {
    let world = World::start().await;
    let caller = Caller::new(world.sandbox(), MERCHANT.account).await;
    let target = format!(
        "/v3/marketing/membercard-open/cards/{}/codes/{}",
        MERCHANT.card_id, MERCHANT.code
    );
    let body = json!({ "level": "黄金会员", "out_request_no": "foreign-1" }).to_string();
    let answer = caller.send("PATCH", &target, &body).await;
    assert_eq!(answer.status, 204, "{answer:?}");
    for (name, expected) in [
        ("content-type", "application/json; charset=utf-8"),
        ("content-length", "0"),
        ("content-language", "zh-CN"),
    ] {
        assert_eq!(answer.header(name), Some(expected), "{answer:?}");
    }
}

#[tokio::test]
async fn every_entry_of_a_form_has_every_member() {
    let world = World::start().await;
    let caller = Caller::new(world.sandbox(), OFFICIAL_ACCOUNT.account).await;
    let (card_id, code) = (OFFICIAL_ACCOUNT.card_id, OFFICIAL_ACCOUNT.code);
    let get = |code: &str| json!({ "card_id": card_id, "code": code }).to_string();
    let demo = post(&caller, "/card/membercard/userinfo/get", &get(code)).await;
    assert_eq!(
        demo["user_info"]["custom_field_list"],
        json!([
            { "name": "喜欢的茶", "value": "乌龙茶", "value_list": [] },
            { "name": "座位", "value": "", "value_list": ["窗边", "露台"] },
        ])
    );
    // One who has filled in nothing has both lists.
    let claim = json!({ "card_id": card_id, "openid": "oZb8FtNew" });
    let claimed = act(&world, "claim", claim).await;
    let new = get(claimed["code"].as_str().unwrap());
    let new = post(&caller, "/card/membercard/userinfo/get", &new).await;
    assert_eq!(
        new["user_info"],
        json!({ "common_field_list": [], "custom_field_list": [] })
    );
}

#[tokio::test]
async fn forms_of_numbers_and_nulls_are_settings() {
    let world = World::start().await;
    let caller = Caller::new(world.sandbox(), OFFICIAL_ACCOUNT.account).await;
    let (card_id, code) = (OFFICIAL_ACCOUNT.card_id, OFFICIAL_ACCOUNT.code);
    let member = format!(r#""card_id":"{card_id}","code":"{code}""#);
    let update = "/card/membercard/updateuser";
    let rows = [
        (
            update,
            format!(r#"{{{member},"balance":2900.0,"add_balance":-100.0}}"#),
        ),
        (update, format!(r#"{{{member},"bonus":"470"}}"#)),
        (
            update,
            format!(r#"{{{member},"notify_optional":null,"record_bonus":null}}"#),
        ),
        (
            "/card/update",
            format!(
                r#"{{"card_id":"{card_id}","member_card":{{"base_info":{{"get_limit":"50"}}}}}}"#
            ),
        ),
        (
            "/card/paygiftmembercard/get",
            r#"{"mchid":1900000109}"#.to_owned(),
        ),
    ];
    let strict = json!({ "official_account": { "accept_number_forms": false, "ignore_null_members": false } });
    for expected in [ACCEPTED, BODY] {
        for (path, body) in &rows {
            let answer = post(&caller, path, body).await;
            assert_eq!(answer["errcode"], expected, "{path} {body}: {answer}");
        }
        world.order("PATCH", "/settings", &strict).await;
    }
    let get = json!({ "card_id": card_id, "code": code }).to_string();
    let info = post(&caller, "/card/membercard/userinfo/get", &get).await;
    assert_eq!(
        (&info["bonus"], &info["balance"]),
        (&json!(470), &json!(2900))
    );
}

#[tokio::test]
async fn an_empty_code_of_a_qr_code_is_not_given() {
    let world = World::start().await;
    let caller = Caller::new(world.sandbox(), OFFICIAL_ACCOUNT.account).await;
    let card =
        json!({ "card_id": OFFICIAL_ACCOUNT.card_id, "code": "", "openid": "", "outer_str": "" });
    let body = json!({ "action_name": "QR_CARD", "action_info": { "card": card } }).to_string();
    let answer = post(&caller, "/card/qrcode/create", &body).await;
    assert_eq!(answer["errcode"], ACCEPTED, "{answer}");
}
