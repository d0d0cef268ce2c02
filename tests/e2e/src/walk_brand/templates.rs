//! Templates: created, listed, read, changed, ended.

use serde_json::{Value, json};

use super::{PROVIDER, Stage};
use crate::demo::BRAND;

/// A template of the walk.
pub(super) struct Template {
    /// Which one; part of request numbers.
    pub(super) round: usize,
    pub(super) card_id: Value,
    pub(super) validity: Value,
    /// Whether its code opens a mini program, which shows the payment code.
    pub(super) opens_mini_program: bool,
}

/// How templates of the walk differ from the example; together they have every field.
pub(super) fn kinds() -> [Value; 3] {
    [
        json!({}),
        json!({
            "code_type": "JUMP_MINI_PROGRAM",
            "code_jump_information": {
                "jump_appid": "wx1f2e3d4c5b6a7980",
                "jump_path": "/pages/code/index",
            },
            "valid_date_information": {
                "type": "FIX_TERM",
                "available_day_after_receive": 3650,
            },
        }),
        json!({
            "code_mode": "MERCHANT_ALLOCATE",
            "valid_date_information": {
                "type": "FIX_TIME_RANGE",
                "available_begin_time": "2026-03-01T00:00:00+08:00",
                "available_end_time": "2030-03-01T00:00:00+08:00",
            },
        }),
    ]
}

/// Creates the template of the example and changes it.
pub(super) async fn make(stage: &mut Stage<'_, '_>, round: usize, kind: &Value) -> Template {
    let number = stage.number(round);
    let mut live = kind.clone();
    live["out_request_no"] = json!(number);
    let created = stage.call("cards.create", live).await;
    assert_eq!(created["state"], "CARD_EFFECTIVE");
    assert_eq!(created["out_request_no"], number);
    assert_eq!(created["card_title"], "HarborTea");
    for (member, value) in kind.as_object().unwrap() {
        assert_eq!(created[member], *value);
    }
    let name = json!({ "card_id": created["card_id"] });
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
    Template {
        round,
        card_id: created["card_id"].clone(),
        validity: created["valid_date_information"].clone(),
        opens_mini_program: created["code_type"] == "JUMP_MINI_PROGRAM",
    }
}

/// Invalidates a template, which is not shown as effective any more.
pub(super) async fn end(stage: &mut Stage<'_, '_>, template: &Template) {
    let name = json!({ "card_id": template.card_id });
    let ended = stage.call("cards.invalidate", name.clone()).await;
    assert_eq!(ended["state"], "CARD_INVALID");
    stage.reads("cards.get", name.clone(), &ended).await;
    let effective = stage.call("cards.list", json!({})).await;
    assert_eq!(effective["total_count"], 1);
    let invalid = json!({ "state": "CARD_INVALID" });
    let invalid = stage.call("cards.list", invalid).await;
    assert!(invalid["data"].as_array().unwrap().contains(&ended));
    // There is nothing left to end for the retired call.
    if stage.caller.operations == PROVIDER.operations {
        stage.reads("cards.delete", name, &ended).await;
    }
}

/// The retired call still ends a template.
pub(super) async fn delete(stage: &mut Stage<'_, '_>) {
    let name = json!({ "card_id": BRAND.card_id });
    let ended = stage.call("cards.delete", name.clone()).await;
    assert_eq!(ended["state"], "CARD_INVALID");
    stage.reads("cards.get", name, &ended).await;
    let effective = stage.call("cards.list", json!({})).await;
    assert_eq!(effective["total_count"], 0);
}
