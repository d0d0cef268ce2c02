//! Members and tokens to join.

use serde_json::{Value, json};

use super::{
    Codes, ENDED, Row, STRANGER, WAITING, at_the_door, field, member_state, parameter,
    template_state, there, unknown,
};
use crate::demo::BRAND;
use crate::walk_brand::Stage;

pub(super) fn rows(stage: &Stage<'_, '_>, codes: &Codes) -> Vec<Row> {
    let no_member = unknown("MEMBER_NOT_FOUND");
    let card_id = BRAND.card_id;
    let demo = |live: Value| {
        let mut request = json!({
            "card_id": card_id,
            "openid": BRAND.openid,
            "user_card_code": BRAND.code,
        });
        request
            .as_object_mut()
            .unwrap()
            .extend(live.as_object().unwrap().clone());
        request
    };
    let waiting = format!("{WAITING}{}", stage.caller.mark);
    let ended = format!("{ENDED}{}", stage.caller.mark);
    let waiting = json!({ "openid": waiting, "user_card_code": codes.waiting });
    let ended = json!({ "openid": ended, "user_card_code": codes.ended });
    let stranger = json!({ "openid": STRANGER });
    let no_code = json!({ "user_card_code": "000000000000" });
    let no_openid = json!({ "openid": "not an openid" });
    let moved = json!({ "valid_date_information": { "type": "FIX_TERM", "available_day_after_receive": 9 } });
    let form = json!({
        "user_information": {
            "common_field_list": [{ "name": "USER_FORM_FLAG_EMAIL", "value": "mei@example.com" }],
        },
    });
    let user = json!({ "card_id": card_id, "openid": BRAND.openid });
    let no_card = json!({ "card_id": "pNoSuchCard", "openid": STRANGER });
    vec![
        ("user_cards.get", demo(no_code.clone()), no_member.clone()),
        ("user_cards.get", demo(stranger.clone()), no_member.clone()),
        ("user_cards.get", demo(no_openid.clone()), field("openid")),
        ("user_cards.list", no_openid, field("openid")),
        (
            "user_cards.list",
            json!({ "limit": 0 }),
            at_the_door(&["limit"]),
        ),
        ("user_cards.update", demo(no_code), no_member.clone()),
        ("user_cards.update", demo(waiting.clone()), member_state()),
        ("user_cards.update", demo(ended.clone()), member_state()),
        (
            "user_cards.update",
            demo(moved),
            parameter(&["valid_date_information.type"]),
        ),
        (
            "user_cards.update",
            demo(form),
            parameter(&["user_information.common_field_list"]),
        ),
        ("user_cards.invalidate", demo(stranger), no_member.clone()),
        ("user_cards.invalidate", demo(ended), member_state()),
        // There is nothing to confirm, the code is WeChat's, or taken.
        ("user_cards.confirm", demo(json!({})), no_member),
        (
            "user_cards.confirm",
            demo(json!({ "openid": waiting["openid"], "user_card_code": "HT-1" })),
            field("user_card_code"),
        ),
        (
            "user_cards.import_by_openid",
            demo(json!({ "user_card_code": "HT-1", "phone_number": null })),
            there(),
        ),
        (
            "user_cards.import_by_openid",
            demo(json!({ "openid": STRANGER, "phone_number": null })),
            there(),
        ),
        (
            "user_cards.import_by_openid",
            demo(json!({ "openid": STRANGER, "user_card_code": "会员" , "phone_number": null })),
            at_the_door(&["user_card_code"]),
        ),
        ("pre_auth_tokens.create", user, there()),
        ("pre_auth_tokens.create", no_card, template_state()),
    ]
}
