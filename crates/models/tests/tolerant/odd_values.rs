//! Odd values that were seen, and what becomes of them.

use kabao_models::official_account::code::DepositCodesResponse;
use kabao_models::official_account::datacube::GetMemberCardDetailResponse;
use kabao_models::official_account::member::{GetUserInfoResponse, UpdateUserResponse};
use kabao_models::official_account::pay_gift_card::AddPayGiftCardResponse;
use kabao_models::{Answer, DeviationKind, Extra, brand, merchant, official_account};
use serde_json::{Value, json};

use DeviationKind::*;

fn read<A: Answer>(body: Value) -> (A, Vec<(String, DeviationKind)>) {
    let (answer, deviations) = A::read_body(body.to_string().as_bytes()).unwrap();
    let told = |deviation: kabao_models::Deviation| (deviation.path, deviation.kind);
    (answer, deviations.into_iter().map(told).collect())
}

fn kept(extra: &Extra) -> Vec<(&str, &str)> {
    extra
        .iter()
        .map(|(name, value)| (name, value.get()))
        .collect()
}

#[test]
fn balances() {
    let rows = [
        (json!("0"), Some(0), IntegerInText, None),
        (json!("-470"), Some(-470), IntegerInText, None),
        (json!(2900.0), Some(2900), IntegralDecimal, None),
        (json!(12.5), None, Odd, Some("12.5")),
        (json!("12.5"), None, Odd, Some("\"12.5\"")),
        (json!("007"), None, Odd, Some("\"007\"")),
        (json!(""), None, Odd, Some("\"\"")),
        (json!(true), None, Odd, Some("true")),
        (json!([]), None, Odd, Some("[]")),
        (json!({"fen": 12}), None, Odd, Some("{\"fen\":12}")),
        (
            json!(9_223_372_036_854_775_808_u64),
            None,
            Odd,
            Some("9223372036854775808"),
        ),
    ];
    for (value, expected, kind, extra) in rows {
        let told = [("balance".to_owned(), kind)];
        let extra: Vec<_> = extra.into_iter().map(|json| ("balance", json)).collect();

        let (answer, deviations) = read::<GetUserInfoResponse>(
            json!({"errcode": 0, "nickname": "林间", "balance": value, "bonus": 460}),
        );
        assert_eq!(
            (answer.balance, answer.bonus),
            (expected, Some(460)),
            "{value}"
        );
        assert_eq!(answer.nickname.unwrap().expose(), "林间");
        assert_eq!(
            (deviations.as_slice(), kept(&answer.extra)),
            (&told[..], extra.clone())
        );

        let (answer, deviations) = read::<merchant::user_cards::UserCard>(
            json!({"code": "478515832665", "balance": value, "bonus_value": 7}),
        );
        assert_eq!(
            (answer.balance, answer.bonus_value),
            (expected, Some(7)),
            "{value}"
        );
        assert_eq!(
            (deviations.as_slice(), kept(&answer.extra)),
            (&told[..], extra)
        );
    }
}

#[test]
fn booleans() {
    let rows = [
        (json!(1), Some(true), NumberForBoolean),
        (json!(0), Some(false), NumberForBoolean),
        (json!("true"), Some(true), BooleanInText),
        (json!("FALSE"), Some(false), BooleanInText),
        (json!("1"), Some(true), BooleanInText),
        (json!(2), None, Odd),
        (json!("yes"), None, Odd),
        (json!(null), None, Null),
    ];
    for (value, expected, kind) in rows {
        // A second odd member makes sure that the tolerant reader is at work for `null`.
        let body = json!({"has_active": value, "user_info": []});
        let (answer, deviations) = read::<GetUserInfoResponse>(body);
        assert_eq!(answer.has_active, expected, "{value}");
        assert_eq!(deviations[0], ("has_active".to_owned(), kind), "{value}");
        let is_kept = answer.extra.get("has_active").is_some();
        assert_eq!(is_kept, kind == Odd, "{value}");
    }
}

#[test]
fn empty_lists_for_objects() {
    let (answer, deviations) = read::<GetUserInfoResponse>(json!({"user_info": [], "bonus": 1}));
    assert_eq!((answer.user_info, answer.bonus), (None, Some(1)));
    assert_eq!(deviations, [("user_info".to_owned(), Odd)]);
    assert_eq!(kept(&answer.extra), [("user_info", "[]")]);

    let (answer, _) = read::<brand::UserCard>(json!({"user_information": [], "level": "Gold"}));
    assert_eq!(
        (answer.user_information, answer.level.as_deref()),
        (None, Some("Gold"))
    );
    assert_eq!(kept(&answer.extra), [("user_information", "[]")]);

    let body =
        json!({"card": {"member_card": {"bonus_rule": [], "discount": 8.5, "prerogative": "p"}}});
    let (answer, deviations) = read::<official_account::card::GetCardResponse>(body);
    let card = answer.card.unwrap().member_card.unwrap();
    assert_eq!((card.bonus_rule, card.discount), (None, None));
    assert_eq!(card.prerogative.as_deref(), Some("p"));
    assert_eq!(
        kept(&card.extra),
        [("bonus_rule", "[]"), ("discount", "8.5")]
    );
    assert!(answer.extra.is_empty());
    let paths: Vec<_> = deviations.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        paths,
        ["card.member_card.bonus_rule", "card.member_card.discount"]
    );
}

