//! Members and forms.

use serde_json::{Value, json};

use super::Row;
use crate::demo::OFFICIAL_ACCOUNT;
use crate::walk::Walk;

#[expect(
    clippy::unused_async,
    reason = "the tables of all groups are made in the same way"
)]
pub(super) async fn rows(_: &mut Walk<'_>) -> Vec<Row> {
    let (card_id, code) = (OFFICIAL_ACCOUNT.card_id, OFFICIAL_ACCOUNT.code);
    let member = |card_id: &str, code: &str, name: &str, value: Value| json!({"card_id": card_id, "code": code, name: value});
    let picture = json!("https://example.com/a.png");
    let mut rows = vec![
        (
            "member.userinfo_get",
            json!({"card_id": card_id, "code": "000000000000"}),
            "40056",
        ),
        (
            "member.userinfo_get",
            json!({"card_id": "none", "code": code}),
            "40073",
        ),
        (
            "member.update_user",
            member(card_id, "000000000000", "bonus", json!(1)),
            "40056",
        ),
        (
            "member.update_user",
            member("none", code, "bonus", json!(1)),
            "40073",
        ),
        (
            "member.update_user",
            member(card_id, code, "background_pic_url", picture.clone()),
            "52000",
        ),
        (
            "member.activate_user_form_set",
            json!({"card_id": "none"}),
            "40073",
        ),
        (
            "member.activate_get_url",
            json!({"card_id": "none"}),
            "40073",
        ),
        (
            "member.activate_temp_info_get",
            json!({"activate_ticket": "unknown"}),
            "47001",
        ),
    ];
    for (card_id, code, name, value, errcode) in [
        (card_id, "000000000000", "init_bonus", json!(1), "40056"),
        ("none", code, "init_bonus", json!(1), "40073"),
        (card_id, code, "background_pic_url", picture, "52000"),
        (card_id, code, "activate_end_time", json!(1), "40079"),
    ] {
        let mut request = member(card_id, code, name, value);
        request["membership_number"] = json!("M1");
        rows.push(("member.activate", request, errcode));
    }
    rows
}
