//! Codes: looked up, ended, imported, replaced.

use serde_json::json;

use super::members::{OPENID, PICTURE};
use super::{NOW, act, adapted, approve, text};
use crate::walk::Walk;

const GET: &str = "official_account.code.get";

/// Looks a code up in both ways and ends it.
pub(super) async fn look_up_and_end(walk: &mut Walk<'_>, card_id: &str, code: &str) {
    let get = json!({"card_id": card_id, "code": code, "check_consume": false});
    let answer = walk.call(GET, get.clone()).await;
    assert_eq!(answer["openid"], OPENID);
    assert_eq!(answer["outer_str"], "counter-7");
    assert_eq!(answer["background_pic_url"], PICTURE);
    assert_eq!(answer["can_consume"], true);

    let card = json!({"card_id": card_id, "code": code});
    let link = act(walk.world(), "encrypt-code", card).await;
    let decrypt = "official_account.code.decrypt";
    let request = json!({"encrypt_code": link["encrypt_code"]});
    let answer = walk.call(decrypt, request).await;
    assert_eq!(answer["code"], code);

    let end = "official_account.code.unavailable";
    let request = adapted(walk, end, json!({"card_id": card_id, "code": code}));
    walk.call(end, request).await;
    let answer = walk.call(GET, get).await;
    assert_eq!(answer["can_consume"], false);
    assert_eq!(answer["user_card_status"], "UNAVAILABLE");
}

/// Imports the codes of the examples into a card that gives them out.
pub(super) async fn import(walk: &mut Walk<'_>) {
    let create = "official_account.card.create";
    let base = json!({
        "use_custom_code": true,
        "get_custom_code_mode": "GET_CUSTOM_CODE_MODE_DEPOSIT",
        "sku": {"quantity": 0},
        "date_info": {
            "type": "DATE_TYPE_FIX_TIME_RANGE", "begin_timestamp": NOW, "end_timestamp": NOW + 864_000,
        },
    });
    let card = json!({"card": {"member_card": {"base_info": &base}}});
    let request = adapted(walk, create, card);
    let card_id = text(&walk.call(create, request).await["card_id"]);
    approve(walk.world(), &card_id).await;
    let get = json!({"card_id": card_id});
    let card = walk.call("official_account.card.get", get).await;
    let shown = &card["card"]["member_card"]["base_info"];
    assert_eq!(shown["get_custom_code_mode"], base["get_custom_code_mode"]);
    assert_eq!(shown["date_info"], base["date_info"]);

    let deposit = "official_account.code.deposit";
    let import = |codes: &[&str]| json!({"card_id": card_id, "code": codes});
    let answer = walk.call(deposit, import(&["M0000003"])).await;
    assert_eq!(answer["succ_code"], json!(["M0000003"]));
    let request = adapted(walk, deposit, json!({"card_id": card_id}));
    let answer = walk.call(deposit, request).await;
    assert_eq!(answer["succ_code"], json!(["M0000001", "M0000002"]));
    assert_eq!(answer["duplicate_code"], json!(["M0000003"]));
    let answer = walk.call(deposit, import(&["含有汉字"])).await;
    assert_eq!(answer["fail_code"], json!(["含有汉字"]));

    let count = "official_account.code.get_deposit_count";
    let answer = walk.call(count, json!({"card_id": card_id})).await;
    assert_eq!(answer["count"], 3);
    let check = "official_account.code.check";
    let request = adapted(walk, check, json!({"card_id": card_id}));
    let answer = walk.call(check, request).await;
    assert_eq!(answer["exist_code"], json!(["M0000001"]));
    assert_eq!(answer["not_exist_code"], json!(["M0000009"]));

    let stock = "official_account.card.modify_stock";
    let request = json!({"card_id": card_id, "increase_stock_value": 3});
    walk.call(stock, request).await;
    let claim = json!({"card_id": card_id, "openid": OPENID});
    let claimed = act(walk.world(), "claim", claim).await;
    let code = text(&claimed["code"]);
    let update = "official_account.code.update";
    let change = json!({"card_id": card_id, "code": code, "new_code": "M0000004"});
    walk.call(update, change).await;
    let get = json!({"card_id": card_id, "code": "M0000004", "check_consume": true});
    let answer = walk.call(GET, get).await;
    assert_eq!(answer["openid"], OPENID);
    assert_eq!(answer["card"]["begin_time"], NOW);
}
