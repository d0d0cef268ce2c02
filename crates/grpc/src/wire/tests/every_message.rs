//! All messages of all families, against prost-reflect, which knows them by the protos alone.

use std::collections::{BTreeSet, HashMap};

use kabao_models::{Incoming, Record, Sensitive, Shape, operations};
use prost::Message as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};
use serde_json::Value as Json;

use self::catalogue::{Catalogue, Counts, Sample};
use super::messages::{Message, pool, with_payload};
use crate::wire::{Besides, EXTRA};

#[path = "../../../../models/tests/round_trip/catalogue.rs"]
mod catalogue;

#[test]
fn the_tables_say_what_the_protos_say() {
    let pool = pool();
    let mut seen = BTreeSet::new();
    for message in Message::all() {
        let descriptor = message.descriptor(&pool);
        message.with(|record| compare(record.shape(), &descriptor, message.besides(), &mut seen));
    }
    // Every message of the family packages but the chunks of uploads and the signatures for pages.
    let expected = pool.all_messages().filter(|message| {
        let package = message.package_name();
        let is_family = package.starts_with("kabao.") && package != "kabao.v1";
        let file = message.parent_file().name().to_owned();
        let is_chunk = message.get_field_by_name("content").is_some()
            && message.get_field_by_name("filename").is_some();
        is_family && !message.is_map_entry() && !is_chunk && !file.contains("client_signature")
    });
    let missed: Vec<String> = expected
        .map(|message| message.full_name().to_owned())
        .filter(|name| !seen.contains(name))
        .collect();
    assert_eq!(missed, [""; 0]);
}

fn compare(
    shape: &'static Shape,
    descriptor: &MessageDescriptor,
    besides: Besides,
    seen: &mut BTreeSet<String>,
) {
    use kabao_models::Kind as Own;

    let name = descriptor.full_name();
    if !seen.insert(name.to_owned()) {
        return;
    }
    let extra = descriptor.get_field(EXTRA);
    assert_eq!(
        extra.is_some_and(|field| field.is_map()),
        besides.extra,
        "{name}"
    );
    let account = descriptor.get_field_by_name("account");
    assert_eq!(
        account.is_some_and(|field| field.number() == 1),
        besides.account,
        "{name}"
    );
    let own = shape.fields.iter().filter(|field| field.tag != 0);
    let others = usize::from(besides.extra) + usize::from(besides.account);
    assert_eq!(
        descriptor.fields().len(),
        own.clone().count() + others,
        "{name}"
    );
    for field in own {
        let known = descriptor.get_field(field.tag);
        let known = known.unwrap_or_else(|| panic!("{name}: no field {}", field.tag));
        let name = known.full_name();
        let letters = |name: &str| name.replace('_', "").to_ascii_lowercase();
        assert_eq!(letters(known.name()), letters(field.name));
        assert_eq!(known.is_list(), field.is_list, "{name}");
        if !matches!(field.kind, Own::Object(_)) {
            assert_eq!(
                known.supports_presence(),
                field.has_presence(shape.usage),
                "{name}"
            );
        }
        match (field.kind, known.kind()) {
            (Own::Text | Own::Personal | Own::Secret | Own::Sensitive, Kind::String)
            | (Own::Integer, Kind::Int64)
            | (Own::Boolean, Kind::Bool) => {}
            (Own::Word(words), Kind::Enum(kind)) => {
                assert_eq!(words.name, kind.name(), "{name}");
                let numbers = kind.values().map(|value| value.number());
                let own = words.values.iter().map(|(number, _)| *number);
                assert_eq!(
                    numbers
                        .filter(|number| *number != 0)
                        .collect::<BTreeSet<_>>(),
                    own.collect::<BTreeSet<_>>(),
                    "{name}"
                );
            }
            (Own::Object(inner), Kind::Message(kind)) => {
                assert_eq!(inner.name, kind.name(), "{name}");
                compare(inner, &kind, Besides::MESSAGE, seen);
            }
            (own, kind) => panic!("{name} is {kind:?}, not {own:?}"),
        }
    }
}

