//! The catalogue as it is read from JSON.

mod validation;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use crate::Error;

/// A JSON object in the order of its members.
#[derive(Debug)]
pub(crate) struct Ordered<T>(pub(crate) Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = Ordered<T>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered<T>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Ordered(members))
            }
        }

        deserializer.deserialize_map(Members(std::marker::PhantomData))
    }
}

/// One family.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Catalogue {
    pub(crate) family: String,
    pub(crate) title: String,
    pub(crate) base_url: String,
    pub(crate) backup_base_url: Option<String>,
    pub(crate) enums: Ordered<Enumeration>,
    /// Rows of error tables that operations share, by name.
    pub(crate) errors: Ordered<ErrorRow>,
    /// The names of those that nearly every operation has: `COMMON`.
    pub(crate) common_errors: Vec<String>,
    pub(crate) messages: Ordered<Message>,
    pub(crate) operations: Vec<Operation>,
    pub(crate) notifications: Vec<Notification>,
}

/// An open enumeration.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Enumeration {
    pub(crate) doc: String,
    pub(crate) values: Vec<Value>,
}

/// A documented value of an enumeration.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Value {
    pub(crate) wire: String,
    pub(crate) number: i32,
    pub(crate) doc: String,
}

/// Where a message is used.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Use {
    Request,
    Answer,
    Both,
}

/// A shape of a JSON object.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Message {
    pub(crate) doc: String,
    #[serde(rename = "use")]
    pub(crate) used: Use,
    /// The resource whose file holds it; `types` for shapes that several resources share.
    pub(crate) resource: String,
    pub(crate) fields: Vec<Field>,
}

/// Where a field of a request stands.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Place {
    Path,
    Query,
    /// The file name in the head of an uploaded part.
    Filename,
    #[default]
    Body,
}

/// One field.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Field {
    pub(crate) name: String,
    /// The name on the wire, where it differs.
    wire: Option<String>,
    #[serde(rename = "in", default)]
    pub(crate) place: Place,
    #[serde(rename = "type")]
    type_: String,
    pub(crate) number: u32,
    #[serde(default)]
    pub(crate) required: bool,
    pub(crate) required_if: Option<String>,
    pub(crate) max_chars: Option<usize>,
    pub(crate) max_bytes: Option<usize>,
    pub(crate) min_chars: Option<usize>,
    pub(crate) min: Option<i64>,
    pub(crate) max: Option<i64>,
    pub(crate) min_items: Option<usize>,
    pub(crate) max_items: Option<usize>,
    pub(crate) pattern: Option<String>,
    #[serde(default)]
    pub(crate) values: Vec<String>,
    /// Numbers and texts are both seen of it, so both are read.
    #[serde(default)]
    pub(crate) either: bool,
    #[serde(default)]
    pub(crate) deprecated: bool,
    /// No official page could be read for it.
    #[serde(default)]
    pub(crate) unofficial: bool,
    pub(crate) doc: String,
}

/// The type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind<'a> {
    String,
    Personal,
    Secret,
    Sensitive,
    Integer,
    Boolean,
    Bytes,
    Enumeration(&'a str),
    Message(&'a str),
}

impl Field {
    pub(crate) fn wire(&self) -> &str {
        self.wire.as_deref().unwrap_or(&self.name)
    }

    pub(crate) fn is_list(&self) -> bool {
        self.type_.ends_with("[]")
    }

    /// Returns true if the proto field can tell absent from empty: `optional`. What callers must
    /// send does not need it, since empty is as bad as absent; what WeChat may leave out does. A
    /// number or a truth that may be 0 or `false` needs it even where it is required: a forgotten
    /// number of points must be missing, and not 0.
    pub(crate) fn has_presence(&self, used: Use) -> bool {
        let is_required = self.required && used != Use::Answer || self.place == Place::Path;
        (!is_required || self.zero_is_a_value())
            && !self.is_list()
            && !matches!(self.kind(), Kind::Message(_))
    }

    /// Returns true if WeChat takes 0 or `false`.
    fn zero_is_a_value(&self) -> bool {
        match self.kind() {
            Kind::Integer => self.place != Place::Path && self.min.is_none_or(|min| min <= 0),
            Kind::Boolean => true,
            _ => false,
        }
    }

    pub(crate) fn kind(&self) -> Kind<'_> {
        match self.type_.trim_end_matches("[]") {
            "string" => Kind::String,
            "personal" => Kind::Personal,
            "secret" => Kind::Secret,
            "sensitive" => Kind::Sensitive,
            "integer" => Kind::Integer,
            "boolean" => Kind::Boolean,
            "bytes" => Kind::Bytes,
            other => match other.strip_prefix("enum ") {
                Some(name) => Kind::Enumeration(name),
                None => Kind::Message(other),
            },
        }
    }
}

