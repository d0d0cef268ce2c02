//! Requests: strict for a server that wants them strict, tolerant for one that does not mind.

use kabao_models::official_account::card::CreateCard;
use kabao_models::official_account::member::UpdateUser;
use kabao_models::{Deviation, DeviationKind, Endpoint, Incoming, merchant};
use serde_json::{Value, json};

fn incoming<'a>(path: &'a str, body: &'a [u8]) -> Incoming<'a> {
    Incoming {
        path,
        query: "",
        content_type: Some("application/json"),
        body,
    }
}

fn tolerant<E: Endpoint>(body: &Value) -> (E, Vec<Deviation>) {
    let body = body.to_string();
    E::from_http_tolerant(incoming(E::OPERATION.path, body.as_bytes())).unwrap()
}

fn strict<E: Endpoint>(body: &Value) -> Result<E, kabao_models::DecodeError> {
    let body = body.to_string();
    E::from_http(incoming(E::OPERATION.path, body.as_bytes()))
}

#[test]
fn a_tolerant_server_is_told_of_every_deviation() {
    use DeviationKind::*;
    let body = json!({
        "code": "916679873278",
        "card_id": null,
        "bonus": 2900.0,
        "add_bonus": -100.0,
        "balance": "5",
        "add_balance": {},
        "record_bonus": 7,
        "notify_optional": {"is_notify_bonus": 1, "is_notify_balance": null},
    });
    let (request, deviations) = tolerant::<UpdateUser>(&body);
    assert_eq!((request.bonus, request.add_bonus), (Some(2900), Some(-100)));
    assert_eq!((request.balance, request.add_balance), (Some(5), None));
    assert_eq!(request.card_id, None);
    assert_eq!(request.notify_optional.unwrap().is_notify_bonus, Some(true));
    let mut told: Vec<_> = deviations
        .iter()
        .map(|deviation| (deviation.path.as_str(), deviation.kind, deviation.expected))
        .collect();
    told.sort_unstable_by_key(|(path, ..)| *path);
    assert_eq!(
        told,
        [
            ("add_balance", Odd, "an integer"),
            ("add_bonus", IntegralDecimal, "an integer"),
            ("balance", IntegerInText, "an integer"),
            ("bonus", IntegralDecimal, "an integer"),
            ("card_id", Null, "a text"),
            ("notify_optional.is_notify_balance", Null, "true or false"),
            (
                "notify_optional.is_notify_bonus",
                NumberForBoolean,
                "true or false"
            ),
            ("record_bonus", NumberForText, "a text"),
        ]
    );
    assert!(deviations.iter().all(|deviation| !deviation.is_seen));
    assert!(strict::<UpdateUser>(&body).is_err());

    let error = UpdateUser::from_http_tolerant(incoming(UpdateUser::OPERATION.path, b"[]"));
    assert!(error.is_err());
    let (_, none) = tolerant::<UpdateUser>(&json!({"code": "1", "bonus": 5, "news": {}}));
    assert_eq!(none, []);
}

#[test]
fn a_strict_server_takes_no_other_type() {
    for value in [json!(12.0), json!("12"), json!([]), json!(true)] {
        assert!(
            strict::<UpdateUser>(&json!({ "bonus": value })).is_err(),
            "{value}"
        );
    }
    assert_eq!(
        strict::<UpdateUser>(&json!({"bonus": null})).unwrap().bonus,
        None
    );
    assert!(
        UpdateUser::from_http(incoming(
            "/card/membercard/updateuser",
            b"{\"code\":\"\x14\"}"
        ))
        .is_err()
    );
}

#[test]
fn numbers_and_texts_are_both_read_where_both_are_seen() {
    let card = |merchant: Value, stores: Value| {
        json!({"card": {"card_type": "MEMBER_CARD", "member_card": {"base_info": {
            "sub_merchant_info": {"merchant_id": merchant},
            "location_id_list": stores,
        }}}})
    };
    let rows = [
        (json!(3_456), json!(["101", 102])),
        (json!("3456"), json!([101, 102])),
    ];
    for (merchant, stores) in rows {
        let body = card(merchant, stores);
        let (request, deviations) = tolerant::<CreateCard>(&body);
        assert_eq!(strict::<CreateCard>(&body).unwrap(), request);
        let base = request
            .card
            .unwrap()
            .member_card
            .unwrap()
            .base_info
            .unwrap();
        let merchant = base.sub_merchant_info.unwrap().merchant_id;
        assert_eq!(merchant.as_deref(), Some("3456"));
        assert_eq!(base.location_id_list.unwrap(), [101, 102]);
        assert!(deviations.iter().all(|deviation| deviation.is_seen));
    }
    for (merchant, stores) in [(json!(true), json!([])), (json!("1"), json!(["x", 1]))] {
        let body = card(merchant, stores);
        assert!(strict::<CreateCard>(&body).is_err());
        let (_, deviations) = tolerant::<CreateCard>(&body);
        assert!(
            deviations
                .iter()
                .any(|deviation| deviation.kind == DeviationKind::Odd)
        );
    }

    use merchant::CodeMode;
    let rows = [
        (json!("SYSTEM_ALLOCATE"), CodeMode::SystemAllocate, 0),
        (json!(1), CodeMode::Unknown("1".into()), 0),
        (json!("1"), CodeMode::Unknown("1".into()), 0),
        (json!("ONE"), CodeMode::Unknown("ONE".into()), 1),
        (json!(""), CodeMode::Unknown(String::new()), 1),
    ];
    for (value, expected, violations) in rows {
        let request: merchant::cards::UpdateCard = strict(&json!({"code_mode": value})).unwrap();
        assert_eq!(request.code_mode, Some(expected));
        assert_eq!(request.strict_violations().len(), violations, "{value}");
    }
    assert!(strict::<merchant::cards::UpdateCard>(&json!({"code_mode": {}})).is_err());
    assert!(strict::<merchant::cards::UpdateCard>(&json!({"code_type": 1})).is_err());
}
