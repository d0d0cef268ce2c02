//! Members and forms.

use kabao_models::official_account::member;
use serde_json::{Value, json};

use super::super::super::testing::{CARD, CODE, NOW};
use super::super::super::testing::{Site, act};
use super::{Produced, foreign, strict};

pub(super) fn members(produced: &mut Produced) {
    let site = Site::new();
    site.rules(strict);
    let other = foreign(&site);
    let info = &member::GET_USER_INFO;
    produced.case(
        &site,
        info,
        &json!({"card_id": CARD, "code": "000000000000"}),
        40056,
    );
    produced.case(
        &site,
        info,
        &json!({"card_id": "none", "code": CODE}),
        40073,
    );
    produced.case(&site, info, &json!({"card_id": CARD}), 41011);
    produced.case(&site, info, &json!({"code": CODE}), 41012);
    produced.case(&site, info, &json!({"card_id": other, "code": CODE}), 45030);

    let picture = "https://example.com/a.png";
    for (operation, name) in [
        (&member::ACTIVATE_MEMBER, "init_custom_field_value1"),
        (&member::UPDATE_USER, "custom_field_value1"),
    ] {
        let with = |card_id: &str, code: &str, name: &str, value: Value| {
            let mut body = json!({"card_id": card_id, "code": code, "membership_number": "M1"});
            body[name] = value;
            body
        };
        produced.case(
            &site,
            operation,
            &with(CARD, "000000000000", "bonus", json!(1)),
            40056,
        );
        produced.case(
            &site,
            operation,
            &with("none", CODE, "bonus", json!(1)),
            40073,
        );
        produced.case(
            &site,
            operation,
            &with(CARD, &"1".repeat(21), "bonus", json!(1)),
            40116,
        );
        produced.case(
            &site,
            operation,
            &with(CARD, CODE, name, json!("金卡会员员")),
            45021,
        );
        produced.case(
            &site,
            operation,
            &with(CARD, CODE, "background_pic_url", json!(picture)),
            52000,
        );
        produced.case(
            &site,
            operation,
            &json!({"card_id": CARD, "membership_number": "M1"}),
            41011,
        );
    }
    let activate = |begin: i64, end: i64| json!({"code": CODE, "membership_number": "M1", "activate_begin_time": begin, "activate_end_time": end});
    produced.case(&site, &member::ACTIVATE_MEMBER, &activate(1, NOW), 40079);
    produced.case(
        &site,
        &member::ACTIVATE_MEMBER,
        &activate(NOW + 9, NOW + 8),
        40100,
    );
    produced.case(&site, &member::UPDATE_USER, &json!({"code": CODE}), 41012);
    site.rules(|rules| rules.stored_value_permission = false);
    produced.case(
        &site,
        &member::UPDATE_USER,
        &json!({"card_id": CARD, "code": CODE, "balance": 1}),
        43010,
    );
    act(&site, |core, context| core.gift(context, CARD, CODE));
    for operation in [&member::ACTIVATE_MEMBER, &member::UPDATE_USER] {
        let body = json!({"card_id": CARD, "code": CODE, "membership_number": "M1"});
        produced.case(&site, operation, &body, 40127);
    }

    let form = &member::SET_ACTIVATE_USER_FORM;
    let rich = |name: &str| json!({"rich_field_list": [{"type": "FORM_FIELD_RADIO", "name": name, "values": ["一"]}]});
    produced.case(&site, form, &json!({}), 41012);
    produced.case(&site, form, &json!({"card_id": "none"}), 40073);
    produced.case(
        &site,
        form,
        &json!({"card_id": CARD, "required_form": rich("")}),
        41011,
    );
    produced.case(
        &site,
        form,
        &json!({"card_id": CARD, "required_form": rich(&"座".repeat(33))}),
        45021,
    );
    produced.case(&site, &member::GET_ACTIVATE_TEMP_INFO, &json!({}), 41011);
    produced.case(&site, &member::GET_ACTIVATE_URL, &json!({}), 41012);
    produced.case(
        &site,
        &member::GET_ACTIVATE_URL,
        &json!({"card_id": "none"}),
        40073,
    );
}
