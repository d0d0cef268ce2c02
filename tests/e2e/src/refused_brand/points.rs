//! Feeds, points, and coupons for points.

use serde_json::{Value, json};
use tonic::Code;

use super::{Codes, Row, WAITING, field, number_used, parameter, told, unknown};
use crate::demo::BRAND;
use crate::walk_brand::Stage;

pub(super) fn rows(stage: &Stage<'_, '_>, codes: &Codes) -> Vec<Row> {
    let no_member = unknown("MEMBER_NOT_FOUND");
    let names = json!({
        "card_id": BRAND.card_id,
        "openid": BRAND.openid,
        "user_card_code": BRAND.code,
    });
    let with = |live: Value| {
        let mut request = names.clone();
        request
            .as_object_mut()
            .unwrap()
            .extend(live.as_object().unwrap().clone());
        request
    };
    let waiting = format!("{WAITING}{}", stage.caller.mark);
    let used = stage.number(1);
    vec![
        (
            "user_feeds.create",
            with(json!({ "user_card_code": "HT-1" })),
            told(Code::NotFound, "MEMBER_NOT_FOUND"),
        ),
        (
            "user_feeds.create",
            with(json!({ "openid": waiting, "user_card_code": codes.waiting })),
            told(Code::NotFound, "MEMBER_NOT_FOUND"),
        ),
        (
            "user_feeds.create",
            with(json!({ "cell": "1__400" })),
            parameter(&["cell"]),
        ),
        (
            "user_feeds.create",
            with(json!({ "out_request_no": used })),
            told(Code::AlreadyExists, "REQUEST_NUMBER_USED")
                .upstream("400", "ALREADY_EXISTS")
                .may_have_executed(),
        ),
        (
            "user_points.sync",
            with(json!({ "out_request_no": used, "point_balance": 1451 })),
            number_used("PARAM_ERROR"),
        ),
        (
            "user_points.sync",
            with(json!({ "user_card_code": "HT-1" })),
            no_member,
        ),
        (
            "user_points.sync",
            with(json!({ "openid": "not an openid" })),
            field("openid"),
        ),
        (
            "user_points.exchange_coupon_confirm",
            with(json!({})),
            unknown("RESOURCE_NOT_FOUND"),
        ),
        (
            "user_points.exchange_coupon_confirm",
            with(json!({ "result": "POINT_EXCHANGE_COUPON_REJECT" })),
            parameter(&["reject_reason"]),
        ),
    ]
}
