//! Every operation, parameter, member, enumeration value and example of the catalogue goes
//! through the models and back without loss, in both directions of HTTP.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod catalogue;

use std::collections::BTreeSet;

use catalogue::{Catalogue, Sample, assert_same};
use kabao_models::{
    Answer, Endpoint, Incoming, OperationVisitor, Sensitive, VisitSensitive, operations,
    visit_operation,
};
use serde_json::{Map, Value, json};

/// Server side first: a request as it stands on the wire, read and written again.
struct Request<'s> {
    id: &'s str,
    sample: &'s Sample,
}

impl OperationVisitor for Request<'_> {
    type Output = ();

    fn visit<E: Endpoint>(self) {
        let (target, body) = self.sample.to_wire(E::OPERATION.path);
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let (content_type, body) = self.sample.encode_body(body);
        let incoming = Incoming {
            path,
            query,
            content_type: content_type.as_deref(),
            body: &body,
        };
        let request = E::from_http(incoming).unwrap_or_else(|error| panic!("{}: {error}", self.id));
        let written = request.into_http().unwrap();
        assert_eq!(written.method, E::OPERATION.method, "{}", self.id);
        let again_content_type = written.content_type.clone();
        let (again_path, again_query) = written
            .target
            .split_once('?')
            .unwrap_or((&written.target, ""));
        assert_eq!(again_path, path, "{}", self.id);
        assert_eq!(pairs(again_query), pairs(query), "{}", self.id);
        let again = E::from_http(Incoming {
            path: again_path,
            query: again_query,
            content_type: again_content_type.as_deref(),
            body: &written.body,
        })
        .unwrap();
        assert_eq!(again, request, "{}", self.id);
        if let Some(expected) = &self.sample.json_body {
            let actual: Value = serde_json::from_slice(&written.signed).unwrap();
            assert_same(self.id, expected, &actual);
        }
        assert_eq!(
            count_sensitive(request),
            self.sample.sensitive,
            "{}: sensitive fields",
            self.id
        );
    }
}

struct AnswerOf<'s> {
    id: &'s str,
    json: &'s Value,
    sensitive: Option<usize>,
}

impl OperationVisitor for AnswerOf<'_> {
    type Output = ();

    fn visit<E: Endpoint>(self) {
        let text = self.json.to_string();
        let (answer, deviations) =
            E::Answer::read_body(text.as_bytes()).unwrap_or_else(|e| panic!("{}: {e}", self.id));
        assert_eq!(deviations, [], "{}", self.id);
        if E::OPERATION.success == 204 {
            return;
        }
        let written: Value = serde_json::from_slice(&answer.into_body().unwrap()).unwrap();
        assert_same(self.id, self.json, &written);
        if let Some(expected) = self.sensitive {
            assert_eq!(
                count_sensitive(answer),
                expected,
                "{}: sensitive fields of the answer",
                self.id
            );
        }
    }
}

fn count_sensitive(mut message: impl VisitSensitive) -> usize {
    let mut count = 0;
    message.visit_sensitive(&mut |field: &mut Sensitive| {
        assert!(
            !field.is_plain(),
            "what was on the wire counts as encrypted"
        );
        count += 1;
    });
    count
}

fn pairs(query: &str) -> BTreeSet<&str> {
    query.split('&').filter(|pair| !pair.is_empty()).collect()
}

#[test]
fn the_catalogue_and_the_models_have_the_same_operations() {
    let listed: BTreeSet<String> = operations()
        .map(|operation| operation.id.to_owned())
        .collect();
    let catalogued: BTreeSet<String> = Catalogue::all()
        .iter()
        .flat_map(|catalogue| {
            catalogue
                .operations()
                .map(|o| o["id"].as_str().unwrap().to_owned())
        })
        .collect();
    assert_eq!(listed, catalogued);
    assert_eq!(listed.len(), 119);
    let notifications: usize = Catalogue::all()
        .iter()
        .map(|c| c.notifications().count())
        .sum();
    assert_eq!(notifications, 29);
}

#[test]
fn every_example_request_round_trips() {
    for catalogue in Catalogue::all() {
        for operation in catalogue.operations() {
            let id = operation["id"].as_str().unwrap();
            let sample = Sample::example(&catalogue, operation);
            visit_operation(
                id,
                Request {
                    id,
                    sample: &sample,
                },
            )
            .unwrap();
        }
    }
}

#[test]
fn every_parameter_and_member_of_every_request_round_trips() {
    let mut fields = 0;
    for catalogue in Catalogue::all() {
        for operation in catalogue.operations() {
            let id = operation["id"].as_str().unwrap();
            for turn in 0..catalogue.turns() {
                let sample = Sample::full(&catalogue, operation, turn);
                fields += sample.fields;
                visit_operation(
                    id,
                    Request {
                        id,
                        sample: &sample,
                    },
                )
                .unwrap();
            }
        }
    }
    assert!(fields > 1_000, "only {fields} fields were tried");
}

#[test]
fn every_example_answer_round_trips() {
    for catalogue in Catalogue::all() {
        for operation in catalogue.operations() {
            let id = operation["id"].as_str().unwrap();
            if let Some(json) = operation.get("example_response") {
                visit_operation(
                    id,
                    AnswerOf {
                        id,
                        json,
                        sensitive: None,
                    },
                )
                .unwrap();
            }
        }
    }
}

