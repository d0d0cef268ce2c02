//! The rules of what a message means, on messages that are made by prost's types.

use kabao_models::{Answer as _, Endpoint, Extra, Object, Record};
use prost::Message;
use serde_json::{Value, json};

use crate::wire::{Besides, read, read_inner, read_request, write};

/// Reads a message that is no request, and returns its violations.
fn read_any<M: Object>(message: &impl Message) -> Result<M, Vec<String>> {
    let mut model = M::default();
    let bytes = message.encode_to_vec();
    let (_, violations) = read::read(&mut model, &bytes, Besides::MESSAGE).unwrap();
    if violations.is_empty() {
        return Ok(model);
    }
    Err(violations.iter().map(ToString::to_string).collect())
}

/// Writes a model and reads it by prost's type.
fn written<P: Message + Default>(record: &dyn Record) -> P {
    P::decode(write::write(record, Besides::MESSAGE).as_slice()).unwrap()
}

fn to_json(model: &impl Object) -> Value {
    serde_json::to_value(model).unwrap()
}

#[test]
fn unknown_values_unknown_members_and_empty_lists_survive() {
    use kabao_models::merchant::cards::CreateCard;
    use kabao_proto::kabao::merchant::v1::CreateCardRequest;

    let body = json!({
        "title": "茶港会员卡",
        "code_mode": "BY_MOON",
        "moon": {"big": 18446744073709551615_u64},
        "user_information_form": {"can_modify_after_activate": true, "common_field_list": []},
        "date_information": {"type": "FIX_TERM", "moon": null},
    });
    let model: CreateCard = serde_json::from_str(&body.to_string()).unwrap();
    let message: CreateCardRequest = written(&model);
    assert_eq!(message.code_mode, 0, "an unknown value is unspecified");
    assert_eq!(message.extra["code_mode"], "\"BY_MOON\"");
    assert_eq!(message.extra["moon"], "{\"big\":18446744073709551615}");
    let again: CreateCard = read_any(&message).unwrap();
    assert_eq!(to_json(&again), body);
}

#[track_caller]
fn check_refused(message: &impl Message, expected: &[&str]) {
    let operation = &kabao_models::merchant::cards::UPDATE_CARD;
    let asked = read_request(operation, &message.encode_to_vec()).unwrap();
    let Err(violations) = asked.finish() else {
        panic!("it is read")
    };
    let found: Vec<String> = violations.iter().map(ToString::to_string).collect();
    assert_eq!(found, expected);
}

#[test]
fn what_a_message_cannot_mean_is_refused_with_its_path() {
    use kabao_proto::kabao::merchant::v1::{DateInformation, UpdateCardRequest};

    let valid = || UpdateCardRequest {
        card_id: "p".into(),
        ..Default::default()
    };
    check_refused(
        &UpdateCardRequest {
            code_mode: Some(99),
            title: Some("一二三四五六七八九十一".into()),
            ..valid()
        },
        &[
            "code_mode 99 is not a value of CodeMode; send a newer value by its name in `extra`",
            "title has 11 characters, at most 10 are allowed",
        ],
    );
    check_refused(
        &UpdateCardRequest {
            date_information: Some(DateInformation {
                r#type: 77,
                ..Default::default()
            }),
            ..valid()
        },
        &[
            "date_information.type 77 is not a value of DateInformationType; send a newer value by its name in `extra`",
        ],
    );
    check_refused(
        &UpdateCardRequest {
            extra: [("title".into(), "\"x\"".into())].into(),
            ..valid()
        },
        &["extra[\"title\"] has a field of its own; set `title` instead"],
    );
    check_refused(
        &UpdateCardRequest {
            extra: [("moon".into(), "{".into())].into(),
            ..valid()
        },
        &["extra[\"moon\"] must be a JSON text"],
    );
    let mut model = kabao_models::merchant::cards::UpdateCard::default();
    let (account, violations) = read_inner(&mut model, &valid().encode_to_vec()).unwrap();
    assert_eq!((account.as_str(), violations.len()), ("", 0));
    assert_eq!(
        (model.card_id.as_str(), model.extra),
        ("p", Extra::default())
    );
}

/// The request, and the paths that WeChat's limits find fault with.
#[track_caller]
fn faults<E: Endpoint>(message: &impl Message) -> (E, Vec<String>) {
    let asked = read_request(E::OPERATION, &message.encode_to_vec()).unwrap();
    let Ok(request) = asked.finish() else {
        panic!("it cannot be read")
    };
    let paths = request.violations().into_iter();
    let paths = paths.map(|violation| violation.to_string()).collect();
    (request.as_any().downcast_ref::<E>().unwrap().clone(), paths)
}

