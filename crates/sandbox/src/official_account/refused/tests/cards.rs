//! Making and changing cards.

use kabao_models::official_account::card;
use serde_json::{Value, json};

use super::super::super::testing::Site;
use super::super::super::testing::{CARD, NOW, new_card};
use super::{Produced, approved, foreign, strict};
use crate::settings::OfficialAccount;

pub(super) fn cards(produced: &mut Produced) {
    let site = Site::new();
    site.rules(strict);
    let mut create = |pointer: &str, value: Value, expected: i64| {
        let mut card = json!({"card": new_card()});
        match pointer.rsplit_once('/') {
            Some((parent, name)) => card.pointer_mut(parent).unwrap()[name] = value,
            None => card = json!({}),
        }
        produced.case(&site, &card::CREATE_CARD, &card, expected);
    };
    let member = "/card/member_card";
    let base = format!("{member}/base_info");
    create("", Value::Null, 41011);
    create("/card/card_type", json!("CASH"), 40071);
    create(&format!("{base}/code_type"), json!("CODE_TYPE_SONG"), 40072);
    create(
        &format!("{base}/date_info"),
        json!({"type": "DATE_TYPE_NEVER"}),
        40079,
    );
    let reversed = json!({"type": "DATE_TYPE_FIX_TIME_RANGE", "begin_timestamp": NOW + 9, "end_timestamp": NOW + 8});
    create(&format!("{base}/date_info"), reversed, 40100);
    create(
        &format!("{base}/sku"),
        json!({"quantity": 100_000_001}),
        40122,
    );
    create(
        &format!("{base}/title"),
        json!("茶港茶港茶港会员卡卡"),
        45021,
    );
    create(
        &format!("{base}/logo_url"),
        json!("https://example.com/logo.png"),
        52000,
    );
    create(&format!("{member}/custom_field1"), json!({"name": "券"}), 0);
    let slot = json!({"card_cell": {"card_id": "pUnknown", "end_time": NOW + 9}});
    create(&format!("{member}/activate_msg_operation"), slot, 40073);
    site.rules(|rules| rules.refused_texts = vec!["九五折".into()]);
    create(&format!("{member}/discount"), json!(5), 40151);
    site.rules(|rules| {
        (rules.custom_code_permission, rules.stored_value_permission) = (false, false)
    });
    create(&format!("{base}/use_custom_code"), json!(true), 43009);
    create(&format!("{base}/use_custom_code"), json!(false), 43010);
    let mut four = json!({"card": new_card()});
    four["card"]["member_card"]["custom_field1"] = json!({"name": "券"});
    four["card"]["member_card"]["custom_field2"] = json!({"name": "券"});
    site.rules(|rules| *rules = OfficialAccount::default());
    produced.case(&site, &card::CREATE_CARD, &four, 40124);

    let other = foreign(&site);
    let on_card = [
        &card::GET_CARD,
        &card::DELETE_CARD,
        &card::MODIFY_CARD_STOCK,
    ];
    for operation in on_card {
        produced.case(&site, operation, &json!({}), 41012);
        produced.case(&site, operation, &json!({"card_id": "none"}), 40073);
        produced.case(&site, operation, &json!({"card_id": other}), 45030);
    }
    produced.case(
        &site,
        &card::MODIFY_CARD_STOCK,
        &json!({"card_id": CARD, "reduce_stock_value": 99_999}),
        40122,
    );
    site.call("/card/delete", &json!({"card_id": CARD}));
    produced.case(&site, &card::DELETE_CARD, &json!({"card_id": CARD}), 40078);
}

pub(super) fn changes(produced: &mut Produced) {
    let site = Site::new();
    site.rules(strict);
    let ranged = approved(
        &site,
        &json!({"date_info": {"type": "DATE_TYPE_FIX_TIME_RANGE", "begin_timestamp": NOW, "end_timestamp": NOW + 900}}),
    );
    let other = foreign(&site);
    let update = &card::UPDATE_CARD;
    let mut change = |site: &Site, card_id: &str, change: Value, expected: i64| {
        produced.case(
            site,
            update,
            &json!({"card_id": card_id, "member_card": change}),
            expected,
        );
    };
    change(&site, "none", json!({}), 40073);
    change(&site, &other, json!({}), 45030);
    change(
        &site,
        CARD,
        json!({"base_info": {"brand_name": "改名"}}),
        40053,
    );
    change(
        &site,
        CARD,
        json!({"base_info": {"code_type": "CODE_TYPE_SONG"}}),
        40072,
    );
    let range = |end: i64| json!({"base_info": {"date_info": {"type": "DATE_TYPE_FIX_TIME_RANGE", "end_timestamp": end}}});
    change(&site, CARD, range(NOW + 9), 40079);
    change(&site, &ranged, range(NOW + 9), 40100);
    let field = json!({"name": "券"});
    change(
        &site,
        CARD,
        json!({"custom_field2": field, "custom_field3": field}),
        40124,
    );
    change(
        &site,
        CARD,
        json!({"base_info": {"notice": "出示此卡".repeat(5)}}),
        45021,
    );
    change(
        &site,
        CARD,
        json!({"background_pic_url": "https://example.com/a.png"}),
        52000,
    );
    site.rules(|rules| rules.refused_texts = vec!["送一百".into()]);
    change(&site, CARD, json!({"prerogative": "买一送一百"}), 40151);
    site.rules(|rules| rules.stored_value_permission = false);
    change(&site, CARD, json!({"supply_balance": true}), 43010);
    produced.case(&site, update, &json!({"card_id": CARD}), 41011);
    produced.case(&site, update, &json!({"member_card": {}}), 41012);

    let message = &card::UPDATE_CARD_MESSAGE;
    let slot = |end_time: i64| json!({"modify_msg_operation": {"card_cell": {"card_id": CARD, "end_time": end_time}}});
    for (body, expected) in [
        (json!({"member_card": slot(NOW + 9)}), 41012),
        (
            json!({"card_id": CARD, "member_card": {"modify_msg_operation": {}}}),
            41011,
        ),
        (
            json!({"card_id": "none", "member_card": slot(NOW + 9)}),
            40073,
        ),
        (
            json!({"card_id": other, "member_card": slot(NOW + 9)}),
            45030,
        ),
        (json!({"card_id": CARD, "member_card": slot(NOW)}), 40079),
    ] {
        produced.case(&site, message, &body, expected);
    }
    site.call("/card/delete", &json!({"card_id": CARD}));
    produced.case(
        &site,
        update,
        &json!({"card_id": CARD, "member_card": {}}),
        40078,
    );
}
