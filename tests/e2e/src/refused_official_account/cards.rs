//! Cards.

use serde_json::{Value, json};

use super::{Row, card};
use crate::demo::OFFICIAL_ACCOUNT;
use crate::walk::Walk;

pub(super) async fn rows(walk: &mut Walk<'_>) -> Vec<Row> {
    let create = "official_account.card.create";
    let example = walk.example(create);
    let with = |pointer: &str, value: Value| {
        let mut request = example.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let parent = format!("/card/member_card{parent}");
        request.pointer_mut(&parent).unwrap()[name] = value;
        request
    };
    let deleted = card(walk, json!({})).await;
    let delete = "official_account.card.delete";
    walk.call(delete, json!({"card_id": deleted})).await;
    let demo = OFFICIAL_ACCOUNT.card_id;
    let field = json!({"name": "券"});
    let cell = |card_id: &str, end_time: i64| {
        json!({"card_id": card_id, "member_card": {"modify_msg_operation":
            {"card_cell": {"card_id": demo, "end_time": end_time}}}})
    };
    let change =
        |card_id: &str, member_card: Value| json!({"card_id": card_id, "member_card": member_card});
    let never =
        json!({"type": "DATE_TYPE_FIX_TIME_RANGE", "begin_timestamp": 9, "end_timestamp": 8});
    vec![
        ("card.create", with("/base_info/date_info", never), "40100"),
        (
            "card.create",
            with("/base_info/logo_url", json!("https://example.com/logo.png")),
            "52000",
        ),
        (
            "card.create",
            with("/base_info/get_limit", json!(0)),
            "47001",
        ),
        ("card.get", json!({"card_id": "none"}), "40073"),
        ("card.delete", json!({"card_id": "none"}), "40073"),
        ("card.delete", json!({"card_id": deleted}), "40078"),
        (
            "card.modify_stock",
            json!({"card_id": "none", "increase_stock_value": 1}),
            "40073",
        ),
        (
            "card.modify_stock",
            json!({"card_id": demo, "reduce_stock_value": 99_999}),
            "40122",
        ),
        (
            "card.update",
            change("none", json!({"discount": 5})),
            "40073",
        ),
        (
            "card.update",
            change(&deleted, json!({"discount": 5})),
            "40078",
        ),
        (
            "card.update",
            change(
                demo,
                json!({"custom_field2": field, "custom_field3": field}),
            ),
            "40124",
        ),
        (
            "card.update_modify_msg",
            cell("none", 4_102_416_000),
            "40073",
        ),
        ("card.update_modify_msg", cell(demo, 1), "40079"),
    ]
}
