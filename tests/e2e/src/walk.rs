//! A walk through the catalogue of a family: examples as requests, answers as documented.
//!
//! Requests and answers are JSON with WeChat's names and values; on the wire they are our protos, found by the
//! descriptors that callers get by reflection.

mod dynamic;

use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::{DescriptorPool, MethodDescriptor};
use serde_json::{Value, json};
use tonic::{Response, Status};
use tonic_types::StatusExt;

use self::dynamic::{message, shown, snake};
use crate::canaries;
use crate::demo::Demo;
use crate::refusal::Refusal;
use crate::world::World;

/// What a PNG picture begins with, which is enough to be one.
pub(crate) const PNG: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

/// Goes through one family with one account.
pub(crate) struct Walk<'w> {
    world: &'w World,
    account: String,
    catalogue: Value,
    pool: DescriptorPool,
    package: &'static str,
    /// The operations that succeeded, and which of their documented fields were answered.
    covered: BTreeMap<String, BTreeSet<String>>,
}

impl<'w> Walk<'w> {
    pub(crate) fn new(world: &'w World, demo: &Demo) -> Self {
        let (catalogue, package) = match demo.account {
            "demo-merchant" => (
                include_str!("../../../crates/models/catalogue/merchant.json"),
                "kabao.merchant.v1",
            ),
            "demo-brand" => (
                include_str!("../../../crates/models/catalogue/brand.json"),
                "kabao.brand.v1",
            ),
            _ => (
                include_str!("../../../crates/models/catalogue/official_account.json"),
                "kabao.officialaccount.v1",
            ),
        };
        Self {
            world,
            account: demo.account(),
            catalogue: serde_json::from_str(catalogue).unwrap(),
            pool: DescriptorPool::decode(kabao_proto::DESCRIPTOR_SET).unwrap(),
            package,
            covered: BTreeMap::new(),
        }
    }

