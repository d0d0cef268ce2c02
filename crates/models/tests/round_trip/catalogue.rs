//! Reads the catalogue as data, independently of the generator, and makes samples from it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    dead_code,
    reason = "a helper of tests; not every one of them uses all of it"
)]

use serde_json::{Map, Value, json};

/// One family.
pub(crate) struct Catalogue {
    pub(crate) family: String,
    root: Value,
}

/// What was put into a sample.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) fields: usize,
    pub(crate) sensitive: usize,
}

impl Catalogue {
    pub(crate) fn all() -> Vec<Self> {
        ["merchant", "brand", "official_account"]
            .map(Self::read)
            .into()
    }

    fn read(family: &str) -> Self {
        let path = format!(
            "{}/../models/catalogue/{family}.json",
            env!("CARGO_MANIFEST_DIR")
        );
        let text = std::fs::read_to_string(&path).unwrap();
        Self {
            family: family.to_owned(),
            root: serde_json::from_str(&text).unwrap(),
        }
    }

    pub(crate) fn operations(&self) -> impl Iterator<Item = &Value> {
        self.root["operations"].as_array().unwrap().iter()
    }

    pub(crate) fn notifications(&self) -> impl Iterator<Item = &Value> {
        self.root["notifications"].as_array().unwrap().iter()
    }

    /// So many samples are needed to see every value of every enumeration.
    pub(crate) fn turns(&self) -> usize {
        let enums = self.root["enums"].as_object().unwrap().values();
        enums
            .map(|e| e["values"].as_array().unwrap().len())
            .max()
            .unwrap_or(1)
    }

    /// A message with every member set; enumerations have their `turn`-th value.
    pub(crate) fn message(&self, name: &str, turn: usize, counts: &mut Counts) -> Value {
        let fields = self.root["messages"][name]["fields"].as_array().unwrap();
        self.object(fields.iter(), turn, counts)
    }

    fn object<'f>(
        &self,
        fields: impl Iterator<Item = &'f Value>,
        turn: usize,
        counts: &mut Counts,
    ) -> Value {
        let member = |field: &'f Value| {
            let name = field
                .get("wire")
                .unwrap_or(&field["name"])
                .as_str()
                .unwrap();
            (name.to_owned(), self.value(field, turn, counts))
        };
        Value::Object(fields.map(member).collect())
    }

    fn value(&self, field: &Value, turn: usize, counts: &mut Counts) -> Value {
        let declared = field["type"].as_str().unwrap();
        let Some(element) = declared.strip_suffix("[]") else {
            return self.scalar(field, declared, turn, counts);
        };
        Value::Array(
            (0..2)
                .map(|n| self.scalar(field, element, turn + n, counts))
                .collect(),
        )
    }

    fn scalar(&self, field: &Value, declared: &str, turn: usize, counts: &mut Counts) -> Value {
        counts.fields += 1;
        match declared {
            "string" | "personal" | "secret" => {
                json!(format!("{}-值+/={turn}", field["name"].as_str().unwrap()))
            }
            "sensitive" => {
                counts.sensitive += 1;
                json!(format!("Y2lwaGVy{turn}+/=="))
            }
            // Beyond what a double can hold exactly.
            "integer" => json!(9_007_199_254_740_993_i64 + i64::try_from(turn).unwrap()),
            "boolean" => json!(turn.is_multiple_of(2)),
            "bytes" => json!("<binary>"),
            other => match other.strip_prefix("enum ") {
                Some(name) => {
                    let values = self.root["enums"][name]["values"].as_array().unwrap();
                    values[turn % values.len()]["wire"].clone()
                }
                None => self.message(other, turn, counts),
            },
        }
    }
}

/// One request as data.
pub(crate) struct Sample {
    pub(crate) path: Map<String, Value>,
    pub(crate) query: Map<String, Value>,
    /// The JSON body, or the part `meta` of an upload.
    pub(crate) json_body: Option<Value>,
    /// The file of an upload and the name of its part.
    pub(crate) file: Option<(String, Vec<u8>)>,
    pub(crate) sensitive: usize,
    pub(crate) fields: usize,
}

impl Sample {
    pub(crate) fn example(catalogue: &Catalogue, operation: &Value) -> Self {
        let example = &operation["example_request"];
        let part = |name: &str| example[name].as_object().cloned().unwrap_or_default();
        let mut sample = Self {
            path: part("path"),
            query: part("query"),
            json_body: example.get("body").cloned(),
            file: None,
            sensitive: 0,
            fields: 0,
        };
        match operation["body"].as_str().unwrap() {
            "empty" => sample.json_body = None,
            "multipart" => sample.upload(operation),
            _ => sample.json_body = Some(sample.json_body.unwrap_or_else(|| json!({}))),
        }
        sample.sensitive = sample.count_sensitive(catalogue, operation);
        sample
    }

