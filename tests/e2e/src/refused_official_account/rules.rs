//! QR codes, pay rules and reports.

use serde_json::{Value, json};

use super::{Row, approved, card};
use crate::demo::OFFICIAL_ACCOUNT;
use crate::walk::Walk;

pub(super) async fn rows(walk: &mut Walk<'_>) -> Vec<Row> {
    let waiting = card(walk, json!({})).await;
    let empty = approved(walk, json!({"sku": {"quantity": 0}})).await;
    let custom = approved(walk, json!({"use_custom_code": true})).await;
    let demo = OFFICIAL_ACCOUNT.card_id;
    let scene = |card: Value| json!({"action_name": "QR_CARD", "action_info": {"card": card}});
    let mut rows = vec![
        ("qrcode.create", scene(json!({"card_id": "none"})), "40073"),
        (
            "qrcode.create",
            scene(json!({"card_id": waiting, "is_unique_code": true})),
            "40078",
        ),
        (
            "qrcode.create",
            scene(json!({"card_id": empty, "is_unique_code": true})),
            "45031",
        ),
        (
            "pay_gift_member_card.add",
            by_card(&custom, 1, LATER),
            "43009",
        ),
        (
            "pay_gift_member_card.delete",
            json!({"card_id": "none", "mchid_list": ["1900000109"]}),
            "40073",
        ),
        ("pay_gift_card.delete", json!({"rule_id": 9}), "47001"),
        ("pay_gift_card.get_by_id", json!({"rule_id": 9}), "47001"),
    ];
    for (card_id, begin, end, errcode) in [
        ("none", 1, LATER, "40073"),
        (waiting.as_str(), 1, LATER, "40078"),
        (demo, 1, 2, "40079"),
        (demo, LATER, LATER - 1, "40100"),
    ] {
        rows.push((
            "pay_gift_member_card.add",
            by_card(card_id, begin, end),
            errcode,
        ));
        rows.push(("pay_gift_card.add", by_number(card_id, begin, end), errcode));
    }
    for operation in ["datacube.member_card_info", "datacube.member_card_detail"] {
        let ask = |begin: &str, end: &str| {
            let mut request = json!({"begin_date": begin, "end_date": end});
            let (name, value) = match operation {
                "datacube.member_card_info" => ("cond_source", json!(1)),
                _ => ("card_id", json!(demo)),
            };
            request[name] = value;
            request
        };
        rows.push((operation, ask("2025-12-02", "2025-12-01"), "61501"));
    }
    rows
}

/// The end of a rule that is far away.
pub(super) const LATER: i64 = 2_000_000_000;

pub(super) fn by_card(card_id: &str, begin: i64, end: i64) -> Value {
    json!({"card_id": card_id, "mchid_list": ["1900000109"], "begin_time": begin, "end_time": end,
        "min_cost": 1, "max_cost": 2})
}

pub(super) fn by_number(card_id: &str, begin: i64, end: i64) -> Value {
    json!({"rule_info": {"type": "RULE_TYPE_PAY_MEMBER_CARD",
        "base_info": {"mchid_list": ["1900000109"], "begin_time": begin, "end_time": end},
        "member_rule": {"card_id": card_id, "least_cost": 1, "max_cost": 2}}})
}
