//! Templates.

use serde_json::{Value, json};
use tonic::Code;

use super::{Row, at_the_door, field, number_used, parameter, told, unknown};
use crate::walk_brand::Stage;

pub(super) fn rows(stage: &Stage<'_, '_>, card_id: &Value) -> Vec<Row> {
    let none = json!({ "card_id": "pNoSuchCard" });
    let no_template = unknown("TEMPLATE_NOT_FOUND");
    let new = |live: Value| {
        let mut request = json!({ "out_request_no": stage.number(2) });
        request
            .as_object_mut()
            .unwrap()
            .extend(live.as_object().unwrap().clone());
        request
    };
    let jump = json!({ "jump_appid": "wx1f2e3d4c5b6a7980", "jump_path": "/a" });
    vec![
        (
            "cards.create",
            new(json!({ "need_display_level": false })),
            parameter(&["init_level"]),
        ),
        (
            "cards.create",
            new(json!({ "code_type": "JUMP_MINI_PROGRAM" })),
            parameter(&["code_jump_information"]),
        ),
        (
            "cards.create",
            json!({ "out_request_no": stage.number(1) }),
            number_used("PARAM_ERROR"),
        ),
        (
            "cards.create",
            new(json!({ "card_type": "BALANCE" })),
            field("card_type"),
        ),
        // Two of one type are the most.
        (
            "cards.create",
            new(json!({})),
            told(Code::FailedPrecondition, "LIMIT_REACHED"),
        ),
        (
            "cards.create",
            new(json!({ "card_title": "HarborTeaHarborTea" })),
            at_the_door(&["card_title"]),
        ),
        (
            "cards.list",
            json!({ "limit": 21 }),
            at_the_door(&["limit"]),
        ),
        (
            "cards.list",
            json!({ "offset": -1 }),
            parameter(&["offset"]),
        ),
        ("cards.get", none.clone(), no_template.clone()),
        ("cards.update", none.clone(), no_template.clone()),
        (
            "cards.update",
            json!({ "card_id": card_id, "code_jump_information": jump }),
            parameter(&["code_jump_information"]),
        ),
        ("cards.invalidate", none, no_template),
    ]
}
