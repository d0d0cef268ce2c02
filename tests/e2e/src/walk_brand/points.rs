//! Feeds, points, and coupons for points.

use serde_json::{Value, json};

use super::members::imported_code;
use super::templates::Template;
use super::{Stage, text};
use crate::demo::BRAND;

/// The exchange that the demo template offers.
const EXCHANGE: &str = "7KpQ2mZrT1";

/// An entry on the card face, and the balance that the merchant keeps.
pub(super) async fn news(stage: &mut Stage<'_, '_>, template: &Template) {
    let code = imported_code(stage);
    let names = json!({
        "card_id": template.card_id,
        "user_card_code": code,
        "openid": stage.caller.imported_openid,
    });
    let number = stage.number(template.round);
    let mut request = names.clone();
    request["out_request_no"] = json!(number);
    let feed = stage.call("user_feeds.create", request).await;
    assert_eq!(feed["cell"], "1_400");
    assert_eq!(feed["out_request_no"], number);
    let member = stage.member(&template.card_id, &code).await;
    assert_eq!(member["feeds"].as_array().unwrap().len(), 1);
    assert_eq!(member["point_balance"], Value::Null);

    let mut request = names;
    request["out_request_no"] = json!(stage.number(template.round));
    let points = stage.call("user_points.sync", request).await;
    assert_eq!(points["point_balance"], 1450);
    assert_eq!(
        stage.member(&template.card_id, &code).await["point_balance"],
        1450
    );
}

/// A member asks for a coupon and gets it, or does not.
pub(super) async fn exchange(stage: &mut Stage<'_, '_>) {
    let confirm = "user_points.exchange_coupon_confirm";
    let request = asks(stage).await;
    let allowed = stage.call(confirm, request).await;
    assert_eq!(allowed["state"], "POINT_EXCHANGE_COUPON_SUCCESS");
    let coupon_code = text(&allowed["coupon_code"]);
    let records = json!(stage.state("exchange_records").await).to_string();
    assert!(records.contains(&coupon_code), "{records}");

    let mut request = asks(stage).await;
    request["result"] = json!("POINT_EXCHANGE_COUPON_REJECT");
    request["reject_reason"] = json!("积分已用完");
    let rejected = stage.call(confirm, request).await;
    assert_eq!(rejected["state"], "POINT_EXCHANGE_COUPON_FAIL");
    assert_eq!(rejected["reject_reason"], "积分已用完");
    assert_eq!(rejected["coupon_code"], Value::Null);

    stage.set(json!({ "coupon_issuing_fails": true })).await;
    let request = asks(stage).await;
    let failed = stage.call(confirm, request).await;
    assert_eq!(failed["state"], "POINT_EXCHANGE_COUPON_FAIL");
    assert!(!text(&failed["fail_reason"]).is_empty());
    stage.set(json!({ "coupon_issuing_fails": false })).await;
    // A member may ask five times a day.
    let day = json!({ "advance_seconds": 86_400 });
    stage.world().order("POST", "/clock", &day).await;
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
