//! Activities: coupons for those who join in the component.

use serde_json::json;

use super::Stage;
use crate::demo::BRAND;

/// An activity begins, is changed and ends early.
pub(super) async fn run(stage: &mut Stage<'_, '_>) {
    let live = json!({ "out_request_no": stage.number(7), "card_id": BRAND.card_id });
    let created = stage.call("membership_activities.create", live).await;
    assert_eq!(created["activity_state"], "MEMBERSHIP_ACTIVITY_CREATED");
    assert_eq!(created["apply_available"], created["apply_total"]);
    let id = json!({ "activity_id": created["activity_id"] });
    stage
        .reads("membership_activities.get", id.clone(), &created)
        .await;

    let clock = json!({ "set": "2026-04-01T00:00:00+08:00" });
    stage.world().order("POST", "/clock", &clock).await;
    let updated = stage.call("membership_activities.update", id.clone()).await;
    assert_eq!(updated["activity_state"], "MEMBERSHIP_ACTIVITY_EFFECTIVE");
    assert_eq!(updated["title"], "Join and save more");
    assert_eq!(updated["end_time"], "2026-07-31T23:59:59+08:00");
    stage
        .reads("membership_activities.get", id.clone(), &updated)
        .await;
    let list = json!({ "card_id": BRAND.card_id });
    let found = stage.call("membership_activities.list", list.clone()).await;
    assert_eq!(found["total_count"], 1);
    assert_eq!(found["data"], json!([updated]));

    let ended = stage
        .call("membership_activities.terminate", id.clone())
        .await;
    assert_eq!(ended["activity_state"], "MEMBERSHIP_ACTIVITY_TERMINATED");
    stage.reads("membership_activities.get", id, &ended).await;
    let found = stage.call("membership_activities.list", list).await;
    assert_eq!(found["total_count"], 0);
}
