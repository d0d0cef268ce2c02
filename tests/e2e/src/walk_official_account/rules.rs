//! Rules that offer a card after a payment, in both generations of the interface.

use serde_json::json;

use super::{NOW, adapted, merge};
use crate::walk::Walk;

const DAY: i64 = 86_400;

/// One card for some merchant numbers.
pub(super) async fn by_card(walk: &mut Walk<'_>, card_id: &str) {
    let add = "official_account.pay_gift_member_card.add";
    let window = json!({"card_id": card_id, "begin_time": NOW, "end_time": NOW + DAY});
    let first = adapted(
        walk,
        add,
        json!({"card_id": card_id, "begin_time": NOW, "end_time": NOW + DAY, "mchid_list": ["1900000110"]}),
    );
    walk.call(add, first).await;
    let answer = walk.call(add, adapted(walk, add, window)).await;
    assert_eq!(answer["succ_mchid_list"], json!(["1900000109"]));
    assert_eq!(answer["fail_mchid_list"][0]["mchid"], "1900000110");

    let get = "official_account.pay_gift_member_card.get";
    let answer = walk.call(get, walk.example(get)).await;
    assert_eq!(answer["card_id"], card_id);
    assert_eq!(answer["is_locked"], true);

    let delete = "official_account.pay_gift_member_card.delete";
    let numbers = ["1900000109", "1900000110", "1900000111"];
    let request = json!({"card_id": card_id, "mchid_list": numbers});
    let answer = walk.call(delete, request).await;
    assert_eq!(
        answer["succ_mchid_list"],
        json!(["1900000109", "1900000110"])
    );
    assert_eq!(answer["fail_mchid_list"][0]["mchid"], "1900000111");
    let answer = walk.call(get, walk.example(get)).await;
    assert_eq!(answer.get("card_id"), None);
}

/// Rules that have numbers of their own.
pub(super) async fn by_number(walk: &mut Walk<'_>, card_id: &str) {
    let add = "official_account.pay_gift_card.add";
    let rule = |numbers: &[&str]| {
        json!({"rule_info": {
            "base_info": {"begin_time": NOW, "end_time": NOW + DAY, "mchid_list": numbers},
            "member_rule": {"card_id": card_id},
        }})
    };
    let mut first = adapted(walk, add, rule(&["1900000110"]));
    let mini = json!({"app_brand_id": "gh_86a091e50ad4@app", "app_brand_pass": "pages/join"});
    merge(&mut first["rule_info"]["member_rule"], mini);
    let first = walk.call(add, first).await;
    let get = "official_account.pay_gift_card.get_by_id";
    let answer = walk.call(get, json!({"rule_id": first["rule_id"]})).await;
    let shown = &answer["rule_info"]["member_rule"];
    assert_eq!(shown["app_brand_pass"], "pages/join");
    let request = adapted(walk, add, rule(&["1900000109", "1900000110"]));
    let added = walk.call(add, request).await;
    assert_eq!(added["succ_mchid_list"], json!(["1900000109"]));
    assert_eq!(added["fail_mchid_list"][0]["mchid"], "1900000110");

    let rule_id = json!({"rule_id": added["rule_id"]});
    let answer = walk.call(get, rule_id.clone()).await;
    let shown = &answer["rule_info"];
    assert_eq!(shown["base_info"]["mchid_list"], json!(["1900000109"]));
    assert_eq!(shown["member_rule"]["card_id"], card_id);
    let list = "official_account.pay_gift_card.batch_get";
    let answer = walk.call(list, walk.example(list)).await;
    assert_eq!(answer["total_count"], 2);

    let delete = "official_account.pay_gift_card.delete";
    walk.call(delete, rule_id).await;
    let answer = walk.call(list, walk.example(list)).await;
    assert_eq!(answer["total_count"], 1);
}
