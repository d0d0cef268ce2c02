//! What only service providers can call.

use serde_json::json;
use tonic::Code;

use super::{
    Row, at_the_door, exists, number_used, parameter, template_state, there, told, unknown,
};
use crate::demo::BRAND;
use crate::walk_brand::Stage;

pub(super) async fn rows(stage: &mut Stage<'_, '_>) -> Vec<Row> {
    let card = json!({ "card_id": BRAND.card_id, "out_request_no": "activity-1" });
    let clock = json!({ "set": "2026-04-01T00:00:00+08:00" });
    stage.world().order("POST", "/clock", &clock).await;
    let activity = stage.call("membership_activities.create", card).await;
    let ended = json!({ "card_id": BRAND.card_id, "out_request_no": "activity-2" });
    let none = json!({ "card_id": "pNoSuchCard", "out_request_no": "activity-3" });
    let greedy = json!({
        "card_id": BRAND.card_id,
        "out_request_no": "activity-4",
        "apply_total": 10_000,
    });
    let backwards = json!({
        "activity_id": activity["activity_id"],
        "end_time": "2026-03-01T00:00:00+08:00",
    });
    let no_activity = unknown("RESOURCE_NOT_FOUND");
    let user = json!({ "card_id": BRAND.card_id, "openid": BRAND.openid });
    let phone = json!({
        "card_id": BRAND.card_id,
        "phone_number": "13800000417",
        "user_card_code": BRAND.code,
    });
    vec![
        (
            "cards.delete",
            json!({ "card_id": "pNoSuchCard" }),
            unknown("TEMPLATE_NOT_FOUND"),
        ),
        ("user_cards.import_by_phone", phone, there()),
        ("open_user_card_tokens.create", user.clone(), there()),
        // The code of the demo template opens no mini program.
        ("pay_view_tokens.create", user, template_state()),
        ("membership_activities.create", ended, exists()),
        (
            "membership_activities.create",
            json!({ "card_id": BRAND.card_id, "out_request_no": "activity-1" }),
            number_used("PARAM_ERROR"),
        ),
        (
            "membership_activities.create",
            none,
            told(Code::NotFound, "TEMPLATE_NOT_FOUND"),
        ),
        (
            "membership_activities.create",
            greedy,
            parameter(&["apply_total"]),
        ),
        (
            "membership_activities.list",
            json!({ "limit": 21 }),
            at_the_door(&["limit"]),
        ),
        ("membership_activities.get", json!({}), no_activity.clone()),
        (
            "membership_activities.update",
            json!({}),
            no_activity.clone(),
        ),
        (
            "membership_activities.update",
            backwards,
            parameter(&["end_time"]),
        ),
        ("membership_activities.terminate", json!({}), no_activity),
    ]
}
