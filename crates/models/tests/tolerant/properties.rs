//! Whatever becomes of one member, every other one is read as before.

use kabao_models::{AnyEndpoint, DeviationKind, operations};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value, json};

use crate::catalogue::{Catalogue, Counts};

/// An answer of every operation with every member set.
fn samples() -> Vec<(String, Value)> {
    let mut samples = Vec::new();
    for catalogue in Catalogue::all() {
        for operation in catalogue.operations() {
            let name = operation["answer"].as_str().unwrap();
            if !name.is_empty() {
                let id = operation["id"].as_str().unwrap().to_owned();
                samples.push((id, catalogue.message(name, 0, &mut Counts::default())));
            }
        }
    }
    assert!(samples.len() > 70);
    samples
}

fn request(id: &str) -> Box<dyn AnyEndpoint> {
    let operation = operations().find(|operation| operation.id == id);
    operation.unwrap().new_request()
}

/// Reads an answer and writes it again.
fn again_bytes(id: &str, body: &[u8]) -> (Value, Vec<(String, DeviationKind)>) {
    let decoded = request(id)
        .decode_answer(body)
        .unwrap_or_else(|error| panic!("{id}: {error}"));
    let written = decoded.answer.to_body().unwrap();
    (
        serde_json::from_slice(&written).unwrap(),
        decoded
            .deviations
            .into_iter()
            .map(|deviation| (deviation.path, deviation.kind))
            .collect(),
    )
}

fn again(id: &str, body: &Value) -> (Value, Vec<(String, DeviationKind)>) {
    again_bytes(id, body.to_string().as_bytes())
}

/// Every place in a message, as JSON pointers.
fn places(value: &Value, pointer: &str, found: &mut Vec<String>) {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), value))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(index, value)| (index.to_string(), value))
            .collect(),
        _ => Vec::new(),
    };
    for (step, value) in inner {
        let pointer = format!("{pointer}/{step}");
        places(value, &pointer, found);
        found.push(pointer);
    }
}

/// Checks that everything that `changed` left as it was in `original` was read as before.
fn assert_untouched(place: &str, original: &Value, changed: &Value, read: Option<&Value>) {
    if original == changed {
        assert_eq!(read, Some(original), "{place}");
        return;
    }
    match (original, changed) {
        (Value::Object(before), Value::Object(after)) => {
            let read = read.unwrap_or_else(|| panic!("{place} is lost"));
            for (name, value) in before {
                if let Some(changed) = after.get(name) {
                    assert_untouched(&format!("{place}/{name}"), value, changed, read.get(name));
                }
            }
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
            let untouched: Vec<&Value> = before
                .iter()
                .zip(after)
                .filter_map(|(before, after)| (before == after).then_some(before))
                .collect();
            let read = read.and_then(Value::as_array);
            match read {
                None => assert!(untouched.is_empty(), "{place} is lost"),
                Some(read) if read.len() == before.len() => {
                    for (index, (before, after)) in before.iter().zip(after).enumerate() {
                        let place = format!("{place}/{index}");
                        assert_untouched(&place, before, after, read.get(index));
                    }
                }
                Some(read) => {
                    let mut rest = read.iter();
                    for value in untouched {
                        assert!(rest.any(|read| read == value), "{place}: {value} is lost");
                    }
                }
            }
        }
        _ => {}
    }
}

fn replace(document: &mut Value, pointer: &str, value: Value) {
    // Another replacement may have taken the place away.
    if let Some(place) = document.pointer_mut(pointer) {
        *place = value;
    }
}

#[test]
fn every_member_of_every_answer_may_be_odd() {
    let odd = [
        json!([]),
        json!({}),
        json!(12.5),
        json!("7"),
        json!(null),
        json!(true),
        json!(-3),
        json!([null, {"a": [1]}, 2]),
        json!({"a": 1, "errcode": []}),
    ];
    let mut checked = 0;
    for (id, sample) in samples() {
        let mut found = Vec::new();
        places(&sample, "", &mut found);
        for (turn, place) in found.iter().enumerate() {
            for step in 0..2 {
                let value = odd[(turn + step * 4) % odd.len()].clone();
                let mut changed = sample.clone();
                replace(&mut changed, place, value);
                let (read, deviations) = again(&id, &changed);
                assert_untouched(&id, &sample, &changed, Some(&read));
                // What is not written as it came was told.
                if read.pointer(place) != changed.pointer(place) && !deviations.is_empty() {
                    let parts: Vec<&str> = place.split('/').skip(1).collect();
                    let is_told = deviations
                        .iter()
                        .any(|(path, _)| path.starts_with(parts[0]));
                    assert!(is_told, "{id} {place}: {deviations:?}");
                }
                checked += 1;
            }
        }
    }
    assert!(checked > 4_000, "{checked}");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e6..1e6_f64).prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        "-?[0-9]{1,20}(\\.0{1,3})?".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((".{0,6}", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_members_may_be_anything(
        sample in any::<Index>(),
        changes in prop::collection::vec((any::<Index>(), any_json()), 1..4),
    ) {
        let samples = samples_once();
        let (id, original) = sample.get(samples);
        let mut found = Vec::new();
        places(original, "", &mut found);
        let mut changed = original.clone();
        for (place, value) in changes {
            replace(&mut changed, place.get::<String>(&found), value);
        }
        let (read, _) = again(id, &changed);
        assert_untouched(id, original, &changed, Some(&read));
    }

    #[test]
    fn any_text_may_hold_any_bytes(
        sample in any::<Index>(),
        place in any::<Index>(),
        bytes in prop::collection::vec(
            prop_oneof![0x00..0x20_u8, 0x80..=0xff_u8, Just(b'a')],
            1..12,
        ),
    ) {
        const MARK: &str = "@@MARK@@";
        let samples = samples_once();
        let (id, original) = sample.get(samples);
        let mut found = Vec::new();
        places(original, "", &mut found);
        found.retain(|place| original.pointer(place).is_some_and(Value::is_string));
        prop_assume!(!found.is_empty());
        let place = place.get(&found);
        let mut changed = original.clone();
        replace(&mut changed, place, json!(MARK));
        let text = changed.to_string();
        let (before, after) = text.split_once(MARK).unwrap();
        let body = [before.as_bytes(), &bytes, after.as_bytes()].concat();

        let (read, _) = again_bytes(id, &body);
        assert_untouched(id, original, &changed, Some(&read));
        let read = read.pointer(place).and_then(Value::as_str).unwrap();
        let expected: String = String::from_utf8_lossy(&bytes)
            .chars()
            .map(|character| match character {
                '\t' | '\n' | '\r' => character,
                '\0'..' ' => char::REPLACEMENT_CHARACTER,
                other => other,
            })
            .collect();
        assert_eq!(read, expected);
    }

    #[test]
    fn no_bytes_at_all_make_the_reader_panic(
        sample in any::<Index>(),
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..6),
    ) {
        let samples = samples_once();
        let (id, original) = sample.get(samples);
        let mut body = original.to_string().into_bytes();
        for (place, byte) in changes {
            let place = place.index(body.len());
            body[place] = byte;
        }
        let is_object = serde_json::from_slice::<Map<String, Value>>(&body).is_ok();
        let is_read = request(id).decode_answer(&body).is_ok();
        // What is JSON is read; what is not may be, if only its texts are broken.
        assert!(is_read || !is_object);
    }
}

fn samples_once() -> &'static [(String, Value)] {
    static SAMPLES: std::sync::OnceLock<Vec<(String, Value)>> = std::sync::OnceLock::new();
    SAMPLES.get_or_init(samples)
}