/// A message with every field set, which is encoded canonically.
pub(super) fn full(descriptor: &MessageDescriptor, turn: i32) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    for field in descriptor.fields() {
        let value = if field.is_map() {
            let key = MapKey::String("moon".to_owned());
            Value::Map(HashMap::from([(
                key,
                Value::String(format!("{{\"turn\":{turn}}}")),
            )]))
        } else if field.is_list() {
            Value::List((0..3).map(|entry| single(&field, turn + entry)).collect())
        } else {
            single(&field, turn)
        };
        message.set_field(&field, value);
    }
    message
}

fn single(field: &FieldDescriptor, turn: i32) -> Value {
    match field.kind() {
        Kind::String => Value::String(format!("{} 会员 {turn}", field.name())),
        // Negative and large ones take ten bytes.
        Kind::Int64 => Value::I64(i64::from(turn - 1) * 9_007_199_254_740_993),
        Kind::Bool => Value::Bool(turn % 2 == 0),
        Kind::Enum(kind) => {
            let values: Vec<i32> = kind.values().map(|value| value.number()).collect();
            let known = values.iter().filter(|number| **number != 0);
            let turn = usize::try_from(turn).unwrap();
            Value::EnumNumber(*known.cycle().nth(turn).unwrap())
        }
        Kind::Message(kind) => Value::Message(full(&kind, turn)),
        kind => panic!("{kind:?}"),
    }
}

#[test]
fn what_others_write_is_read_and_written_again_byte_for_byte() {
    let pool = pool();
    for message in Message::all() {
        let descriptor = message.descriptor(&pool);
        for turn in 0..4 {
            let name = format!("{} {turn}", message.name());
            let mut sent = full(&descriptor, turn);
            let bytes = sent.encode_to_vec();
            let written = message.read(&bytes, |account, violations, record| {
                assert_eq!(violations, [""; 0], "{name}");
                assert_eq!(account.is_empty(), !message.besides().account, "{name}");
                message.write(record)
            });
            // The account is nothing of the model.
            if message.besides().account {
                sent.clear_field_by_name("account");
            }
            assert_eq!(written.unwrap(), sent.encode_to_vec(), "{name}");
        }
    }
}

#[test]
fn an_empty_message_is_an_empty_model() {
    for message in Message::all() {
        let written = message.read(&[], |account, violations, record| {
            assert_eq!((account, violations.len()), ("", 0));
            message.with(|empty| assert!(record.is_same(empty)));
            message.write(record)
        });
        assert_eq!(written.unwrap(), [0; 0], "{}", message.name());
    }
}

/// What is written from a model is read by others as `json` has it, and comes back whole.
fn check(message: Message, record: &mut dyn Record, json: &Json) {
    let bytes = message.write(record);
    let read = DynamicMessage::decode(message.descriptor(&pool()), bytes.as_slice()).unwrap();
    assert_eq!(read.encode_to_vec(), bytes, "{}", message.name());
    assert_holds(&message.name(), record.shape(), json, &read);
    // A message holds sensitive fields in clear.
    record.visit_sensitive(&mut |field| {
        *field = Sensitive::Plain(std::mem::take(field).into_exposed());
    });
    message.read(&bytes, |_, violations, again| {
        assert_eq!(violations, [""; 0]);
        assert!(record.is_same(again), "{}", message.name());
    });
}