    pub(crate) fn world(&self) -> &'w World {
        self.world
    }

    fn operation(&self, id: &str) -> &Value {
        let mut operations = self.catalogue["operations"].as_array().unwrap().iter();
        operations
            .find(|operation| operation["id"] == id)
            .unwrap_or_else(|| panic!("there is no operation {id}"))
    }

    /// The request of WeChat's documents, its path, query and body in one.
    ///
    /// Where they only say that a file is sent, it is the smallest one that shows its type, byte by byte.
    pub(crate) fn example(&self, id: &str) -> Value {
        let mut members = serde_json::Map::new();
        let operation = self.operation(id);
        if operation["body"] == "multipart" {
            let body = &operation["example_request"]["body"];
            let names = [&body["filename"], &body["meta"]["filename"]];
            let filename = names.into_iter().find(|name| name.is_string()).unwrap();
            return json!({ "filename": filename, "content": PNG });
        }
        let parts = operation["example_request"].as_object().unwrap();
        for part in parts.values() {
            members.extend(part.as_object().unwrap().clone());
        }
        Value::Object(members)
    }

    /// The members that a request must have, in the order of the alphabet.
    pub(crate) fn required(&self, id: &str) -> Vec<String> {
        let fields = self.operation(id)["request"].as_array().unwrap().iter();
        let mut names: Vec<_> = fields
            .filter(|field| field["required"] == true)
            .map(|field| snake(field["name"].as_str().unwrap()))
            .collect();
        names.sort();
        names
    }

    fn method(&self, id: &str) -> MethodDescriptor {
        let rpc = self.operation(id)["rpc"].as_str().unwrap();
        let mut methods = self
            .pool
            .services()
            .filter(|service| service.package_name() == self.package)
            .flat_map(|service| service.methods().collect::<Vec<_>>())
            .filter(|method| method.name() == rpc);
        let method = methods.next().unwrap_or_else(|| panic!("no RPC {rpc}"));
        assert!(methods.next().is_none(), "{rpc} is not unique");
        method
    }

    /// The operations that have an RPC of their own.
    pub(crate) fn served(&self) -> impl Iterator<Item = &Value> {
        let operations = self.catalogue["operations"].as_array().unwrap().iter();
        operations.filter(|operation| operation["served"] == true)
    }

    /// Calls an operation, whatever comes of it.
    pub(crate) async fn send(&self, id: &str, request: &Value) -> Result<Response<Value>, Status> {
        let method = self.method(id);
        self.note_private(id, "request", request);
        let mut request = message(&method.input(), request);
        if !request.has_field_by_name("account") {
            let account = prost_reflect::Value::String(self.account.clone());
            request.set_field_by_name("account", account);
        }
        let channel = self.world.channel();
        // Boxed: the future of a call is large.
        let answer = Box::pin(dynamic::call(channel, &method, request))
            .await
            .inspect_err(canaries::keep_refusal)?;
        let answer = answer.map(|answer| shown(&answer));
        self.note_private(id, "answer", answer.get_ref());
        Ok(answer)
    }

    /// Notes the values of a request or an answer that nobody but the caller may find anywhere.
    fn note_private(&self, id: &str, part: &str, value: &Value) {
        match &self.operation(id)[part] {
            Value::String(name) if !name.is_empty() => self.note_fields(self.fields(name), value),
            Value::Array(fields) => self.note_fields(fields, value),
            _ => {}
        }
    }

    fn note_fields(&self, fields: &[Value], value: &Value) {
        for field in fields {
            let Some(value) = field["name"]
                .as_str()
                .and_then(|name| value.get(snake(name)).or_else(|| value.get(name)))
            else {
                continue;
            };
            let kind = kind(field);
            let one = std::slice::from_ref(value);
            for value in value.as_array().map_or(one, Vec::as_slice) {
                if self.is_message(kind) {
                    self.note_fields(self.fields(kind), value);
                } else if matches!(kind, "personal" | "sensitive" | "secret") {
                    canaries::note(value);
                }
            }
        }
    }

    /// Calls an operation, which succeeds and answers as documented.
    pub(crate) async fn call(&mut self, id: &str, request: Value) -> Value {
        let answer = self
            .send(id, &request)
            .await
            .unwrap_or_else(|status| panic!("{id} {request}: {status:?}"))
            .into_inner();
        self.done(id, &answer);
        answer
    }

    /// Calls an operation, which is refused.
    pub(crate) async fn refuse(&self, id: &str, request: &Value, refusal: Refusal) -> Status {
        // Shown when the test fails: the refusal alone does not tell which row of a table it belongs to.
        println!("{id} {request}");
        let status = refusal.check(self.send(id, request).await);
        let reason = status.get_details_error_info().unwrap().reason;
        let published = kabao_models::refusal::reasons(id);
        assert!(
            published.contains(&reason.as_str()),
            "{id} does not say that it can give {reason}"
        );
        status
    }

    /// Notes the answer of an operation, which has all that is required. `call` does this by itself.
    pub(crate) fn done(&mut self, id: &str, answer: &Value) {
        let mut seen = BTreeSet::new();
        if let Some(name) = self.operation(id)["answer"]
            .as_str()
            .filter(|name| !name.is_empty())
        {
            self.look(name, "", answer, &mut seen);
        }
        self.covered.entry(id.to_owned()).or_default().extend(seen);
    }

    fn fields(&self, name: &str) -> &[Value] {
        let fields = &self.catalogue["messages"][name]["fields"];
        fields
            .as_array()
            .unwrap_or_else(|| panic!("no message {name}"))
    }

    fn is_message(&self, kind: &str) -> bool {
        self.catalogue["messages"].get(kind).is_some()
    }

    /// Collects the documented fields that an answer has. It has no others.
    fn look(&self, name: &str, path: &str, answer: &Value, seen: &mut BTreeSet<String>) {
        let extra = answer.get("extra").and_then(Value::as_object);
        let mut extra: BTreeSet<&str> = extra
            .into_iter()
            .flatten()
            .map(|(name, text)| {
                assert_eq!(text, "[]", "{path}{name}");
                name.as_str()
            })
            .collect();
        for field in self.fields(name) {
            let wire = field["name"].as_str().unwrap();
            let path = format!("{path}{wire}");
            let kind = kind(field);
            // A list in a proto cannot tell that it is there and empty; `extra` does.
            let empty = extra.remove(wire);
            let Some(value) = answer.get(snake(wire)) else {
                assert!(
                    empty || field["required"] != true,
                    "{path} is missing in {answer}"
                );
                continue;
            };
            if self.is_message(kind) {
                let one = std::slice::from_ref(value);
                for value in value.as_array().map_or(one, Vec::as_slice) {
                    self.look(kind, &format!("{path}."), value, seen);
                }
            }
            seen.insert(path);
        }
        assert!(extra.is_empty(), "{path} has {extra:?}");
    }

    /// Lists the documented fields of an answer.
    fn documented(&self, name: &str, path: &str, all: &mut BTreeSet<String>) {
        for field in self.fields(name) {
            let path = format!("{path}{}", field["name"].as_str().unwrap());
            let kind = kind(field);
            if self.is_message(kind) {
                self.documented(kind, &format!("{path}."), all);
            }
            all.insert(path);
        }
    }

    /// Every operation was covered, and every documented field was answered by each, except for these: an operation
    /// and a field, with all that is inside it. Returns the ids of the operations.
    pub(crate) fn finish(self, unanswered: &[(&str, &str)]) -> BTreeSet<String> {
        let mut missing = Vec::new();
        let mut excused = BTreeSet::new();
        for operation in self.catalogue["operations"].as_array().unwrap() {
            let id = operation["id"].as_str().unwrap();
            let seen = self
                .covered
                .get(id)
                .unwrap_or_else(|| panic!("{id} is not covered"));
            let mut documented = BTreeSet::new();
            if let Some(name) = operation["answer"].as_str().filter(|name| !name.is_empty()) {
                self.documented(name, "", &mut documented);
            }
            for path in documented.difference(seen) {
                let excuse = unanswered.iter().find(|(excused, field)| {
                    let rest = path.strip_prefix(field);
                    *excused == id
                        && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                });
                match excuse {
                    Some(excuse) => excused.extend([*excuse]),
                    None => missing.push((id, path.clone())),
                }
            }
        }
        assert!(missing.is_empty(), "not answered: {missing:#?}");
        let needless: Vec<_> = unanswered
            .iter()
            .filter(|row| !excused.contains(*row))
            .collect();
        assert!(needless.is_empty(), "answered after all: {needless:#?}");
        let family = self.catalogue["family"].as_str().unwrap();
        let of_family = kabao_models::operations()
            .filter(|operation| operation.family.as_str() == family)
            .count();
        assert_eq!(self.covered.len(), of_family);
        println!("{family}: {} of {of_family} operations", self.covered.len());
        self.covered.into_keys().collect()
    }
}

/// The type of a field, or of the items of a list.
fn kind(field: &Value) -> &str {
    let kind = field["type"].as_str().unwrap();
    kind.strip_suffix("[]").unwrap_or(kind)
}
