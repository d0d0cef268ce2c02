//! The life of a card, told by a program: made, approved, claimed, activated, changed, listed, ended.

use serde_json::{Value, json};

use crate::callers::number;
use crate::gateway::Gateway;
use crate::ledger::{effects_of_request, effects_with};

/// The rules for every program: `language` and `run` make up the request numbers and openids of its stories.
#[track_caller]
pub(crate) fn check(gateway: &Gateway, lives: &Value, language: &str, run: &str) {
    let mark = format!("{language}{run}");
    merchant(gateway, &lives["merchant"], &mark);
    brand(gateway, &lives["brand"], &mark, run);
    official_account(gateway, &lives["official_account"], &mark);
    let templates = format!("life-{mark}");
    assert_eq!(
        effects_of_request(gateway, &templates),
        2,
        "merchant and brand each made one template"
    );
}

#[track_caller]
fn merchant(gateway: &Gateway, life: &Value, mark: &str) {
    ends(&life["created"]["status"], "NOT_APPROVE");
    let status = |step: &str| life[step]["userCardStatus"].clone();
    ends(&status("claimed"), "NOT_ACTIVATE");
    ends(&status("active"), "EFFECTIVE");
    assert_eq!(life["active"]["level"], "白银会员", "{life}");
    assert_eq!(life["changed"]["level"], "黄金会员", "{life}");
    assert_eq!(number(&life["changed"]["balance"]), 100, "{life}");
    adjusted(&life["earned"], 0, 30);
    adjusted(&life["spent"], 100, 60);
    assert_eq!(number(&life["ended"]["balance"]), 60, "{life}");
    assert_eq!(number(&life["ended"]["bonusValue"]), 30, "{life}");
    assert_eq!(
        life["listed"]["data"],
        json!([{"cardId": life["created"]["cardId"], "code": life["claimed"]["code"]}]),
    );
    let imported = &life["import"]["code"];
    assert_ne!(imported, &Value::Null, "{life}");
    assert_ne!(imported, &life["claimed"]["code"], "{life}");
    ends(&status("ended"), "UNAVAILABLE");
    ends(&life["deleted"]["status"], "DELETED");
    // Two cards were given out.
    assert_eq!(number(&life["deleted"]["remainQuantity"]), 98, "{life}");
    for step in ["change", "spend", "import"] {
        let request = format!("{step}-{mark}");
        assert_eq!(effects_of_request(gateway, &request), 1, "{request}");
    }
}

#[track_caller]
fn brand(gateway: &Gateway, life: &Value, mark: &str, run: &str) {
    ends(&life["created"]["state"], "CARD_EFFECTIVE");
    let state = |step: &str| life[step]["userCardState"].clone();
    ends(&state("claimed"), "UNACTIVATED");
    ends(&state("active"), "EFFECTIVE");
    assert_eq!(life["active"]["level"], "白银会员", "{life}");
    assert_eq!(life["changed"]["level"], "黄金会员", "{life}");
    let phone = format!("138{run}");
    assert_eq!(life["changed"]["phoneNumber"], phone, "{life}");
    assert_eq!(effects_with(gateway, &phone), 1, "the sandbox decrypted it");
    assert_eq!(number(&life["points"]["pointBalance"]), 1450, "{life}");
    assert_eq!(life["listed"]["data"], json!([life["changed"]]), "{life}");
    ends(&state("ended"), "INVALID");
    ends(&life["deleted"]["state"], "CARD_INVALID");
    let points = format!("points-{mark}");
    assert_eq!(effects_of_request(gateway, &points), 1, "{points}");
}

#[track_caller]
fn official_account(gateway: &Gateway, life: &Value, mark: &str) {
    assert_eq!(life["claimed"]["hasActive"], false, "{life}");
    assert_eq!(life["active"]["hasActive"], true, "{life}");
    let membership_number = format!("number-{mark}");
    assert_eq!(life["active"]["membershipNumber"], membership_number);
    assert_eq!(number(&life["active"]["bonus"]), 100, "{life}");
    assert_eq!(number(&life["changed"]["bonus"]), 130, "{life}");
    adjusted(&life["spent"], 130, 80);
    assert_eq!(number(&life["ended"]["bonus"]), 80, "{life}");
    let card_id = &life["created"]["cardId"];
    let listed = &life["listed"]["cardList"];
    assert_eq!(listed[0]["cardId"], *card_id, "{life}");
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "{life}");
    ends(&life["ended"]["userCardStatus"], "UNAVAILABLE");
    let card = &life["deleted"]["card"]["memberCard"]["baseInfo"];
    ends(&card["status"], "STATUS_DELETE");
    assert_eq!(effects_with(gateway, &membership_number), 1, "{life}");
}

/// What the portable API says of a change.
#[track_caller]
fn adjusted(answer: &Value, before: i64, after: i64) {
    assert_eq!(number(&answer["before"]), before, "{answer}");
    assert_eq!(number(&answer["after"]), after, "{answer}");
}

/// An enumerator: protobuf puts the name of its type in front.
#[track_caller]
fn ends(value: &Value, name: &str) {
    assert!(
        value
            .as_str()
            .is_some_and(|text| text.ends_with(&format!("_{name}"))),
        "{value} is not {name}"
    );
}
