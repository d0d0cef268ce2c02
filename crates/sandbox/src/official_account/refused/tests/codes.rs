//! Codes, deposits and lists.

use kabao_models::official_account::{code, user};
use serde_json::json;

use super::super::super::Claim;
use super::super::super::testing::{CARD, CODE};
use super::super::super::testing::{Site, act, claim};
use super::{Produced, approved, foreign};
use crate::settings::Permit;

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
        core.delete_member(context, &custom, "M2")
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

/// `code/consume`: of member cards only where the setting says so.
pub(super) fn redemption(produced: &mut Produced) {
    let site = Site::new();
    let consume = &code::CONSUME_CODE;
    let ask = |card_id: &str, held: &str| json!({"card_id": card_id, "code": held});
    produced.case(&site, consume, &ask(CARD, CODE), 40071);
    produced.case(&site, consume, &ask("none", CODE), 40073);
    produced.case(&site, consume, &ask(CARD, "000000000000"), 40056);
    produced.case(&site, consume, &ask(CARD, "含有汉字"), 40116);
    produced.case(&site, consume, &json!({}), 41011);
    produced.case(&site, consume, &ask(&foreign(&site), CODE), 45030);
    let custom = approved(&site, &json!({"use_custom_code": true}));
    let own = Claim {
        card_id: custom,
        openid: "oOwn".into(),
        code: Some("M7".into()),
        ..Claim::default()
    };
    act(&site, |core, context| core.claim(context, &own));
    produced.case(&site, consume, &json!({"code": "M7"}), 41012);
    site.rules(|rules| rules.consume_member_card = Permit::Accept);
    produced.case(&site, consume, &ask(CARD, CODE), 0);
    produced.case(&site, consume, &ask(CARD, CODE), 40099);
    let later = json!({"type": "DATE_TYPE_FIX_TERM", "fixed_term": 1, "fixed_begin_term": 1});
    let waiting = approved(&site, &json!({"date_info": later}));
    let held = claim(&site, &waiting, "oOne");
    produced.case(&site, consume, &ask(&waiting, &held), 40079);
    act(&site, |core, context| {
        core.delete_member(context, &waiting, &held)
    });
    produced.case(&site, consume, &ask(&waiting, &held), 40127);
    let ended = approved(&site, &json!({}));
    let held = claim(&site, &ended, "oOne");
    act(&site, |core, context| core.delete_template(context, &ended));
    produced.case(&site, consume, &ask(&ended, &held), 40078);
}