#[test]
fn every_member_and_enumeration_value_of_every_answer_round_trips() {
    for catalogue in Catalogue::all() {
        for operation in catalogue.operations() {
            let id = operation["id"].as_str().unwrap();
            let name = operation["answer"].as_str().unwrap();
            if name.is_empty() {
                continue;
            }
            for turn in 0..catalogue.turns() {
                let mut counts = Default::default();
                let json = catalogue.message(name, turn, &mut counts);
                visit_operation(
                    id,
                    AnswerOf {
                        id,
                        json: &json,
                        sensitive: Some(counts.sensitive),
                    },
                )
                .unwrap();
            }
        }
    }
}

#[test]
fn an_unknown_value_and_an_unknown_member_survive() {
    let json = json!({
        "code": "1",
        "user_card_status": "FROZEN_BY_MOON",
        "bonus_value": 9007199254740993_i64,
        "moon_phase": {"name": "下弦", "share": 0.125, "big": 18446744073709551615_u64},
        "user_information": {"common_field_list": [{"name": "USER_FORM_FLAG_MOON", "value": "x", "since": 3}]},
    });
    visit_operation(
        "merchant.user_cards.get",
        AnswerOf {
            id: "merchant.user_cards.get",
            json: &json,
            sensitive: Some(0),
        },
    )
    .unwrap();

    // The text itself is kept: no digit of a large number is lost.
    let text = r#"{"a":1,"x":123456789012345678901234567890.000000000000000000001}"#;
    let answer = kabao_models::merchant::cards::Card::from_body(text.as_bytes()).unwrap();
    let written = answer.into_body().unwrap();
    assert!(
        std::str::from_utf8(&written)
            .unwrap()
            .contains("123456789012345678901234567890.000000000000000000001")
    );
}

#[test]
fn absent_empty_and_null_are_told_apart_where_the_wire_does() {
    use kabao_models::merchant::cards::Card;
    let absent = Card::from_body(b"{}").unwrap();
    let null = Card::from_body(br#"{"title":null}"#).unwrap();
    let empty = Card::from_body(br#"{"title":""}"#).unwrap();
    assert_eq!(absent.title, None);
    assert_eq!(null.title, None);
    assert_eq!(empty.title.as_deref(), Some(""));
    assert_eq!(empty.into_body().unwrap(), br#"{"title":""}"#.as_slice());
}

#[test]
fn a_wrong_json_type_in_a_request_is_refused_with_its_place_and_without_its_value() {
    let incoming = Incoming {
        path: "/v3/marketing/membercard-open/cards/p1",
        query: "",
        content_type: Some("application/json"),
        body: b"{\n \"title\": 13800000417}",
    };
    let error = kabao_models::merchant::cards::UpdateCard::from_http(incoming).unwrap_err();
    assert_eq!(error.position().map(|(line, _)| line), Some(2));
    assert!(!error.to_string().contains("13800000417"));
}

#[test]
fn every_notification_round_trips() {
    for catalogue in Catalogue::all() {
        for notification in catalogue.notifications() {
            let event = notification["event_type"].as_str().unwrap();
            let payload = notification["payload"].as_str().unwrap();
            let mut samples: Vec<Value> = (0..catalogue.turns())
                .map(|turn| catalogue.message(payload, turn, &mut Default::default()))
                .collect();
            samples.extend(notification.get("example").cloned());
            for sample in samples {
                let text = sample.to_string();
                let written = catalogue::notification(&catalogue.family, event, text.as_bytes());
                assert_same(event, &sample, &serde_json::from_slice(&written).unwrap());
            }
        }
    }
    assert!(
        kabao_models::merchant::Notification::parse("MOON.RISEN", b"{}")
            .unwrap()
            .is_none()
    );
}

#[test]
fn limits_of_the_catalogue_are_checked_and_examples_keep_them() {
    struct Strict<'s>(&'s Sample);
    impl OperationVisitor for Strict<'_> {
        type Output = Vec<String>;
        fn visit<E: Endpoint>(self) -> Vec<String> {
            let (target, body) = self.0.to_wire(E::OPERATION.path);
            let (path, query) = target.split_once('?').unwrap_or((&target, ""));
            let (content_type, body) = self.0.encode_body(body);
            let incoming = Incoming {
                path,
                query,
                content_type: content_type.as_deref(),
                body: &body,
            };
            E::from_http(incoming)
                .unwrap()
                .strict_violations()
                .iter()
                .map(ToString::to_string)
                .collect()
        }
    }
    let mut refused = 0;
    for catalogue in Catalogue::all() {
        for operation in catalogue.operations() {
            let id = operation["id"].as_str().unwrap();
            let example = Sample::example(&catalogue, operation);
            let found = visit_operation(id, Strict(&example)).unwrap();
            assert!(found.is_empty(), "{id}: the example breaks {found:?}");

            // Without any member, exactly the required ones are missed.
            let mut bare = Sample::example(&catalogue, operation);
            bare.query = Map::new();
            bare.json_body = bare.json_body.map(|_| json!({}));
            bare.file = None;
            if operation["body"] == "multipart" {
                continue;
            }
            let required: BTreeSet<String> = operation["request"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|field| {
                    field["required"] == true && field.get("in") != Some(&json!("path"))
                })
                .map(|field| format!("{} is required", field["name"].as_str().unwrap()))
                .collect();
            let found: BTreeSet<String> = visit_operation(id, Strict(&bare))
                .unwrap()
                .into_iter()
                .collect();
            assert_eq!(found, required, "{id}");
            refused += required.len();
        }
    }
    assert!(refused > 100);
}