#[test]
fn confirmed_writes() {
    let body = json!({"errcode": "0", "errmsg": "ok", "result_bonus": "470", "result_balance": 0.0, "openid": "o1"});
    let (answer, _) = read::<UpdateUserResponse>(body);
    assert_eq!(answer.errcode, Some(0));
    assert_eq!(
        (answer.result_bonus, answer.result_balance),
        (Some(470), Some(0))
    );
    assert!(answer.extra.is_empty());

    let body = json!({"errcode": 0, "rule_id": "10001", "fail_mchid_list": [{"mchid": 1_900_000_109, "errcode": 0}]});
    let (answer, deviations) = read::<AddPayGiftCardResponse>(body);
    assert_eq!(answer.rule_id, Some(10001));
    assert_eq!(
        answer.fail_mchid_list.unwrap()[0].mchid.as_deref(),
        Some("1900000109")
    );
    assert_eq!(
        deviations,
        [
            ("fail_mchid_list[0].mchid".to_owned(), NumberForText),
            ("rule_id".to_owned(), IntegerInText)
        ]
    );

    // Counts, where lists of codes are documented.
    let body =
        json!({"errcode": 0, "errmsg": "ok", "succ_code": 2, "duplicate_code": 0, "fail_code": []});
    let (answer, deviations) = read::<DepositCodesResponse>(body);
    assert_eq!((answer.succ_code, answer.duplicate_code), (None, None));
    assert_eq!(answer.fail_code, Some(vec![]));
    assert_eq!(
        kept(&answer.extra),
        [("duplicate_code", "0"), ("succ_code", "2")]
    );
    assert_eq!(deviations.len(), 2);
}

#[test]
fn an_odd_entry_of_a_list_is_left_out_and_the_list_is_kept_beside_it() {
    let list = r#"[ "A", 7 , null, ["x"], {"code":"B"}, "C" ]"#;
    let body = format!(
        r#"{{"errcode":0,"succ_code":{list},"fail_code":[null, []],"duplicate_code":[null]}}"#
    );
    let (answer, deviations) = DepositCodesResponse::read_body(body.as_bytes()).unwrap();
    assert_eq!(answer.succ_code.unwrap(), ["A", "7", "C"]);
    assert_eq!(answer.extra.get("succ_code"), Some(list));
    // Nothing but odd entries is odd itself; nothing but `null` is nothing.
    assert_eq!(answer.fail_code, None);
    assert_eq!(answer.extra.get("fail_code"), Some("[null, []]"));
    assert_eq!(answer.duplicate_code, Some(vec![]));
    let told: Vec<_> = deviations.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "succ_code[1]: a number instead of a text",
            "succ_code[2]: null instead of a text",
            "succ_code[3]: another type instead of a text",
            "succ_code[4]: another type instead of a text",
            "fail_code: another type instead of a list",
            "duplicate_code[0]: null instead of a text",
        ]
    );

    let body = json!({"user_info": {"common_field_list": [[], {"name": "USER_FORM_INFO_FLAG_MOBILE", "value": 13_800_000_000_i64}]}});
    let (answer, deviations) = read::<GetUserInfoResponse>(body);
    let info = answer.user_info.unwrap();
    let fields = info.common_field_list.unwrap();
    assert_eq!(fields.len(), 1);
    assert_eq!(fields[0].value.as_ref().unwrap().expose(), "13800000000");
    assert_eq!(deviations[0].0, "user_info.common_field_list[0]");
    assert!(info.extra.get("common_field_list").is_some());
    assert!(answer.extra.is_empty());
}

#[test]
fn numbers_and_texts_of_the_datacube() {
    for value in [json!(1_234_567), json!("1234567")] {
        let body = json!({"list": [{"ref_date": "2026-01-01", "submerchantid": value}]});
        let (answer, deviations) = read::<GetMemberCardDetailResponse>(body);
        assert_eq!(answer.list.unwrap()[0].submerchantid, Some(1_234_567));
        // The catalogue knows of both.
        assert_eq!(deviations, []);
    }
}

