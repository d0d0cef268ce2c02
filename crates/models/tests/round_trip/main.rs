//! Every operation, parameter, member, enumeration value and example of the catalogue goes
//! through the models and back without loss, in both directions of HTTP.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod archive;
mod catalogue;
mod printed;

use std::collections::BTreeSet;

use catalogue::{Catalogue, Sample, assert_same};
use kabao_models::{
    Answer as _, Endpoint as _, Incoming, Operation, Record, Sensitive, operations,
};
use serde_json::{Map, Value, json};

fn operation(id: &str) -> &'static Operation {
    operations().find(|operation| operation.id == id).unwrap()
}

/// Server side first: a request as it stands on the wire, read and written again.
fn round_trip_request(id: &str, sample: &Sample) {
    let operation = operation(id);
    let (target, body) = sample.to_wire(operation.path);
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let (content_type, body) = sample.encode_body(body);
    let mut request = operation.new_request();
    request
        .read_http(Incoming {
            path,
            query,
            content_type: content_type.as_deref(),
            body: &body,
        })
        .unwrap_or_else(|error| panic!("{id}: {error}"));
    let written = request.to_http().unwrap();
    assert_eq!(written.method, operation.method, "{id}");
    let (again_path, again_query) = written
        .target
        .split_once('?')
        .unwrap_or((&written.target, ""));
    assert_eq!(again_path, path, "{id}");
    assert_eq!(pairs(again_query), pairs(query), "{id}");
    let mut again = operation.new_request();
    again
        .read_http(Incoming {
            path: again_path,
            query: again_query,
            content_type: written.content_type.as_deref(),
            body: &written.body,
        })
        .unwrap();
    let (one, other): (&dyn Record, &dyn Record) = (&*request, &*again);
    assert!(one.is_same(other), "{id}: {one:?} is not {other:?}");
    if let Some(expected) = &sample.json_body {
        let actual: Value = serde_json::from_slice(&written.signed).unwrap();
        assert_same(id, expected, &actual);
    }
    assert_eq!(
        count_sensitive(&mut *request),
        sample.sensitive,
        "{id}: sensitive fields"
    );
}

fn round_trip_answer(id: &str, json: &Value, sensitive: Option<usize>) {
    let operation = operation(id);
    let text = json.to_string();
    let request = operation.new_request();
    let mut decoded = request
        .decode_answer(text.as_bytes())
        .unwrap_or_else(|error| panic!("{id}: {error}"));
    assert_eq!(decoded.deviations, [], "{id}");
    if operation.success == 204 {
        return;
    }
    let written: Value = serde_json::from_slice(&decoded.answer.to_body().unwrap()).unwrap();
    assert_same(id, json, &written);
    if let Some(expected) = sensitive {
        assert_eq!(
            count_sensitive(&mut *decoded.answer),
            expected,
            "{id}: sensitive fields of the answer"
        );
    }
}

fn count_sensitive(message: &mut dyn Record) -> usize {
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
    assert_eq!(operations().count(), listed.len(), "two have one id");
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
            round_trip_request(id, &sample);
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
                round_trip_request(id, &sample);
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
                round_trip_answer(id, json, None);
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
                round_trip_answer(id, &json, Some(counts.sensitive));
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
    round_trip_answer("merchant.user_cards.get", &json, Some(0));

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
fn an_event_of_an_official_account_may_say_its_own_name_however_it_is_spelled() {
    use kabao_models::official_account::notifications::{NOTIFICATIONS, Notification};

    for known in NOTIFICATIONS {
        let capital = format!(
            "{}{}",
            known.event_type[..1].to_uppercase(),
            &known.event_type[1..]
        );
        for spelled in [known.event_type, &capital] {
            let body = json!({ "Event": spelled }).to_string();
            let read = Notification::parse(spelled, body.as_bytes()).unwrap();
            let read = read.unwrap_or_else(|| panic!("{spelled} is not known"));
            assert_eq!(read.event_type(), known.event_type);
            let shape = read.payload().shape();
            let names = shape.fields[shape.field("Event").unwrap()].limits.values;
            assert!(
                names.contains(&known.event_type),
                "{spelled} is not in {names:?}"
            );
        }
    }
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
    let violations = |id: &str, sample: &Sample| -> Vec<String> {
        let mut request = operation(id).new_request();
        let (target, body) = sample.to_wire(operation(id).path);
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let (content_type, body) = sample.encode_body(body);
        let incoming = Incoming {
            path,
            query,
            content_type: content_type.as_deref(),
            body: &body,
        };
        request.read_http(incoming).unwrap();
        let found = request.strict_violations();
        found.iter().map(ToString::to_string).collect()
    };
    let mut refused = 0;
    for catalogue in Catalogue::all() {
        for operation in catalogue.operations() {
            let id = operation["id"].as_str().unwrap();
            let example = Sample::example(&catalogue, operation);
            let found = violations(id, &example);
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
            let found: BTreeSet<String> = violations(id, &bare).into_iter().collect();
            assert_eq!(found, required, "{id}");
            refused += required.len();
        }
    }
    assert!(refused > 100);
}
