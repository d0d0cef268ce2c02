//! The worked requests of `docs/reference` are requests: each is read as clients by reflection read proto's JSON.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::Value;

/// The requests by their methods.
fn worked() -> BTreeMap<String, Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference");
    let folders = ["", "brand", "merchant", "officialaccount"];
    let mut found = BTreeMap::new();
    for entry in folders
        .iter()
        .flat_map(|folder| fs::read_dir(root.join(folder)).unwrap())
    {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let page = fs::read_to_string(path).unwrap();
        for command in page.split("grpcurl -plaintext -d '").skip(1) {
            let (request, rest) = command
                .split_once("' \\\n  localhost:50051 ")
                .unwrap_or_else(|| panic!("{command:.200}"));
            let method = rest.lines().next().unwrap().to_owned();
            let request = serde_json::from_str(request).unwrap();
            assert!(found.insert(method, request).is_none(), "{rest:.200}");
        }
    }
    found
}

/// Every member is a field, and its value fits.
fn check(descriptor: &MessageDescriptor, json: &Value) {
    for (name, value) in json.as_object().unwrap() {
        let field = descriptor.get_field_by_name(name);
        let field = field.unwrap_or_else(|| panic!("{} has no {name}", descriptor.full_name()));
        match value {
            Value::Object(texts) if field.is_map() => assert!(texts.values().all(Value::is_string)),
            Value::Array(values) if field.is_list() => {
                values.iter().for_each(|value| check_value(&field, value));
            }
            value => check_value(&field, value),
        }
    }
}

fn check_value(field: &FieldDescriptor, value: &Value) {
    let fits = match field.kind() {
        Kind::String | Kind::Bytes => value.is_string(),
        Kind::Int64 => value.is_i64(),
        Kind::Int32 => value
            .as_i64()
            .is_some_and(|number| i32::try_from(number).is_ok()),
        Kind::Bool => value.is_boolean(),
        Kind::Enum(kind) => value
            .as_str()
            .is_some_and(|name| kind.get_value_by_name(name).is_some()),
        Kind::Message(kind) => return check(&kind, value),
        _ => false,
    };
    assert!(fits, "{value} is no value of {}", field.full_name());
}

#[test]
fn every_method_has_a_worked_request_that_its_message_can_hold() {
    let pool = DescriptorPool::decode(kabao_proto::DESCRIPTOR_SET).unwrap();
    let mut requests = worked();
    for service in pool.services() {
        if !service.full_name().starts_with("kabao.") {
            continue;
        }
        for method in service.methods() {
            let name = format!("{}/{}", service.full_name(), method.name());
            let request = requests
                .remove(&name)
                .unwrap_or_else(|| panic!("{name} has no worked request"));
            check(&method.input(), &request);
        }
    }
    assert!(
        requests.is_empty(),
        "no such methods: {:?}",
        requests.keys()
    );
}