    pub(crate) fn full(catalogue: &Catalogue, operation: &Value, turn: usize) -> Self {
        let mut counts = Counts::default();
        let fields = operation["request"].as_array().unwrap();
        let at = |place: &'static str| {
            fields.iter().filter(move |field| {
                field.get("in").and_then(Value::as_str).unwrap_or("body") == place
            })
        };
        let mut object = |place| match catalogue.object(at(place), turn, &mut counts) {
            Value::Object(map) => map,
            _ => unreachable!("an object"),
        };
        let (path, query, body) = (object("path"), object("query"), object("body"));
        let mut sample = Self {
            path,
            query,
            json_body: Some(Value::Object(body)),
            file: None,
            sensitive: counts.sensitive,
            fields: counts.fields,
        };
        match operation["body"].as_str().unwrap() {
            "empty" => sample.json_body = None,
            "multipart" => sample.upload(operation),
            _ => {}
        }
        sample
    }

    fn upload(&mut self, operation: &Value) {
        self.json_body = self
            .json_body
            .take()
            .and_then(|body| body.get("meta").cloned());
        let fields = operation["request"].as_array().unwrap();
        let file = fields
            .iter()
            .find(|field| field["type"] == "bytes")
            .unwrap();
        self.file = Some((
            file["name"].as_str().unwrap().to_owned(),
            b"\x89PNG\r\n\x1a\n--not-the-boundary\r\n".to_vec(),
        ));
    }

    fn count_sensitive(&self, catalogue: &Catalogue, operation: &Value) -> usize {
        let fields = operation["request"].as_array().unwrap();
        let present = |field: &Value| {
            let name = field["name"].as_str().unwrap();
            self.query
                .get(name)
                .or_else(|| self.json_body.as_ref().and_then(|body| body.get(name)))
                .cloned()
        };
        fields
            .iter()
            .filter_map(|field| present(field).map(|value| catalogue.sensitive_in(field, &value)))
            .sum()
    }

    /// Returns the target and the JSON body.
    pub(crate) fn to_wire(&self, template: &str) -> (String, Option<Vec<u8>>) {
        let mut target = template.to_owned();
        for (name, value) in &self.path {
            target = target.replace(&format!("{{{name}}}"), &encode(value));
        }
        assert!(
            !target.contains('{'),
            "{template}: a path parameter has no value"
        );
        let query: Vec<String> = self
            .query
            .iter()
            .map(|(name, value)| format!("{name}={}", encode(value)))
            .collect();
        if !query.is_empty() {
            target = format!("{target}?{}", query.join("&"));
        }
        (
            target,
            self.json_body
                .as_ref()
                .map(|body| body.to_string().into_bytes()),
        )
    }

    /// Returns the content type and the bytes of the body.
    pub(crate) fn encode_body(&self, json: Option<Vec<u8>>) -> (Option<String>, Vec<u8>) {
        let Some((part, file)) = &self.file else {
            return match json {
                None => (None, Vec::new()),
                Some(json) => (Some("application/json".to_owned()), json),
            };
        };
        let mut body = Vec::new();
        if let Some(json) = json {
            body.extend(b"--b\r\nContent-Disposition: form-data; name=\"meta\";\r\n\r\n");
            body.extend(json);
            body.extend(b"\r\n");
        }
        let head = format!(
            "--b\r\nContent-Disposition: form-data; name=\"{part}\"; filename=\"x.png\"\r\nContent-Type: image/png\r\n\r\n"
        );
        body.extend(head.bytes());
        body.extend(file);
        body.extend(b"\r\n--b--\r\n");
        (Some("multipart/form-data; boundary=b".to_owned()), body)
    }
}

impl Catalogue {
    fn sensitive_in(&self, field: &Value, value: &Value) -> usize {
        let declared = field["type"].as_str().unwrap();
        let each = |value: &Value| match declared.trim_end_matches("[]") {
            "sensitive" => 1,
            name => self.root["messages"].get(name).map_or(0, |message| {
                let fields = message["fields"].as_array().unwrap().iter();
                fields
                    .filter_map(|field| {
                        let name = field
                            .get("wire")
                            .unwrap_or(&field["name"])
                            .as_str()
                            .unwrap();
                        value.get(name).map(|value| self.sensitive_in(field, value))
                    })
                    .sum()
            }),
        };
        match value {
            Value::Array(items) => items.iter().map(each).sum(),
            value => each(value),
        }
    }
}

fn encode(value: &Value) -> String {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    let mut out = String::new();
    kabao_models::encode_component(&text, &mut out);
    out
}

/// Compares JSON; says where they differ.
pub(crate) fn assert_same(what: &str, expected: &Value, actual: &Value) {
    if let (Value::Object(expected), Value::Object(actual)) = (expected, actual) {
        for (name, value) in expected {
            let found = actual
                .get(name)
                .unwrap_or_else(|| panic!("{what}: {name} is lost"));
            assert_same(&format!("{what}.{name}"), value, found);
        }
        for name in actual.keys() {
            assert!(
                expected.contains_key(name),
                "{what}: {name} came from nowhere"
            );
        }
    } else {
        assert_eq!(expected, actual, "{what}");
    }
}

/// Parses and writes a notification of a family.
pub(crate) fn notification(family: &str, event: &str, text: &[u8]) -> Vec<u8> {
    match family {
        "merchant" => kabao_models::merchant::Notification::parse(event, text)
            .unwrap()
            .unwrap()
            .to_json(),
        "brand" => kabao_models::brand::Notification::parse(event, text)
            .unwrap()
            .unwrap()
            .to_json(),
        _ => kabao_models::official_account::Notification::parse(event, text)
            .unwrap()
            .unwrap()
            .to_json(),
    }
    .unwrap()
}
