//! Tests of the user actions.

use bytes::Bytes;
use serde_json::json;

use super::*;
use crate::control::asked::Asked;
use crate::control::query::Query;
use crate::control::{state, users};
use crate::official_account::testing::Site;

const ACCOUNT: &str = "demo-official-account";

/// Does one action and returns what it shows.
fn action(site: &Site, name: &str, body: &Value) -> Result<Value, Problem> {
    let part = format!("{ACCOUNT}/{name}");
    users::action(&Asked {
        world: &site.world,
        query: Query::read("", &[]).unwrap(),
        body: &Bytes::from(body.to_string()),
        part: &part,
    })
}

/// Does what all families have.
fn order<T>(site: &Site, act: impl FnOnce(&Order<'_>) -> Result<T, Problem>) -> Result<T, Problem> {
    let account = site.world.account(ACCOUNT).unwrap();
    act(&Order {
        world: &site.world,
        account: &account,
        operation: "control.test".to_owned(),
    })
}

#[test]
fn a_card_goes_to_a_friend_and_comes_back_from_deletion() {
    let site = Site::new();
    let (card_id, code) = (
        crate::demo::OFFICIAL_ACCOUNT_CARD,
        crate::demo::OFFICIAL_ACCOUNT_CODE,
    );
    let card = json!({"card_id": card_id, "code": code});
    assert!(
        action(&site, "restore", &card).is_err(),
        "it is not deleted"
    );
    assert_eq!(action(&site, "gift", &card).unwrap()["status"], "GIFTING");
    let mut accepted = card;
    accepted["friend_openid"] = json!("oFriend");
    let friend = action(&site, "accept-gift", &accepted).unwrap();
    assert_eq!(
        (&friend["openid"], &friend["bonus"]),
        (&json!("oFriend"), &json!(460))
    );
    let member = Member {
        account: ACCOUNT.to_owned(),
        card_id: card_id.to_owned(),
        code: friend["code"].as_str().unwrap().to_owned(),
    };
    assert_eq!(
        order(&site, |order| OfficialAccount.delete(order, &member)).unwrap()["status"],
        "DELETE"
    );
    let held = json!({"card_id": card_id, "code": member.code});
    assert_eq!(action(&site, "restore", &held).unwrap()["status"], "NORMAL");
    for name in ["view", "consume", "encrypt-code"] {
        assert!(action(&site, name, &held).is_ok(), "{name}");
    }
    let entries = lock(&site.world.ledger).entries();
    assert!(
        entries
            .iter()
            .any(|entry| entry.operation == "control.actions.accept-gift")
    );
}

#[test]
fn a_claim_by_qr_code_a_payment_and_an_unknown_card_are_answered() {
    let site = Site::new();
    let card_id = crate::demo::OFFICIAL_ACCOUNT_CARD;
    let claim =
        json!({"card_id": card_id, "openid": "oNew", "nickname": "小周", "outer_str": "counter-7"});
    let claimed = action(&site, "claim", &claim).unwrap();
    assert_eq!(
        (&claimed["has_active"], &claimed["restored"]),
        (&json!(true), &json!(false))
    );
    let used =
        json!({"card_id": card_id, "code": claimed["code"], "fee": 900, "original_fee": 1_000});
    assert_eq!(
        action(&site, "use", &used).unwrap()["outer_str"],
        "counter-7"
    );
    let paid = json!({"mchid": "1900000201", "openid": "oNew", "fee": 900, "joins": true});
    assert_eq!(action(&site, "pay", &paid).unwrap()["offer"], Value::Null);
    assert_eq!(
        action(&site, "dispatch", &json!({"card_id": card_id})).unwrap()["card_type"],
        "MEMBER_CARD"
    );
    assert!(action(&site, "view", &json!({"card_id": "none", "code": "1"})).is_err());
    assert!(action(&site, "view", &json!({"card": "none"})).is_err());
    assert_eq!(
        action(&site, "revoke-tokens", &json!({})).unwrap()["status"],
        "revoked"
    );
    let unknown = action(&site, "fly", &json!({})).unwrap_err();
    assert!(format!("{unknown:?}").contains("has no action `fly`"));
    let state = state(&site.world, Some(kabao_models::Family::OfficialAccount));
    let members = &state["official_account"]["members"];
    assert_eq!(members.as_array().map(Vec::len), Some(2));
}

#[test]
fn a_claim_that_cannot_wait_or_is_not_understood_is_refused_without_effect() {
    let site = Site::new();
    let claim = |openid: &str, more: Value| {
        let mut body = json!({"account": ACCOUNT, "card_id": crate::demo::OFFICIAL_ACCOUNT_CARD, "openid": openid});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let claim = serde_json::from_value(body).unwrap();
        order(&site, |order| OfficialAccount.claim(order, claim))
    };
    for (openid, more, text) in [
        ("oNew", json!({"activated": false}), "auto_activate"),
        (
            "oNew",
            json!({"phone_number": "13800000000"}),
            "phone_number",
        ),
    ] {
        let problem = claim(openid, more).unwrap_err();
        assert!(format!("{problem:?}").contains(text), "{problem:?}");
    }
    assert!(lock(&site.world.ledger).entries().is_empty());
    assert_eq!(claim("oNew", json!({})).unwrap()["has_active"], true);
}

#[test]
fn actions_refuse_what_they_would_not_look_at() {
    let site = Site::new();
    for (name, body, text) in [
        ("revoke-tokens", json!({"account": "x"}), "account"),
        (
            "pay",
            json!({"mchid": "1", "openid": "o", "fee": 0}),
            "fee: must be positive",
        ),
    ] {
        let problem = action(&site, name, &body).unwrap_err();
        assert!(format!("{problem:?}").contains(text), "{problem:?}");
    }
}
