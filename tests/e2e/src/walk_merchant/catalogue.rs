//! The walk through a catalogue: requests come from its examples, answers are held against its fields.
//!
//! [`Walk::example`] turns the catalogue's example of an operation into the request message of its RPC, with what a
//! live sandbox needs instead. [`Walk::done`] notes that the operation was answered and checks that every field that
//! the catalogue requires of the answer is there. [`Walk::finish`] fails unless every operation was called.

use std::collections::BTreeSet;

use kabao_models::Family;
use prost::Message;
use serde_json::{Map, Value, json};

use crate::demo::MERCHANT;

mod schema;
mod wire;

use schema::Schema;

/// One walk through the family.
pub(super) struct Walk {
    schema: Schema,
    covered: BTreeSet<String>,
    /// Documented members of answers that came, as `Message.member`.
    returned: BTreeSet<String>,
}

impl Walk {
    pub(super) fn new() -> Self {
        Self {
            schema: Schema::merchant(),
            covered: BTreeSet::new(),
            returned: BTreeSet::new(),
        }
    }

    /// Returns the catalogue's example of an operation as the request of its RPC. Members of `live` replace those of
    /// the example, at every depth; `null` takes one away.
    #[track_caller]
    pub(super) fn example<R: Message + Default>(&self, operation: &str, live: Value) -> R {
        let mut members = self.schema.example(operation);
        merge(&mut members, live);
        let request = self
            .schema
            .request(operation, &MERCHANT.account(), &Value::Object(members));
        R::decode(request.as_slice()).expect("the message of the RPC has the fields of the catalogue")
    }

    /// Notes that an operation was answered, and checks the answer against the catalogue.
    #[track_caller]
    pub(super) fn done(&mut self, operation: &str, answer: &impl Message) {
        let mut seen = Seen::default();
        if let Some(message) = self.schema.answer(operation) {
            self.schema
                .hold(&message, &answer.encode_to_vec(), &mut seen);
        }
        assert!(
            seen.missing.is_empty(),
            "the answer of {operation} lacks {:?}",
            seen.missing
        );
        self.returned.append(&mut seen.returned);
        self.covered.insert(operation.to_owned());
    }

    /// Returns the documented members of answers, as `Message.member`, that no answer of the walk had.
    pub(super) fn never_returned(&self) -> Vec<String> {
        let documented = self.schema.documented();
        documented.difference(&self.returned).cloned().collect()
    }

    /// Checks that every operation of the family was called, and says how many there are.
    #[track_caller]
    pub(super) fn finish(self) {
        let all: BTreeSet<String> = kabao_models::operations()
            .filter(|operation| operation.family == Family::Merchant)
            .map(|operation| operation.id.to_owned())
            .collect();
        assert_eq!(self.covered, all);
        println!(
            "merchant: {} of {} operations",
            self.covered.len(),
            all.len()
        );
    }
}

/// What an answer has and what it lacks.
#[derive(Default)]
pub(super) struct Seen {
    returned: BTreeSet<String>,
    missing: BTreeSet<String>,
}

/// RFC 7396, at the top an object.
fn merge(members: &mut Map<String, Value>, live: Value) {
    let Value::Object(live) = live else {
        panic!("live members are an object");
    };
    for (name, value) in live {
        match value {
            Value::Null => {
                members.remove(&name);
            }
            Value::Object(_) => {
                let member = members.entry(name).or_insert_with(|| json!({}));
                if !member.is_object() {
                    *member = json!({});
                }
                merge(member.as_object_mut().unwrap(), value);
            }
            value => {
                members.insert(name, value);
            }
        }
    }
}