/// The documented limit of calls.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RateLimit {
    pub(crate) per: String,
    pub(crate) qps: Option<u32>,
    pub(crate) per_minute: Option<u32>,
    pub(crate) per_day: Option<u32>,
}

/// The limits of an uploaded file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Upload {
    pub(crate) max_bytes: usize,
    pub(crate) formats: Vec<String>,
    pub(crate) max_name_chars: usize,
}

/// An entry of the error table of an operation.
#[derive(Debug, Deserialize)]
#[serde(from = "NamedRow")]
pub(crate) enum Row {
    /// All rows of [`Catalogue::common_errors`].
    Common,
    /// A row of [`Catalogue::errors`].
    Shared(String),
    /// A row that no other operation has.
    Own(ErrorRow),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum NamedRow {
    Name(String),
    Row(ErrorRow),
}

impl From<NamedRow> for Row {
    fn from(row: NamedRow) -> Self {
        match row {
            NamedRow::Name(name) if name == "COMMON" => Self::Common,
            NamedRow::Name(name) => Self::Shared(name),
            NamedRow::Row(row) => Self::Own(row),
        }
    }
}

/// One row of an error table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErrorRow {
    pub(crate) http: u16,
    pub(crate) code: String,
    pub(crate) meaning: String,
}

/// One operation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) rpc: String,
    pub(crate) resource: String,
    pub(crate) title: String,
    /// Whether the emulator implements it, so that the gateway serves and advertises the RPC.
    pub(crate) served: bool,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) scheme: String,
    pub(crate) body: String,
    pub(crate) effect: String,
    /// Whether it can change points, a balance or rights, or give something away; who may do that is granted apart.
    #[serde(default)]
    pub(crate) money: bool,
    pub(crate) request_number: Option<String>,
    /// `safe` where a second run of a write changes nothing more.
    pub(crate) repeat: Option<Safety>,
    /// Members whose presence takes that back.
    #[serde(default)]
    pub(crate) repeat_unless: Vec<String>,
    /// What a write changes that names no member, where one that is sent again could undo a later one: its kind, and the
    /// member of the request that tells which one (`template/card_id`, or `callback` if there is only one).
    pub(crate) target: Option<String>,
    /// Members of the answer that name what the request named: `card_id`, `data[].openid`, or
    /// `card_id=card.base_info.id` where the names differ.
    #[serde(default)]
    pub(crate) subject: Vec<String>,
    /// Whether a dynamic code may stand in place of the code; it is answered with the fixed one.
    #[serde(default)]
    pub(crate) dynamic_code: bool,
    /// Whether the answer is itself a credential, so that the RPC is served only where an account
    /// says so.
    #[serde(default)]
    pub(crate) credential: bool,
    /// The limits of the file, for uploads.
    pub(crate) upload: Option<Upload>,
    #[serde(default)]
    pub(crate) encrypts: bool,
    pub(crate) rate_limit: Option<RateLimit>,
    pub(crate) superseded_by: Option<String>,
    pub(crate) variant_of: Option<String>,
    #[serde(rename = "errors")]
    pub(crate) rows: Vec<Row>,
    /// The error table with the rows that it shares.
    #[serde(skip)]
    pub(crate) errors: Vec<ErrorRow>,
    pub(crate) docs: Vec<String>,
    pub(crate) notes: Vec<String>,
    pub(crate) request: Vec<Field>,
    pub(crate) status: u16,
    /// The message of the answer; empty where nothing is returned.
    pub(crate) answer: String,
    /// A request by its places: `path`, `query`, `body`.
    #[serde(default)]
    example_request: BTreeMap<String, serde_json::Value>,
    #[serde(rename = "example_response")]
    _example_response: Option<serde_json::Value>,
}

/// Whether a write may be sent again.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Safety {
    Safe,
}

/// One notification.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Notification {
    pub(crate) event_type: String,
    pub(crate) title: String,
    pub(crate) original_type: String,
    pub(crate) payload: String,
    pub(crate) docs: Vec<String>,
    pub(crate) notes: Vec<String>,
    #[serde(rename = "example")]
    _example: Option<serde_json::Value>,
}

