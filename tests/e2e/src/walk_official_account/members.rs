//! Members: joined, activated, changed; and those who fill in a form.

use serde_json::json;

use super::{act, adapted, approve, text};
use crate::demo::OFFICIAL_ACCOUNT;
use crate::walk::Walk;

/// The member of the examples.
pub(super) const OPENID: &str = "oZb8FtzQk7PpC1dXe0WvNa4BsJmJ";

/// The face of the member's card.
pub(super) const PICTURE: &str = "https://mmbiz.qpic.cn/mmbiz/AbCdEf0123456789/640";

const INFO: &str = "official_account.member.userinfo_get";

/// A user scans the QR code of the example and becomes a member; returns the code.
pub(super) async fn join(walk: &mut Walk<'_>, card_id: &str) -> String {
    let create = "official_account.qrcode.create";
    let request = adapted(
        walk,
        create,
        json!({"action_info": {"card": {"card_id": card_id}}}),
    );
    let qrcode = walk.call(create, request).await;
    assert_eq!(qrcode["expire_seconds"], 1800);
    let claim = json!({
        "card_id": card_id, "openid": OPENID, "nickname": "River", "qr_ticket": qrcode["ticket"],
    });
    let code = text(&act(walk.world(), "claim", claim).await["code"]);
    let get = json!({"card_id": card_id, "code": code});
    let info = walk.call(INFO, get.clone()).await;
    assert_eq!(info["has_active"], false);

    let activate = "official_account.member.activate";
    let mut request = adapted(walk, activate, get.clone());
    request["background_pic_url"] = json!(PICTURE);
    walk.call(activate, request).await;
    let info = walk.call(INFO, get.clone()).await;
    assert_eq!(info["has_active"], true);
    assert_eq!(info["membership_number"], "M0000001");
    assert_eq!(info["bonus"], 100);

    let update = "official_account.member.update_user";
    let updated = walk.call(update, adapted(walk, update, get.clone())).await;
    assert_eq!(updated["openid"], OPENID);
    let info = walk.call(INFO, get).await;
    assert_eq!(info["bonus"], updated["result_bonus"]);
    // The card of the example shows no balance, but the member has one.
    assert_eq!(updated["result_balance"], 0);

    let list = "official_account.user.get_card_list";
    let cards = walk
        .call(list, json!({"openid": OPENID, "card_id": card_id}))
        .await;
    assert_eq!(
        cards["card_list"],
        json!([{"code": code, "card_id": card_id}])
    );
    // The demo member has filled in a form.
    let demo = json!({"card_id": OFFICIAL_ACCOUNT.card_id, "code": OFFICIAL_ACCOUNT.code});
    let info = walk.call(INFO, demo).await;
    assert_eq!(info["user_info"]["custom_field_list"][0]["value"], "乌龙茶");
    code
}

/// A user fills in the form of a card and comes back with a ticket.
pub(super) async fn form(walk: &mut Walk<'_>) {
    let create = "official_account.card.create";
    let card = json!({"card": {"member_card": {"wx_activate_after_submit": true}}});
    let request = adapted(walk, create, card);
    let card_id = text(&walk.call(create, request).await["card_id"]);
    approve(walk.world(), &card_id).await;

    let set = "official_account.member.activate_user_form_set";
    let request = adapted(walk, set, json!({"card_id": card_id}));
    walk.call(set, request).await;

    let url = "official_account.member.activate_get_url";
    let request = adapted(walk, url, json!({"card_id": card_id}));
    let answer = walk.call(url, request).await;
    assert!(text(&answer["url"]).contains("outer_str=miniapp-home"));

    let claim = json!({"card_id": card_id, "openid": OPENID});
    let code = text(&act(walk.world(), "claim", claim).await["code"]);
    let given = json!({
        "common_field_list": [{"name": "USER_FORM_INFO_FLAG_MOBILE", "value": "13800000000"}],
        "custom_field_list": [
            {"name": "Favourite drink", "value": "Tea"},
            {"name": "Seat", "value_list": ["Terrace"]},
        ],
    });
    let submission = json!({"card_id": card_id, "code": code, "user_info": given});
    let submitted = act(walk.world(), "submit-form", submission).await;
    let ticket = json!({"activate_ticket": submitted["activate_ticket"]});
    let id = "official_account.member.activate_temp_info_get";
    let answer = walk.call(id, ticket).await;
    let shown = json!({
        "common_field_list": given["common_field_list"],
        // Every entry has every member; a list that is there and empty stands in `extra`.
        "custom_field_list": [
            {"name": "Favourite drink", "value": "Tea", "extra": {"value_list": "[]"}},
            {"name": "Seat", "value": "", "value_list": ["Terrace"]},
        ],
    });
    assert_eq!(answer["info"], shown);
}
