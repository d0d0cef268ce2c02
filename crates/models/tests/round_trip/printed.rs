//! What a message prints of itself goes to logs and into panics: nothing of a user, and no secret.

use bytes::Bytes;
use kabao_models::{
    Kind, List, Record, Sensitive, Slot, Value, brand, merchant, official_account, operations,
};

/// Stands in each field that may hold something of a user, and nowhere else.
const CANARY: &str = "canary-13800000417";

/// Returns how many fields hold the canary now.
fn fill(record: &mut dyn Record) -> usize {
    let json = format!("{{\"phone\": \"{CANARY}\"}}");
    record.extra_mut().insert_json("moon", json).unwrap();
    let shape = record.shape();
    let mut filled = 1;
    for (index, field) in shape.fields.iter().enumerate() {
        let slot = record.slot(index).unwrap();
        filled += match field.is_list {
            true => entry(field.kind, slot.list().unwrap()),
            false => single(field.kind, slot),
        };
    }
    filled
}

fn entry(kind: Kind, list: &mut dyn List) -> usize {
    match (kind, value(kind)) {
        (Kind::Object(_), _) => fill(list.push_object().unwrap()),
        (_, Some(value)) => usize::from(list.push(value)),
        _ => 0,
    }
}

fn single(kind: Kind, slot: &mut dyn Slot) -> usize {
    match (kind, value(kind)) {
        (Kind::Object(_), _) => fill(slot.object().unwrap()),
        (_, Some(value)) => usize::from(slot.set(value)),
        _ => 0,
    }
}

fn value(kind: Kind) -> Option<Value<'static>> {
    match kind {
        Kind::Personal | Kind::Secret => Some(Value::Text(CANARY.into())),
        Kind::Sensitive => Some(Value::Sensitive(Sensitive::plain(CANARY))),
        Kind::Bytes => Some(Value::Bytes(Bytes::from_static(CANARY.as_bytes()))),
        _ => None,
    }
}

fn check(id: &str, message: &mut dyn Record) -> usize {
    let filled = fill(message);
    for printed in [format!("{message:?}"), format!("{message:#?}")] {
        assert!(!printed.contains("13800000417"), "{id}: {printed}");
        assert!(!printed.contains("49, 51, 56"), "{id}: {printed}");
    }
    filled
}

#[test]
fn no_message_prints_what_it_holds_of_a_user_or_a_secret() {
    let mut filled = 0;
    for operation in operations() {
        filled += check(operation.id, &mut *operation.new_request());
        filled += check(operation.id, &mut *operation.new_answer());
    }
    macro_rules! notifications {
        ($($family:ident),*) => {$(
            for known in $family::notifications::NOTIFICATIONS {
                let event = known.event_type;
                let mut message = $family::Notification::parse(event, b"{}").unwrap().unwrap();
                filled += check(event, message.payload_mut());
            }
        )*};
    }
    notifications!(merchant, brand, official_account);
    assert!(filled > 1_000, "{filled}");
}