/// Every member of the JSON has its place.
fn assert_holds(what: &str, shape: &'static Shape, json: &Json, message: &DynamicMessage) {
    assert_eq!(message.unknown_fields().count(), 0, "{what}");
    for (name, member) in json.as_object().unwrap() {
        let what = format!("{what}.{name}");
        let index = shape.field(name).unwrap_or_else(|| panic!("{what}"));
        let field = &shape.fields[index];
        let value = message.get_field_by_number(field.tag).unwrap();
        match (member, &*value) {
            (Json::Array(members), Value::List(values)) => {
                assert_eq!(members.len(), values.len(), "{what}");
                for (member, value) in members.iter().zip(values) {
                    assert_is(&what, field, member, value);
                }
            }
            // What the enumeration does not know.
            (member, Value::EnumNumber(0)) => {
                let extra = message.get_field_by_number(EXTRA).unwrap();
                let text = extra.as_map().unwrap().get(&MapKey::String(name.clone()));
                assert_eq!(text.unwrap().as_str(), Some(&*member.to_string()), "{what}");
            }
            (member, value) => assert_is(&what, field, member, value),
        }
    }
}

fn assert_is(what: &str, field: &kabao_models::Field, json: &Json, value: &Value) {
    let is_it = match (field.kind, value) {
        (kabao_models::Kind::Word(words), Value::EnumNumber(number)) => {
            words.text(*number) == json.as_str()
        }
        (kabao_models::Kind::Object(shape), Value::Message(message)) => {
            return assert_holds(what, shape, json, message);
        }
        (_, Value::String(text)) => json.as_str() == Some(text),
        (_, Value::I64(number)) => {
            let text = json.as_str().and_then(|text| text.parse().ok());
            json.as_i64().or(text) == Some(*number)
        }
        (_, Value::Bool(truth)) => json.as_bool() == Some(*truth),
        _ => false,
    };
    assert!(is_it, "{what}: {json} became {value:?}");
}

#[test]
fn every_operation_round_trips_through_its_messages() {
    let mut checked = 0;
    for catalogue in Catalogue::all() {
        for known in catalogue.operations() {
            let id = known["id"].as_str().unwrap();
            let operation = operations().find(|operation| operation.id == id).unwrap();
            let turns = || 0..catalogue.turns();
            // AppID and secret are no fields of the message: the gateway fills them in.
            if operation.upload.is_none() && operation.credentials().is_empty() {
                let full = turns().map(|turn| Sample::full(&catalogue, known, turn));
                for sample in std::iter::once(Sample::example(&catalogue, known)).chain(full) {
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
                        .unwrap();
                    let mut json = sample
                        .json_body
                        .clone()
                        .unwrap_or_else(|| Json::Object(Default::default()));
                    json.as_object_mut().unwrap().extend(sample.path.clone());
                    json.as_object_mut().unwrap().extend(sample.query.clone());
                    check(Message::Request(operation), &mut *request, &json);
                }
            }
            let name = known["answer"].as_str().unwrap();
            if !name.is_empty() {
                let full =
                    turns().map(|turn| catalogue.message(name, turn, &mut Counts::default()));
                for json in known
                    .get("example_response")
                    .cloned()
                    .into_iter()
                    .chain(full)
                {
                    let request = operation.new_request();
                    let mut decoded = request.decode_answer(json.to_string().as_bytes()).unwrap();
                    assert_eq!(decoded.deviations, [], "{id}");
                    check(Message::Answer(operation), &mut *decoded.answer, &json);
                }
            }
            checked += 1;
        }
    }
    assert_eq!(checked, operations().count());
}

#[test]
fn every_notification_round_trips_through_its_message() {
    let mut checked = 0;
    for catalogue in Catalogue::all() {
        for known in catalogue.notifications() {
            let event = known["event_type"].as_str().unwrap();
            let payload = known["payload"].as_str().unwrap();
            let message = Message::all().into_iter().find(|message| {
                matches!(message, Message::Notification(family, known)
                    if *family == catalogue.family && *known == event)
            });
            let full = (0..catalogue.turns())
                .map(|turn| catalogue.message(payload, turn, &mut Counts::default()));
            for json in known.get("example").cloned().into_iter().chain(full) {
                let text = json.to_string();
                with_payload(&catalogue.family, event, text.as_bytes(), |record| {
                    check(message.unwrap(), record, &json);
                });
            }
            checked += 1;
        }
    }
    assert_eq!(checked, 29);
}
