//! Codes, deposits and lists.

use kabao_models::official_account::{code, user};
use serde_json::json;

use super::super::Claim;
use super::super::core::testing::{CARD, CODE};
use super::super::testing::{Site, act};
use super::{Produced, approved};

pub(super) fn codes(produced: &mut Produced) {
    let site = Site::new();
    let custom = approved(&site, &json!({"use_custom_code": true}));
    let deposit = approved(
        &site,
        &json!({"use_custom_code": true, "get_custom_code_mode": "GET_CUSTOM_CODE_MODE_DEPOSIT", "sku": {"quantity": 0}}),
    );
    let own = |code: &str| Claim {
        card_id: custom.clone(),
        openid: format!("o{code}"),
        code: Some(code.into()),
        ..Claim::default()
    };
    for held in ["M1", "M2", "M3"] {
        act(&site, |core, context| core.claim(context, &own(held)));
    }
    let encrypted = act(&site, |core, _| {
        Ok(core.encrypt_code(&(custom.clone(), "M3".into())))
    });
    act(&site, |core, context| core.consume(context, &custom, "M1"));
    act(&site, |core, context| {
        core.delete_user_card(context, &custom, "M2")
    });
    for operation in [
        &code::GET_CODE,
        &code::SET_CODE_UNAVAILABLE,
        &code::UPDATE_CODE,
    ] {
        let ask =
            |card_id: &str, held: &str| json!({"card_id": card_id, "code": held, "new_code": "M9"});
        produced.case(&site, operation, &ask(&custom, "none"), 40056);
        produced.case(&site, operation, &ask("none", "M1"), 40073);
        produced.case(&site, operation, &ask(&custom, "含有汉字"), 40116);
        produced.case(&site, operation, &ask(&custom, "M2"), 40127);
        if operation.id != code::UPDATE_CODE.id {
            produced.case(&site, operation, &ask(&custom, "M1"), 40099);
        }
    }
    produced.case(&site, &code::GET_CODE, &json!({}), 41011);
    produced.case(
        &site,
        &code::UPDATE_CODE,
        &json!({"code": CODE, "new_code": "M9"}),
        43009,
    );
    produced.case(
        &site,
        &code::DECRYPT_CODE,
        &json!({"encrypt_code": "unknown"}),
        40075,
    );
    site.call(
        "/card/code/update",
        &json!({"card_id": custom, "code": "M3", "new_code": "M4"}),
    );
    produced.case(
        &site,
        &code::DECRYPT_CODE,
        &json!({"encrypt_code": encrypted}),
        40116,
    );

    let import = |card_id: &str| json!({"card_id": card_id, "code": ["N1"]});
    for operation in [&code::DEPOSIT_CODES, &code::CHECK_CODES] {
        produced.case(&site, operation, &json!({"code": ["N1"]}), 41012);
        produced.case(&site, operation, &json!({"card_id": deposit}), 41011);
        produced.case(&site, operation, &import("none"), 40073);
    }
    produced.case(&site, &code::DEPOSIT_CODES, &import(CARD), 43009);
    produced.case(&site, &code::DEPOSIT_CODES, &import(&custom), 40078);
    produced.case(&site, &code::GET_DEPOSIT_COUNT, &json!({}), 41012);
    produced.case(
        &site,
        &code::GET_DEPOSIT_COUNT,
        &json!({"card_id": "none"}),
        40073,
    );
    produced.case(
        &site,
        &user::LIST_USER_CARDS,
        &json!({"openid": "not an openid"}),
        40003,
    );
    produced.case(
        &site,
        &user::LIST_USER_CARDS,
        &json!({"openid": "oOne", "card_id": "none"}),
        40073,
    );
}