#[test]
fn the_last_of_two_members_counts() {
    let body = br#"{"balance":[],"bonus":1,"bonus":{},"balance":5}"#;
    let (answer, _) = GetUserInfoResponse::read_body(body).unwrap();
    assert_eq!((answer.balance, answer.bonus), (Some(5), None));
    assert_eq!(kept(&answer.extra), [("bonus", "{}")]);
}

#[test]
fn what_was_kept_of_a_known_member_is_never_written() {
    let body = json!({"errcode": 0, "balance": 12.5, "news": 1.50});
    let (answer, _) = read::<GetUserInfoResponse>(body);
    let written: Value = serde_json::from_slice(&answer.into_body().unwrap()).unwrap();
    assert_eq!(written, json!({"errcode": 0, "news": 1.5}));
}

#[test]
fn bytes_that_are_no_text() {
    let body = b"{\"errcode\":0,\"errmsg\":\"ok\",\"nickname\":\"a\x14b\xff\xfe\",\"balance\":\"5\",\"bonus\":460,\"news\":\"\x01\"}";
    let (answer, deviations) = GetUserInfoResponse::read_body(body).unwrap();
    assert_eq!(
        answer.nickname.unwrap().expose(),
        "a\u{fffd}b\u{fffd}\u{fffd}"
    );
    assert_eq!((answer.balance, answer.bonus), (Some(5), Some(460)));
    assert_eq!(answer.extra.get("news"), Some("\"\u{fffd}\""));
    let told: Vec<_> = deviations.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "the body: bytes that are no text instead of UTF-8 text",
            "balance: an integer in a text instead of an integer"
        ]
    );
}

#[test]
fn only_what_is_no_object_is_malformed() {
    for body in [
        &b"[]"[..],
        b"null",
        b"\"x\"",
        b"1",
        b"<html>",
        b"{\"errcode\":0",
        b"{} {}",
        b"\xff",
    ] {
        let error = GetUserInfoResponse::from_body(body).unwrap_err();
        assert!(error.position().is_some(), "{}", body.escape_ascii());
    }
    assert!(GetUserInfoResponse::from_body(b"").is_ok());
}

#[test]
fn depth_costs_no_stack() {
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    let objects = format!("{}1{}", "{\"a\":".repeat(50_000), "}".repeat(50_000));
    for value in [deep, objects] {
        let body = format!(
            r#"{{"errcode":0,"balance":{value},"user_info":{{"common_field_list":{value},"custom_field_list":[{value}]}},"news":{value},"bonus":460}}"#
        );
        let (answer, _) = GetUserInfoResponse::read_body(body.as_bytes()).unwrap();
        assert_eq!((answer.balance, answer.bonus), (None, Some(460)));
        assert_eq!(answer.extra.get("balance").map(str::len), Some(value.len()));
        assert_eq!(answer.extra.get("news").map(str::len), Some(value.len()));
    }
}

#[test]
fn notifications_are_read_the_same_way() {
    let known = merchant::notifications::NOTIFICATIONS;
    let mut deviations = Vec::new();
    let body = b"{\"card_id\":5,\"code\":\"a\x14\",\"openid\":[]}";
    let read = merchant::Notification::read(known[0].event_type, body, &mut deviations);
    let payload = read.unwrap().unwrap();
    let written: Value = serde_json::from_slice(&payload.to_json().unwrap()).unwrap();
    assert_eq!(written["card_id"], "5");
    assert_eq!(written["code"], "a\u{fffd}");
    assert!(
        deviations
            .iter()
            .any(|deviation| deviation.path == "openid")
    );
    assert!(merchant::Notification::parse(known[0].event_type, b"[]").is_err());
}

#[test]
fn no_deviation_tells_a_value_and_their_number_is_bounded() {
    let secret = "13800000417";
    let list: Vec<Value> = (0..2_000).map(|_| json!({ (secret): secret })).collect();
    let body = json!({"errcode": 0, "succ_code": ["A", list], "fail_code": list, (secret): 1, "errmsg": [secret]});
    let (_, deviations) = DepositCodesResponse::read_body(body.to_string().as_bytes()).unwrap();
    assert!(!format!("{deviations:?}").contains(secret));

    let mut codes: Vec<Value> = vec![json!([secret]); 2_000];
    codes.push(json!("A"));
    let body = json!({"errcode": 0, "succ_code": codes, "balance": secret});
    let (answer, deviations) =
        DepositCodesResponse::read_body(body.to_string().as_bytes()).unwrap();
    assert_eq!(answer.succ_code.unwrap(), ["A"]);
    assert_eq!(deviations.len(), 501);
    assert_eq!(deviations[500].kind, More);
    assert!(!deviations[500].is_harmless());
}
