//! Members: join, are confirmed, change, leave, are imported.

use serde_json::{Value, json};

use super::Stage;
use super::templates::Template;

const PHONE: &str = "13800000417";
/// Whom WeChat knows the number of.
const PHONE_OPENID: &str = "oUpF8uP5nE8yVb2KjW5rLmT0aZcE";
const LONG_AGO: &str = "2024-11-03T10:00:00+08:00";

/// What a user fills in.
fn form() -> Value {
    json!({
        "common_field_list": [
            { "name": "USER_FORM_FLAG_SEX", "value": "女" },
            { "name": "USER_FORM_FLAG_BIRTHDAY", "value": "1996-08-17" },
        ],
        "custom_field_list": [{ "name": "Favourite drink", "user_chosen_values": ["Tea"] }],
    })
}

/// A user joins in the component; returns what names the card, with a code of the merchant where WeChat gives none.
async fn joins(stage: &Stage<'_, '_>, template: &Template, openid: &str, token: &Value) -> Value {
    let joins = json!({
        "card_id": template.card_id,
        "openid": openid,
        "token": token["token"],
        "phone_number": PHONE,
        "user_information": form(),
    });
    let joined = stage.act("join", joins).await;
    assert_eq!(joined["user_card_state"], "UNACTIVATED");
    let given = joined.get("user_card_code");
    json!({
        "user_card_code": given.unwrap_or(&json!(format!("HT-{openid}"))),
        "card_id": template.card_id,
        "openid": openid,
    })
}

/// A user joins, becomes a member, changes level and is ended.
pub(super) async fn join_and_leave(stage: &mut Stage<'_, '_>, template: &Template) {
    let openid = stage.caller.openid;
    let user = json!({ "card_id": template.card_id, "openid": openid });
    let token = stage.call("pre_auth_tokens.create", user).await;
    let names = joins(stage, template, openid, &token).await;

    let confirmed = stage.call("user_cards.confirm", names.clone()).await;
    assert_eq!(confirmed["user_card_state"], "EFFECTIVE");
    assert_eq!(confirmed["user_card_code"], names["user_card_code"]);
    assert_eq!(confirmed["level"], "Silver");
    assert_eq!(confirmed["attach"], "crm=881204");
    assert_eq!(confirmed["phone_number"], PHONE);
    assert_eq!(confirmed["user_information"], form());
    stage
        .reads("user_cards.get", names.clone(), &confirmed)
        .await;

    let mut change = names.clone();
    change["phone_number"] = json!("13900000418");
    change["user_information"] = json!({
        "common_field_list": [{ "name": "USER_FORM_FLAG_BIRTHDAY", "value": "1996-08-18" }],
        "custom_field_list": [{ "name": "Favourite drink", "user_chosen_values": ["Coffee"] }],
    });
    let updated = stage.call("user_cards.update", change).await;
    assert_eq!(updated["level"], "Gold");
    assert_eq!(updated["card_color"], "#C9A227");
    assert_eq!(updated["attach"], "crm=881204;tier=2");
    assert_eq!(updated["phone_number"], "13900000418");
    stage.reads("user_cards.get", names.clone(), &updated).await;
    let list = json!({ "openid": openid });
    let found = stage.call("user_cards.list", list.clone()).await;
    assert_eq!(found["total_count"], 1);
    assert_eq!(found["data"], json!([updated]));

    let ended = stage.call("user_cards.invalidate", names.clone()).await;
    assert_eq!(ended["user_card_state"], "INVALID");
    assert_eq!(ended["invalid_reason"], "Member asked to leave");
    stage.reads("user_cards.get", names, &ended).await;
    let found = stage.call("user_cards.list", list).await;
    assert_eq!(found["total_count"], 0);
    let list = json!({ "openid": openid, "user_card_state": "INVALID" });
    let found = stage.call("user_cards.list", list).await;
    assert!(found["data"].as_array().unwrap().contains(&ended));
}

/// The code of the imported member.
pub(super) fn imported_code(stage: &Stage<'_, '_>) -> String {
    format!("HT-2019-000815-{}", stage.caller.mark)
}

/// A member of the merchant's own programme is a member at once.
pub(super) async fn import(stage: &mut Stage<'_, '_>, template: &Template) {
    let names = json!({
        "user_card_code": imported_code(stage),
        "card_id": template.card_id,
        "openid": stage.caller.imported_openid,
    });
    let mut request = names.clone();
    request["phone_number"] = json!(PHONE);
    request["user_information"] = form();
    request["valid_date_information"] = template.validity.clone();
    request["pickup_time"] = json!(LONG_AGO);
    let imported = stage.call("user_cards.import_by_openid", request).await;
    assert_eq!(imported["user_card_state"], "EFFECTIVE");
    assert_eq!(imported["level"], "Silver");
    assert_eq!(imported["phone_number"], PHONE);
    assert_eq!(imported["user_information"], form());
    assert_eq!(imported["pickup_time"], LONG_AGO);
    stage.reads("user_cards.get", names, &imported).await;
}

/// A member is imported by number; WeChat knows whose it is. Where the code opens a mini program, that can show the
/// payment code.
pub(super) async fn import_by_phone(stage: &mut Stage<'_, '_>, template: &Template) {
    let user = json!({ "openid": PHONE_OPENID, "phone_number": PHONE });
    stage.act("user", user).await;
    let names = json!({
        "user_card_code": "HT-2019-000816",
        "card_id": template.card_id,
        "openid": PHONE_OPENID,
    });
    let request = json!({
        "card_id": template.card_id,
        "phone_number": PHONE,
        "user_information": form(),
        "date_information": template.validity,
    });
    let imported = stage.call("user_cards.import_by_phone", request).await;
    assert_eq!(imported["user_card_state"], "EFFECTIVE");
    assert_eq!(imported["openid"], PHONE_OPENID);
    assert_eq!(imported["phone_number"], PHONE);
    let mut read = stage.call("user_cards.get", names).await;
    for since in ["create_time", "modify_time"] {
        assert!(read.as_object_mut().unwrap().remove(since).is_some());
    }
    assert_eq!(read, imported);

    if template.opens_mini_program {
        let user = json!({ "card_id": template.card_id, "openid": PHONE_OPENID });
        let token = stage.call("pay_view_tokens.create", user).await;
        let open = json!({ "token": token["token"] });
        let opened = stage.act("open-payment-code", open).await;
        assert_eq!(opened, json!({ "opened": true }));
    }
}

/// A token of the earlier call is as good as one of today's.
pub(super) async fn older_token(stage: &mut Stage<'_, '_>, template: &Template) {
    let openid = "oUpF8uO7xQ7yVb2KjW5rLmT0aZcE";
    let user = json!({ "card_id": template.card_id, "openid": openid });
    let token = stage.call("open_user_card_tokens.create", user).await;
    let names = joins(stage, template, openid, &token).await;
    let mut request = names.clone();
    request["user_card_confirm_state"] = json!("CREATE_CARD_FAIL");
    let failed = stage.call("user_cards.confirm", request).await;
    assert_eq!(failed["user_card_state"], "INVALID");
    stage.reads("user_cards.get", names, &failed).await;
}