#[test]
fn an_empty_required_field_is_missing_at_its_path() {
    use kabao_models::{brand, merchant};
    use kabao_proto::kabao::brand::v1 as b;
    use kabao_proto::kabao::merchant::v1 as m;

    let (request, found) = faults::<merchant::cards::CreateCard>(&m::CreateCardRequest {
        brand: Some(m::Brand::default()),
        date_information: Some(m::DateInformation::default()),
        ..Default::default()
    });
    assert_eq!((&request.title, &request.code_mode), (&None, &None));
    for path in [
        "title",
        "code_mode",
        "brand.brand_id",
        "date_information.type",
    ] {
        let expected = format!("{path} is required");
        assert!(found.contains(&expected), "{expected}: {found:?}");
    }

    // A number that cannot be 0 is missing as 0; one that can be is missing only if it is absent.
    let (request, found) = faults::<brand::cards::ListCards>(&b::ListCardsRequest {
        brand_id: "1004".into(),
        ..Default::default()
    });
    assert_eq!((request.offset, request.limit), (None, None));
    assert_eq!(found, ["offset is required", "limit is required"]);
}

#[test]
fn a_forgotten_value_is_missing_and_zero_is_sent() {
    use kabao_models::brand::user_points::SyncUserPoints;
    use kabao_models::merchant::user_cards::BalanceChange;
    use kabao_proto::kabao::brand::v1 as b;
    use kabao_proto::kabao::merchant::v1 as m;

    let sync = b::SyncUserPointsRequest {
        out_request_no: "n1".into(),
        brand_id: "1004".into(),
        card_id: "p1".into(),
        openid: "o1".into(),
        user_card_code: "478515832665".into(),
        ..Default::default()
    };
    let (_, found) = faults::<SyncUserPoints>(&sync);
    assert_eq!(found, ["point_balance is required"]);
    let (request, found) = faults::<SyncUserPoints>(&b::SyncUserPointsRequest {
        point_balance: Some(0),
        ..sync
    });
    assert_eq!((request.point_balance, found), (Some(0), Vec::new()));

    let change = m::BalanceChange {
        before_balance: Some(100),
        balance: Some(0),
        add_balance: Some(-100),
        ..Default::default()
    };
    let change: BalanceChange = read_any(&change).unwrap();
    assert_eq!(
        to_json(&change),
        json!({"before_balance": 100, "balance": 0, "add_balance": -100})
    );
}

#[test]
fn an_enumeration_takes_wechats_own_spelling_in_extra() {
    use kabao_models::official_account::card::NewBaseInfo;
    use kabao_models::official_account::{CardColor, CodeType};
    use kabao_proto::kabao::officialaccount::v1 as o;

    let spelled = |name: &str, word: &str| (name.to_owned(), format!("\"{word}\""));
    let message = o::NewBaseInfo {
        extra: [
            spelled("code_type", "CODE_TYPE_QRCODE"),
            spelled("color", "Color010"),
        ]
        .into(),
        ..Default::default()
    };
    let base: NewBaseInfo = read_any(&message).unwrap();
    assert_eq!(base.code_type, Some(CodeType::CodeTypeQrcode));
    assert_eq!(base.color, Some(CardColor::Color010));
    assert_eq!(base.extra, Extra::default());

    // Said twice is refused, even if both mean the same.
    let message = o::NewBaseInfo {
        color: o::CardColor::CardColor010.into(),
        extra: [spelled("color", "Color010")].into(),
        ..Default::default()
    };
    let refused = read_any::<NewBaseInfo>(&message).unwrap_err();
    assert_eq!(
        refused,
        ["extra[\"color\"] has a field of its own; set `color` instead"]
    );
}

#[test]
fn odd_members_of_an_answer_reach_the_caller_as_they_came() {
    use kabao_models::official_account::card::GetCardResponse as Model;
    use kabao_proto::kabao::officialaccount::v1::GetCardResponse as Read;

    let body = br#"{"errcode":0,"card":{"member_card":{"discount":8.50,"bonus_rule":[],"prerogative":"p",
        "base_info":{"location_id_list":[101,"x",{}],"url_name_type":"URL_NAME_TYPE_USE_IMMEDIATELY"}}}}"#;
    let (model, deviations) = Model::read_body(body).unwrap();
    assert_eq!(deviations.len(), 4);
    let message: Read = written(&model);
    let card = message.card.unwrap().member_card.unwrap();
    assert_eq!(card.prerogative.as_deref(), Some("p"));
    assert_eq!((card.discount, &card.bonus_rule), (None, &None));
    assert_eq!(card.extra["discount"], "8.50");
    assert_eq!(card.extra["bonus_rule"], "[]");
    let base = card.base_info.unwrap();
    assert_eq!(base.location_id_list, [101]);
    assert_eq!(base.extra["location_id_list"], r#"[101,"x",{}]"#);
}

#[test]
fn a_list_that_came_with_odd_entries_is_not_replaced_in_extra() {
    use kabao_models::official_account::code::CheckCodesResponse as Model;

    let (mut model, _) = Model::read_body(br#"{"exist_code":[]}"#).unwrap();
    let received = |model: &mut Model| {
        let json = "[null]".to_owned();
        model.extra_mut().insert_json("exist_code", json).unwrap();
    };
    assert_eq!(model.exist_code.as_deref(), Some(&[][..]));
    received(&mut model);
    let message: kabao_proto::kabao::officialaccount::v1::CheckCodesResponse = written(&model);
    assert_eq!(message.extra["exist_code"], "[null]");
}
