//! QR codes, pay rules and reports.

use kabao_models::official_account::{
    datacube, pay_gift_card, pay_gift_member_card as old_rules, qrcode,
};
use serde_json::{Value, json};

use super::super::super::Claim;
use super::super::super::testing::{CARD, NOW, new_card};
use super::super::super::testing::{Site, act};
use super::{Produced, approved, foreign};

pub(super) fn qrcodes(produced: &mut Produced) {
    let site = Site::new();
    let custom = approved(&site, &json!({"use_custom_code": true}));
    let empty = approved(&site, &json!({"sku": {"quantity": 0}}));
    let other = foreign(&site);
    let taken = Claim {
        card_id: custom.clone(),
        openid: "oOne".into(),
        code: Some("M1".into()),
        ..Claim::default()
    };
    act(&site, |core, context| core.claim(context, &taken));
    let waiting = site.call("/card/create", &json!({"card": new_card()}))["card_id"].clone();
    for (scene, expected) in [
        (json!({"card_id": "none"}), 40073),
        (json!({}), 41012),
        (json!({"card_id": other}), 45030),
        (json!({"card_id": custom}), 41011),
        (json!({"card_id": custom, "code": "M1"}), 40056),
        (json!({"card_id": custom, "code": "含有汉字"}), 40116),
        (json!({"card_id": waiting, "is_unique_code": true}), 40078),
        (json!({"card_id": empty, "is_unique_code": true}), 45031),
    ] {
        let body = json!({"action_name": "QR_CARD", "action_info": {"card": scene}});
        produced.case(&site, &qrcode::CREATE_QRCODE, &body, expected);
    }
    let body = json!({"action_name": "QR_SONG", "action_info": {}});
    produced.case(&site, &qrcode::CREATE_QRCODE, &body, 40053);
}

pub(super) fn rules(produced: &mut Produced) {
    let site = Site::new();
    let other = foreign(&site);
    let custom = approved(&site, &json!({"use_custom_code": true}));
    let waiting = site.call("/card/create", &json!({"card": new_card()}))["card_id"].clone();
    let old = |card_id: &Value, begin: i64, end: i64| json!({"card_id": card_id, "mchid_list": ["1"], "begin_time": begin, "end_time": end, "min_cost": 1, "max_cost": 2});
    let new = |card_id: &Value, begin: i64, end: i64| {
        json!({"rule_info": {"type": "RULE_TYPE_PAY_MEMBER_CARD",
            "base_info": {"mchid_list": ["1"], "begin_time": begin, "end_time": end},
            "member_rule": {"card_id": card_id, "least_cost": 1, "max_cost": 2}}})
    };
    let later = NOW + 9;
    let (add_old, add_new) = (
        &old_rules::ADD_PAY_GIFT_MEMBER_CARD,
        &pay_gift_card::ADD_PAY_GIFT_CARD,
    );
    for (card_id, begin, end, expected) in [
        (json!("none"), NOW, later, 40073),
        (json!(other), NOW, later, 45030),
        (waiting, NOW, later, 40078),
        (json!(CARD), 1, NOW, 40079),
        (json!(CARD), later, NOW, 40100),
        (json!(""), NOW, later, 41012),
    ] {
        produced.case(&site, add_old, &old(&card_id, begin, end), expected);
        produced.case(&site, add_new, &new(&card_id, begin, end), expected);
    }
    produced.case(&site, add_old, &old(&json!(custom), NOW, later), 43009);
    produced.case(&site, add_old, &json!({"card_id": CARD}), 41011);
    produced.case(&site, add_new, &json!({}), 41011);
    site.rules(|rules| rules.bound_merchant_ids = vec!["2".into()]);
    produced.case(&site, add_old, &old(&json!(CARD), NOW, later), 72002);
    produced.case(&site, add_new, &new(&json!(CARD), NOW, later), 72002);
    let delete = &old_rules::DELETE_PAY_GIFT_MEMBER_CARD;
    for (body, expected) in [
        (json!({"mchid_list": ["1"]}), 41012),
        (json!({"card_id": CARD}), 41011),
        (json!({"card_id": "none", "mchid_list": ["1"]}), 40073),
        (json!({"card_id": other, "mchid_list": ["1"]}), 45030),
    ] {
        produced.case(&site, delete, &body, expected);
    }
    for operation in [
        &old_rules::GET_PAY_GIFT_MEMBER_CARD,
        &pay_gift_card::DELETE_PAY_GIFT_CARD,
        &pay_gift_card::GET_PAY_GIFT_CARD,
        &pay_gift_card::BATCH_GET_PAY_GIFT_CARDS,
    ] {
        produced.case(&site, operation, &json!({}), 41011);
    }
}

pub(super) fn reports(produced: &mut Produced) {
    let site = Site::new();
    for operation in [
        &datacube::GET_MEMBER_CARD_INFO,
        &datacube::GET_MEMBER_CARD_DETAIL,
    ] {
        let ask = |begin: &str, end: &str| json!({"begin_date": begin, "end_date": end, "cond_source": 1, "card_id": CARD});
        produced.case(&site, operation, &ask("2025/12/01", "2025-12-02"), 61500);
        produced.case(&site, operation, &ask("2025-12-02", "2025-12-01"), 61501);
    }
    let body = json!({"begin_date": "2025-12-01", "end_date": "2025-12-02", "card_id": "none"});
    produced.case(&site, &datacube::GET_MEMBER_CARD_DETAIL, &body, 40073);
}