impl Operation {
    /// Returns the fields that callers of gRPC send: all but credentials, which the gateway holds.
    pub(crate) fn proto_fields(&self) -> impl Iterator<Item = &Field> {
        self.request
            .iter()
            .filter(|field| !self.is_credential(&field.name))
    }

    /// Returns true if a field is a credential, which the gateway holds.
    pub(crate) fn is_credential(&self, field: &str) -> bool {
        self.scheme == "credentials" && ["grant_type", "appid", "secret"].contains(&field)
    }

    /// Returns what stands in a place of the example: `path`, `query` or `body`.
    pub(crate) fn example(
        &self,
        place: &str,
    ) -> Option<&serde_json::Map<String, serde_json::Value>> {
        self.example_request.get(place)?.as_object()
    }

    /// Returns the variant of `kabao_models::Repeat` that the operation is of.
    pub(crate) fn repeat(&self) -> &'static str {
        match (&self.request_number, self.repeat, self.effect.as_str()) {
            (Some(_), ..) => "Numbered",
            (None, Some(Safety::Safe), _) | (None, None, "read") => "Harmless",
            (None, None, _) => "Harmful",
        }
    }

    /// Returns true if the operation uploads a file.
    pub(crate) fn is_upload(&self) -> bool {
        self.body == "multipart"
    }
}

impl Catalogue {
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let text = fs::read_to_string(path).map_err(|error| Error::at(path, error))?;
        let mut catalogue: Self =
            serde_json::from_str(&text).map_err(|error| Error::at(path, error))?;
        catalogue
            .spell_errors_out()
            .and_then(|()| catalogue.validate())
            .map_err(|error| Error::at(path, error))?;
        Ok(catalogue)
    }

    /// Puts shared rows in the place of their names.
    fn spell_errors_out(&mut self) -> Result<(), Error> {
        let shared: BTreeMap<&str, &ErrorRow> = self
            .errors
            .0
            .iter()
            .map(|(name, row)| (name.as_str(), row))
            .collect();
        let row = |name: &String| {
            let row = shared.get(name.as_str()).copied().cloned();
            row.ok_or_else(|| Error::new(format!("there is no error row {name}")))
        };
        for operation in &mut self.operations {
            for entry in &operation.rows {
                match entry {
                    Row::Common => {
                        for name in &self.common_errors {
                            operation.errors.push(row(name)?);
                        }
                    }
                    Row::Shared(name) => operation.errors.push(row(name)?),
                    Row::Own(own) => operation.errors.push(own.clone()),
                }
            }
        }
        Ok(())
    }

    /// Returns the resources in the order of the operations.
    pub(crate) fn resources(&self) -> Vec<&str> {
        let mut resources: Vec<&str> = Vec::new();
        for operation in &self.operations {
            if !resources.contains(&operation.resource.as_str()) {
                resources.push(&operation.resource);
            }
        }
        resources
    }

    pub(crate) fn messages_of<'a>(
        &'a self,
        resource: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Message)> {
        self.messages
            .0
            .iter()
            .filter(move |(_, message)| message.resource == resource)
            .map(|(name, message)| (name.as_str(), message))
    }

    pub(crate) fn operations_of<'a>(
        &'a self,
        resource: &'a str,
    ) -> impl Iterator<Item = &'a Operation> {
        self.operations
            .iter()
            .filter(move |operation| operation.resource == resource)
    }

    pub(crate) fn message(&self, name: &str) -> Option<&Message> {
        self.messages
            .0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, message)| message)
    }

    /// Returns the messages of a resource that callers of gRPC see: all but the JSON parts of
    /// uploads, which the gateway makes itself.
    pub(crate) fn proto_messages_of<'a>(
        &'a self,
        resource: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Message)> {
        self.messages_of(resource).filter(|(name, _)| {
            let is_part = |field: &Field| field.kind() == Kind::Message(name);
            !self
                .operations
                .iter()
                .filter(|operation| operation.is_upload())
                .any(|operation| operation.request.iter().any(is_part))
        })
    }

    /// Returns the module of a message or enumeration.
    pub(crate) fn module_of(&self, name: &str) -> &str {
        self.message(name)
            .map_or("types", |message| message.resource.as_str())
    }
}
