//! Every operation and notification of the catalogue goes through its proto messages and back
//! without loss.

use kabao_models::{Answer, Endpoint, Extra, Incoming, Object, Scheme, Sensitive, VisitSensitive};
use serde_json::{Value, json};

use self::catalogue::{Catalogue, Counts, Sample, assert_same};
use crate::convert::{ExtraOut, FamilyRequest, FromModel, IntoModel, Reader};
use crate::generated::table;

#[path = "../../../models/tests/round_trip/catalogue.rs"]
mod catalogue;

/// Sees every operation with its request and answer messages.
pub(crate) trait OperationVisitor {
    fn visit<E, P, R>(&mut self)
    where
        E: Endpoint,
        P: FamilyRequest<Endpoint = E> + IntoModel<E> + FromModel<E> + prost::Message + Default,
        R: IntoModel<E::Answer> + FromModel<E::Answer> + prost::Message + Default;
}

/// Sees every notification with its message.
pub(crate) trait NotificationVisitor {
    fn visit<M, P>(&mut self, family: &str, event_type: &str)
    where
        M: Object + VisitSensitive,
        P: IntoModel<M> + FromModel<M> + prost::Message + Default;
}

/// Through the message and through its bytes.
fn through<M: Clone, P: IntoModel<M> + FromModel<M> + prost::Message + Default>(model: &M) -> M {
    let message = P::from_model(model.clone());
    let bytes = message.encode_to_vec();
    let read = P::decode(bytes.as_slice()).unwrap();
    Reader::read_any(read).unwrap_or_else(|violations| panic!("{violations:?}"))
}

/// A message holds sensitive fields in clear; JSON wants them encrypted.
fn encrypted<M: VisitSensitive>(mut model: M) -> M {
    model.visit_sensitive(&mut |field| {
        *field = Sensitive::Encrypted(std::mem::take(field).into_exposed())
    });
    model
}

struct RoundTrip {
    catalogues: Vec<Catalogue>,
    operations: usize,
}

impl RoundTrip {
    fn request<E, P>(&self, id: &str, sample: &Sample)
    where
        E: Endpoint,
        P: IntoModel<E> + FromModel<E> + prost::Message + Default,
    {
        if E::OPERATION.scheme == Scheme::Credentials {
            // AppID and secret are no fields of the message: the gateway fills them in.
            return;
        }
        let (target, body) = sample.to_wire(E::OPERATION.path);
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let (content_type, body) = sample.encode_body(body);
        let incoming = Incoming {
            path,
            query,
            content_type: content_type.as_deref(),
            body: &body,
        };
        let model = E::from_http(incoming).unwrap();
        let again = encrypted(through::<E, P>(&model));
        assert_eq!(again, model, "{id}");
    }
}

impl OperationVisitor for RoundTrip {
    fn visit<E, P, R>(&mut self)
    where
        E: Endpoint,
        P: FamilyRequest<Endpoint = E> + IntoModel<E> + FromModel<E> + prost::Message + Default,
        R: IntoModel<E::Answer> + FromModel<E::Answer> + prost::Message + Default,
    {
        let id = E::OPERATION.id;
        let find = |catalogue: &Catalogue| {
            catalogue
                .operations()
                .any(|operation| operation["id"] == id)
        };
        let catalogue = self
            .catalogues
            .iter()
            .find(|catalogue| find(catalogue))
            .unwrap();
        let operation = catalogue
            .operations()
            .find(|operation| operation["id"] == id)
            .unwrap();
        self.request::<E, P>(id, &Sample::example(catalogue, operation));
        let mut answers: Vec<Value> = operation
            .get("example_response")
            .cloned()
            .into_iter()
            .collect();
        let name = operation["answer"].as_str().unwrap();
        for turn in 0..catalogue.turns() {
            self.request::<E, P>(id, &Sample::full(catalogue, operation, turn));
            if !name.is_empty() {
                answers.push(catalogue.message(name, turn, &mut Counts::default()));
            }
        }
        if !name.is_empty() {
            for answer in answers {
                let (model, deviations) =
                    E::Answer::read_body(answer.to_string().as_bytes()).unwrap();
                assert_eq!(deviations, [], "{id}");
                let again = encrypted(through::<E::Answer, R>(&model));
                let written: Value = serde_json::from_slice(&again.into_body().unwrap()).unwrap();
                assert_same(id, &answer, &written);
            }
        }
        self.operations += 1;
    }
}

impl NotificationVisitor for RoundTrip {
    fn visit<M, P>(&mut self, family: &str, event_type: &str)
    where
        M: Object + VisitSensitive,
        P: IntoModel<M> + FromModel<M> + prost::Message + Default,
    {
        let catalogue = self
            .catalogues
            .iter()
            .find(|catalogue| catalogue.family == family)
            .unwrap();
        let known = catalogue
            .notifications()
            .find(|n| n["event_type"] == event_type)
            .unwrap();
        let payload = known["payload"].as_str().unwrap();
        let mut samples: Vec<Value> = known.get("example").cloned().into_iter().collect();
        for turn in 0..catalogue.turns() {
            samples.push(catalogue.message(payload, turn, &mut Counts::default()));
        }
        for sample in samples {
            let model: M =
                serde_json::from_value::<Box<serde_json::value::RawValue>>(sample.clone())
                    .and_then(|raw| serde_json::from_str(raw.get()))
                    .unwrap();
            let again = encrypted(through::<M, P>(&model));
            assert_same(event_type, &sample, &serde_json::to_value(&again).unwrap());
        }
        self.operations += 1;
    }
}

