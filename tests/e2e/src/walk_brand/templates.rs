//! Templates: created, listed, read, changed, ended.

use serde_json::{Value, json};

use super::{Stage, text};
use crate::demo::BRAND;

/// Creates the template of the example and changes it.
pub(super) async fn make(stage: &mut Stage<'_, '_>) -> String {
    let number = stage.number(1);
    let created = stage
        .call("cards.create", json!({ "out_request_no": number }))
        .await;
    assert_eq!(created["state"], "CARD_EFFECTIVE");
    assert_eq!(created["out_request_no"], number);
    assert_eq!(created["card_title"], "HarborTea");
    let card_id = text(&created["card_id"]);
    let name = json!({ "card_id": card_id });
    stage.reads("cards.get", name.clone(), &created).await;

    let list = stage.call("cards.list", json!({})).await;
    assert_eq!(list["total_count"], 2);
    assert_eq!((&list["offset"], &list["limit"]), (&json!(0), &json!(20)));
    assert_eq!(list["data"][0]["card_id"], BRAND.card_id);
    assert_eq!(list["data"][1], created);

    let updated = stage.call("cards.update", name.clone()).await;
    assert_eq!(updated["card_title"], "HarborPlus");
    assert_eq!(updated["benefits"], "Free size upgrade");
    assert_eq!(updated["need_pinned"], false);
    assert_eq!(updated["card_color"], created["card_color"]);
    stage.reads("cards.get", name, &updated).await;
    card_id
}

/// Invalidates a template; members keep their cards, the template is shown no longer as effective.
pub(super) async fn end(stage: &mut Stage<'_, '_>, card_id: &str) {
    let name = json!({ "card_id": card_id });
    let ended = stage.call("cards.invalidate", name.clone()).await;
    assert_eq!(ended["state"], "CARD_INVALID");
    stage.reads("cards.get", name, &ended).await;
    let effective = stage.call("cards.list", json!({})).await;
    assert_eq!(effective["total_count"], 1);
    let invalid = json!({ "state": "CARD_INVALID" });
    let invalid = stage.call("cards.list", invalid).await;
    let invalid = invalid["data"].as_array().unwrap();
    assert!(invalid.contains(&ended));
}

/// Creates a template whose code opens a mini program and whose cards are valid for a year.
pub(super) async fn make_with_mini_program_code(stage: &mut Stage<'_, '_>) -> String {
    let live = json!({
        "out_request_no": stage.number(2),
        "code_mode": "MERCHANT_ALLOCATE",
        "code_type": "JUMP_MINI_PROGRAM",
        "code_jump_information": {
            "jump_appid": "wx1f2e3d4c5b6a7980",
            "jump_path": "/pages/code/index",
        },
        "valid_date_information": { "type": "FIX_TERM", "available_day_after_receive": 365 },
    });
    let created = stage.call("cards.create", live.clone()).await;
    for member in ["code_mode", "code_type", "code_jump_information"] {
        assert_eq!(created[member], live[member]);
    }
    let validity = &created["valid_date_information"];
    assert_eq!(validity["available_day_after_receive"], 365);
    text(&created["card_id"])
}

/// The retired call still ends a template.
pub(super) async fn delete(stage: &mut Stage<'_, '_>, card_id: &str) {
    let name = json!({ "card_id": card_id });
    let ended = stage.call("cards.delete", name.clone()).await;
    assert_eq!(ended["state"], "CARD_INVALID");
    stage.reads("cards.get", name, &ended).await;
}

/// A template that is valid in a time range, with the member that only older pages have.
pub(super) async fn older_members_of_answers(stage: &mut Stage<'_, '_>) {
    let (begin, end) = ("2026-03-01T00:00:00+08:00", "2030-03-01T00:00:00+08:00");
    let live = json!({
        "out_request_no": stage.number(3),
        "valid_date_information": {
            "type": "FIX_TIME_RANGE",
            "available_begin_time": begin,
            "available_end_time": end,
        },
    });
    let created = stage.call("cards.create", live).await;
    assert_eq!(created["update_time"], Value::Null);
    stage.set(json!({ "answer_legacy_fields": true })).await;
    let name = json!({ "card_id": created["card_id"] });
    let read = stage.call("cards.get", name).await;
    assert_eq!(read["update_time"], created["modify_time"]);
    let validity = &read["valid_date_information"];
    assert_eq!(validity["available_begin_time"], begin);
    assert_eq!(validity["available_end_time"], end);
}
