//! Operations and the rows of their error tables.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Field;

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
    /// All rows of [`Catalogue::common_errors`](super::Catalogue::common_errors).
    Common,
    /// A row of [`Catalogue::errors`](super::Catalogue::errors).
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

    /// Returns the name of the proto message that the operation is answered with.
    pub(crate) fn answer_message(&self) -> String {
        match self.answer.as_str() {
            "" => format!("{}Response", self.rpc),
            answer => answer.to_owned(),
        }
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