#[test]
fn every_operation_round_trips_through_its_messages() {
    let mut visitor = RoundTrip {
        catalogues: Catalogue::all(),
        operations: 0,
    };
    table::operations(&mut visitor);
    // The two image uploads are streams of chunks, not messages.
    assert_eq!(visitor.operations, 119 - 4);
}

#[test]
fn every_notification_round_trips_through_its_message() {
    let mut visitor = RoundTrip {
        catalogues: Catalogue::all(),
        operations: 0,
    };
    table::notifications(&mut visitor);
    assert_eq!(visitor.operations, 29);
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
    let message = CreateCardRequest::from_model(model.clone());
    assert_eq!(message.code_mode, 0, "an unknown value is unspecified");
    assert_eq!(message.extra["code_mode"], "\"BY_MOON\"");
    assert_eq!(message.extra["moon"], "{\"big\":18446744073709551615}");
    let written = serde_json::to_value(through::<CreateCard, CreateCardRequest>(&model)).unwrap();
    assert_same("card", &body, &written);
}

#[track_caller]
fn check_refused(
    message: impl IntoModel<kabao_models::merchant::cards::UpdateCard>,
    expected: &[&str],
) {
    let violations = Reader::read(message).unwrap_err();
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
        UpdateCardRequest {
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
        UpdateCardRequest {
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
        UpdateCardRequest {
            extra: [("title".into(), "\"x\"".into())].into(),
            ..valid()
        },
        &["extra[\"title\"] has a field of its own; set `title` instead"],
    );
    check_refused(
        UpdateCardRequest {
            extra: [("moon".into(), "{".into())].into(),
            ..valid()
        },
        &["extra[\"moon\"] must be a JSON text"],
    );
    assert_eq!(
        Reader::read_any::<kabao_models::merchant::cards::UpdateCard>(valid())
            .unwrap()
            .extra,
        Extra::default()
    );
}

/// The paths that WeChat's limits find fault with.
#[track_caller]
fn faults<E: Endpoint>(message: impl IntoModel<E>) -> (E, Vec<String>) {
    let request: E = Reader::read(message).unwrap();
    let paths = request
        .violations()
        .into_iter()
        .map(|violation| violation.to_string());
    let paths = paths.collect();
    (request, paths)
}

#[test]
fn an_empty_required_field_is_missing_at_its_path() {
    use kabao_models::{brand, merchant};
    use kabao_proto::kabao::brand::v1 as b;
    use kabao_proto::kabao::merchant::v1 as m;

    let (request, found) = faults::<merchant::cards::CreateCard>(m::CreateCardRequest {
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
    let (request, found) = faults::<brand::cards::ListCards>(b::ListCardsRequest {
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
    let (_, found) = faults::<SyncUserPoints>(sync.clone());
    assert_eq!(found, ["point_balance is required"]);
    let (request, found) = faults::<SyncUserPoints>(b::SyncUserPointsRequest {
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
    let change: BalanceChange = Reader::read_any(change).unwrap();
    assert_same(
        "change",
        &json!({"before_balance": 100, "balance": 0, "add_balance": -100}),
        &serde_json::to_value(&change).unwrap(),
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
    let base: NewBaseInfo = Reader::read_any(message).unwrap();
    assert_eq!(base.code_type, Some(CodeType::CodeTypeQrcode));
    assert_eq!(base.color, Some(CardColor::Color010));
    assert_eq!(base.extra, Extra::default());

    // Said twice is refused, even if both mean the same.
    let message = o::NewBaseInfo {
        color: o::CardColor::CardColor010.into(),
        extra: [spelled("color", "Color010")].into(),
        ..Default::default()
    };
    let refused = Reader::read_any::<NewBaseInfo>(message).unwrap_err();
    let refused: Vec<String> = refused.iter().map(ToString::to_string).collect();
    assert_eq!(
        refused,
        ["extra[\"color\"] has a field of its own; set `color` instead"]
    );
}

#[test]
fn odd_members_of_an_answer_reach_the_caller_as_they_came() {
    use kabao_models::official_account::card::GetCardResponse as Model;
    use kabao_proto::kabao::officialaccount::v1::GetCardResponse as Message;

    let body = br#"{"errcode":0,"card":{"member_card":{"discount":8.50,"bonus_rule":[],"prerogative":"p",
        "base_info":{"location_id_list":[101,"x",{}],"url_name_type":"URL_NAME_TYPE_USE_IMMEDIATELY"}}}}"#;
    let (model, deviations) = Model::read_body(body).unwrap();
    assert_eq!(deviations.len(), 4);
    let message = Message::from_model(model);
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
    let list = ExtraOut::new({
        let mut extra = Extra::default();
        extra.insert_json("codes", "[null]".to_owned()).unwrap();
        extra
    });
    let mut extra = list;
    assert_eq!(
        extra.list::<i64, i64>("codes", Some(vec![]), |code| code),
        [0_i64; 0]
    );
    assert_eq!(extra.finish()["codes"], "[null]");
}
