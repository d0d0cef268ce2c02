//! Feeds, points, and coupons for points.

use serde_json::{Value, json};

use super::members::imported_code;
use super::{Stage, text};
use crate::demo::BRAND;

/// The exchange that the demo template offers.
const EXCHANGE: &str = "7KpQ2mZrT1";

/// An entry on the card face, and the balance that the merchant keeps.
pub(super) async fn news(stage: &mut Stage<'_, '_>, card_id: &str) {
    let code = imported_code(stage);
    let names = json!({
        "card_id": card_id,
        "user_card_code": code,
        "openid": stage.caller.imported_openid,
    });
    let number = stage.number(42);
    let mut request = names.clone();
    request["out_request_no"] = json!(number);
    let feed = stage.call("user_feeds.create", request).await;
    assert_eq!(feed["cell"], "1_400");
    assert_eq!(feed["out_request_no"], number);
    let member = stage.member(&code).await;
    assert_eq!(member["feeds"].as_array().unwrap().len(), 1);
    assert_eq!(member["point_balance"], Value::Null);

    let mut request = names;
    request["out_request_no"] = json!(stage.number(43));
    let points = stage.call("user_points.sync", request).await;
    assert_eq!(points["point_balance"], 1450);
    assert_eq!(stage.member(&code).await["point_balance"], 1450);
}

/// A member asks for a coupon and gets it, and asks again and does not.
pub(super) async fn exchange(stage: &mut Stage<'_, '_>) {
    let record = asks(stage).await;
    let allowed = stage.call("user_points.exchange_coupon_confirm", record).await;
    assert_eq!(allowed["state"], "POINT_EXCHANGE_COUPON_SUCCESS");
    let coupon_code = text(&allowed["coupon_code"]);
    let known = of_record(stage, &allowed["record_id"]).await;
    assert!(known.to_string().contains(&coupon_code), "{known}");

    let mut record = asks(stage).await;
    record["result"] = json!("POINT_EXCHANGE_COUPON_REJECT");
    record["reject_reason"] = json!("积分已用完");
    let rejected = stage.call("user_points.exchange_coupon_confirm", record).await;
    assert_eq!(rejected["state"], "POINT_EXCHANGE_COUPON_FAIL");
    assert_eq!(rejected["reject_reason"], "积分已用完");
    assert_eq!(rejected["coupon_code"], Value::Null);
}

/// Members that only older pages have.
pub(super) async fn older_members_of_answers(stage: &mut Stage<'_, '_>) {
    stage
        .set(json!({ "answer_legacy_fields": true, "coupon_issuing_fails": true }))
        .await;
    let record = asks(stage).await;
    let failed = stage.call("user_points.exchange_coupon_confirm", record).await;
    assert_eq!(failed["state"], "POINT_EXCHANGE_COUPON_FAIL");
    assert!(!text(&failed["fail_reason"]).is_empty());

    let request = json!({
        "card_id": BRAND.card_id,
        "user_card_code": BRAND.code,
        "openid": BRAND.openid,
        "out_request_no": stage.number(44),
    });
    let feed = stage.call("user_feeds.create", request).await;
    assert_eq!(feed["openid"], BRAND.openid);
    assert_eq!(feed["cell_message"], feed["cell"]);
}

/// The demo member asks for a coupon; returns what names the record.
async fn asks(stage: &Stage<'_, '_>) -> Value {
    let ask = json!({ "exchange_coupon_template_id": EXCHANGE, "openid": BRAND.openid });
    let record = stage.act("request-exchange", ask).await;
    json!({
        "record_id": record["record_id"],
        "exchange_coupon_template_id": EXCHANGE,
        "card_id": BRAND.card_id,
        "openid": BRAND.openid,
        "user_card_code": BRAND.code,
    })
}

async fn of_record(stage: &Stage<'_, '_>, record_id: &Value) -> Value {
    let records = stage.state("exchange_records").await;
    let found = records.into_iter().find(|record| {
        record["record_id"] == *record_id || record["answer"]["record_id"] == *record_id
    });
    found.expect("the record is there")
}
