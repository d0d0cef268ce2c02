//! The catalogue of a family, read as the schema of its messages.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Seen;
use super::wire::{self, Field};

/// The field number of what JSON has and a message cannot express.
const EXTRA: u64 = 1000;

/// A catalogue.
pub(super) struct Schema(Value);

impl Schema {
    pub(super) fn merchant() -> Self {
        let text = include_str!("../../../../../crates/models/catalogue/merchant.json");
        Self(serde_json::from_str(text).unwrap())
    }

    fn operation(&self, id: &str) -> &Value {
        let operations = self.0["operations"].as_array().unwrap();
        let found = operations.iter().find(|operation| operation["id"] == id);
        found.unwrap_or_else(|| panic!("the catalogue has no {id}"))
    }

    /// Path, query and body of an example in one object.
    pub(super) fn example(&self, id: &str) -> Map<String, Value> {
        let example = self.operation(id)["example_request"].as_object();
        let parts = example.into_iter().flat_map(|example| example.values());
        parts
            .filter_map(Value::as_object)
            .flat_map(Map::clone)
            .collect()
    }

    /// The name of the message that answers an operation.
    pub(super) fn answer(&self, id: &str) -> Option<String> {
        self.operation(id)["answer"].as_str().map(str::to_owned)
    }

    /// Writes a request as protobuf.
    pub(super) fn request(&self, id: &str, account: &str, members: &Value) -> Vec<u8> {
        let mut out = Vec::new();
        wire::write_text(&mut out, 1, account);
        self.write(&self.operation(id)["request"], members, &mut out);
        out
    }

    fn write(&self, fields: &Value, members: &Value, out: &mut Vec<u8>) {
        for (name, value) in members.as_object().expect("an object") {
            let field = fields.as_array().unwrap().iter().find(|field| wire_name(field) == name);
            let field = field.unwrap_or_else(|| panic!("the catalogue has no member {name}"));
            match value.as_array() {
                Some(entries) => entries.iter().for_each(|entry| self.write_one(field, entry, out)),
                None => self.write_one(field, value, out),
            }
        }
    }

    fn write_one(&self, field: &Value, value: &Value, out: &mut Vec<u8>) {
        let number = field["number"].as_u64().unwrap();
        let kind = field["type"].as_str().unwrap().trim_end_matches("[]");
        if let Some(name) = kind.strip_prefix("enum ") {
            let values = self.0["enums"][name]["values"].as_array().unwrap();
            let known = values.iter().find(|known| known["wire"] == *value);
            let known = known.unwrap_or_else(|| panic!("{name} has no value {value}"));
            return wire::write_integer(out, number, known["number"].as_i64().unwrap());
        }
        match (self.0["messages"].get(kind), value) {
            (Some(message), value) => {
                let mut inner = Vec::new();
                self.write(&message["fields"], value, &mut inner);
                wire::write_bytes(out, number, &inner);
            }
            (None, Value::String(text)) => wire::write_text(out, number, text),
            (None, Value::Bool(value)) => wire::write_integer(out, number, i64::from(*value)),
            (None, Value::Number(value)) => {
                wire::write_integer(out, number, value.as_i64().unwrap());
            }
            (None, value) => panic!("{} cannot be {value}", wire_name(field)),
        }
    }

    /// Holds an encoded message against its documented members.
    pub(super) fn hold(&self, message: &str, bytes: &[u8], seen: &mut Seen) {
        let present = wire::read(bytes);
        let extra: BTreeSet<String> = present
            .iter()
            .filter(|(number, _)| *number == EXTRA)
            .filter_map(|(_, field)| wire::read(field.bytes()).into_iter().find(|(number, _)| *number == 1))
            .map(|(_, key)| String::from_utf8(key.bytes().to_vec()).unwrap())
            .collect();
        for field in self.fields(message) {
            let name = format!("{message}.{}", wire_name(field));
            let number = field["number"].as_u64().unwrap();
            let found: Vec<&Field> = present
                .iter()
                .filter(|(present, _)| *present == number)
                .map(|(_, field)| field)
                .collect();
            if found.is_empty() && !extra.contains(wire_name(field)) {
                if field["required"] == true {
                    seen.missing.insert(name);
                }
                continue;
            }
            seen.returned.insert(name);
            let kind = field["type"].as_str().unwrap().trim_end_matches("[]");
            if self.0["messages"].get(kind).is_some() {
                for entry in found {
                    self.hold(kind, entry.bytes(), seen);
                }
            }
        }
    }

    fn fields(&self, message: &str) -> &[Value] {
        self.0["messages"][message]["fields"]
            .as_array()
            .unwrap_or_else(|| panic!("the catalogue has no message {message}"))
    }

    /// Every member of every message that answers can have.
    pub(super) fn documented(&self) -> BTreeSet<String> {
        let mut members = BTreeSet::new();
        let mut done = BTreeSet::new();
        let mut open: Vec<String> = self.0["operations"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|operation| operation["answer"].as_str().map(str::to_owned))
            .collect();
        while let Some(message) = open.pop() {
            if !done.insert(message.clone()) {
                continue;
            }
            for field in self.fields(&message) {
                members.insert(format!("{message}.{}", wire_name(field)));
                let kind = field["type"].as_str().unwrap().trim_end_matches("[]");
                if self.0["messages"].get(kind).is_some() {
                    open.push(kind.to_owned());
                }
            }
        }
        members
    }
}

/// What JSON calls a member.
fn wire_name(field: &Value) -> &str {
    let name = field.get("wire").unwrap_or(&field["name"]);
    name.as_str().unwrap()
}
