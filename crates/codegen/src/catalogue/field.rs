//! Fields of messages and requests.

use serde::Deserialize;

/// Where a message is used.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Use {
    Request,
    Answer,
    Both,
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
    pub(super) type_: String,
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
