//! Members: join, are confirmed, change, leave, are imported.

use serde_json::{Value, json};

use super::{Stage, text};

const PHONE: &str = "13800000417";

/// A user joins in the component, becomes a member, changes level and is ended.
pub(super) async fn join_and_leave(stage: &mut Stage<'_, '_>, card_id: &str) {
    let openid = stage.caller.openid;
    let user = json!({ "card_id": card_id, "openid": openid });
    let token = stage.call("pre_auth_tokens.create", user).await;
    let form = json!({
        "common_field_list": [
            { "name": "USER_FORM_FLAG_SEX", "value": "女" },
            { "name": "USER_FORM_FLAG_BIRTHDAY", "value": "1996-08-17" },
        ],
        "custom_field_list": [{ "name": "Favourite drink", "user_chosen_values": ["Tea"] }],
    });
    let joins = json!({
        "card_id": card_id,
        "openid": openid,
        "token": token["token"],
        "phone_number": PHONE,
        "user_information": form,
    });
    let joined = stage.act("join", joins).await;
    assert_eq!(joined["user_card_state"], "UNACTIVATED");
    let names = json!({
        "user_card_code": joined["user_card_code"],
        "card_id": card_id,
        "openid": openid,
    });

    let confirmed = stage.call("user_cards.confirm", names.clone()).await;
    assert_eq!(confirmed["user_card_state"], "EFFECTIVE");
    assert_eq!(confirmed["level"], "Silver");
    assert_eq!(confirmed["attach"], "crm=881204");
    assert_eq!(confirmed["phone_number"], PHONE);
    assert_eq!(confirmed["user_information"], form);
    stage.reads("user_cards.get", names.clone(), &confirmed).await;

    let mut change = names.clone();
    change["phone_number"] = json!("13900000418");
    change["user_information"] = json!({
        "common_field_list": [{ "name": "USER_FORM_FLAG_BIRTHDAY", "value": "1996-08-18" }],
    });
    let updated = stage.call("user_cards.update", change).await;
    assert_eq!(updated["level"], "Gold");
    assert_eq!(updated["card_color"], "#C9A227");
    assert_eq!(updated["attach"], "crm=881204;tier=2");
    assert_eq!(updated["phone_number"], "13900000418");
    stage.reads("user_cards.get", names.clone(), &updated).await;
    let list = stage.call("user_cards.list", json!({ "openid": openid })).await;
    assert_eq!(list["total_count"], 1);
    assert_eq!(list["data"], json!([updated]));

    let ended = stage.call("user_cards.invalidate", names.clone()).await;
    assert_eq!(ended["user_card_state"], "INVALID");
    assert_eq!(ended["invalid_reason"], "Member asked to leave");
    stage.reads("user_cards.get", names, &ended).await;
    let list = stage.call("user_cards.list", json!({ "openid": openid })).await;
    assert_eq!(list["total_count"], 0);
}

/// The code of the imported member.
pub(super) fn imported_code(stage: &Stage<'_, '_>) -> String {
    format!("HT-2019-000815-{}", stage.caller.mark)
}

/// A member of the merchant's own programme is a member at once.
pub(super) async fn import(stage: &mut Stage<'_, '_>, card_id: &str) {
    let names = json!({
        "user_card_code": imported_code(stage),
        "card_id": card_id,
        "openid": stage.caller.imported_openid,
    });
    let mut request = names.clone();
    request["phone_number"] = json!(PHONE);
    let imported = stage.call("user_cards.import_by_openid", request).await;
    assert_eq!(imported["user_card_state"], "EFFECTIVE");
    assert_eq!(imported["level"], "Silver");
    assert_eq!(imported["phone_number"], PHONE);
    stage.reads("user_cards.get", names, &imported).await;
}

/// A member is imported by number; WeChat knows whose it is. The payment code of such a member can be opened once.
pub(super) async fn import_by_phone(stage: &mut Stage<'_, '_>, card_id: &str) {
    let openid = "oUpF8uP5nE8yVb2KjW5rLmT0aZcE";
    let user = json!({ "openid": openid, "phone_number": PHONE });
    stage.act("user", user).await;
    let request = json!({
        "card_id": card_id,
        "phone_number": PHONE,
        "user_card_code": "HT-2019-000816",
        "date_information": { "type": "FIX_TERM", "available_day_after_receive": 3650 },
    });
    let imported = stage.call("user_cards.import_by_phone", request).await;
    assert_eq!(imported["user_card_state"], "EFFECTIVE");
    assert_eq!(imported["openid"], openid);
    assert_eq!(imported["phone_number"], PHONE);
    let names = json!({
        "user_card_code": "HT-2019-000816",
        "card_id": card_id,
        "openid": openid,
    });
    let mut read = stage.call("user_cards.get", names).await;
    for since in ["create_time", "modify_time"] {
        assert!(read.as_object_mut().unwrap().remove(since).is_some());
    }
    assert_eq!(read, imported);

    let user = json!({ "card_id": card_id, "openid": openid });
    let token = stage.call("pay_view_tokens.create", user).await;
    let open = json!({ "token": token["token"] });
    let opened = stage.act("open-payment-code", open).await;
    assert_eq!(opened, json!({ "opened": true }));
}

/// A token of the earlier call is as good as one of today's.
pub(super) async fn older_token(stage: &mut Stage<'_, '_>, card_id: &str) {
    let openid = stage.caller.openid;
    let user = json!({ "card_id": card_id, "openid": openid });
    let token = stage.call("open_user_card_tokens.create", user).await;
    assert!(!text(&token["token"]).is_empty());
    let joins = json!({
        "card_id": card_id,
        "openid": openid,
        "token": token["token"],
        "phone_number": PHONE,
        "user_information": {
            "common_field_list": [
                { "name": "USER_FORM_FLAG_SEX", "value": "女" },
                { "name": "USER_FORM_FLAG_BIRTHDAY", "value": "1996-08-17" },
            ],
            "custom_field_list": [{ "name": "Favourite drink", "user_chosen_values": ["Coffee"] }],
        },
    });
    let joined = stage.act("join", joins).await;
    assert_eq!(joined["user_card_state"], "UNACTIVATED");
    assert_eq!(joined["user_card_code"], Value::Null);
    // The merchant gives the code.
    let names = json!({
        "user_card_code": "HT-2026-000001",
        "card_id": card_id,
        "openid": openid,
    });
    let confirmed = stage.call("user_cards.confirm", names.clone()).await;
    assert_eq!(confirmed["user_card_code"], "HT-2026-000001");
    assert_eq!(confirmed["user_card_state"], "EFFECTIVE");
    stage.reads("user_cards.get", names, &confirmed).await;
}
