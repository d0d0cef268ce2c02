//! Bytes that a fault puts into an answer as they are.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::ser::{SerializeMap as _, Serializer};
use serde::{Deserialize, Serialize};

use crate::described::{Form, described};

/// Bytes of an answer that need be neither JSON nor text.
///
/// In JSON a text, or `{"base64":"..."}` for what is not UTF-8. `Debug` shows their number only.
///
/// ```
/// use kabao_sandbox::RawBytes;
///
/// let huge: RawBytes = serde_json::from_str(r#""123456789012345678901234567890""#)?;
/// assert_eq!(huge.as_bytes(), b"123456789012345678901234567890");
/// let no_text: RawBytes = serde_json::from_str(r#"{"base64":"Iv8i"}"#)?;
/// assert_eq!(no_text.as_bytes(), b"\"\xff\"");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RawBytes(Vec<u8>);

impl RawBytes {
    /// Returns the bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<&str> for RawBytes {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl From<String> for RawBytes {
    fn from(text: String) -> Self {
        Self(text.into_bytes())
    }
}

impl From<&[u8]> for RawBytes {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl<const N: usize> From<&[u8; N]> for RawBytes {
    fn from(bytes: &[u8; N]) -> Self {
        Self(bytes.to_vec())
    }
}

impl From<Vec<u8>> for RawBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for RawBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawBytes({} bytes)", self.0.len())
    }
}

impl Serialize for RawBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("base64", &STANDARD.encode(&self.0))?;
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for RawBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BytesVisitor)
    }
}

impl Form for RawBytes {
    const KIND: &'static str = "text or {\"base64\":..}";
}

struct BytesVisitor;

impl<'de> Visitor<'de> for BytesVisitor {
    type Value = RawBytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text with the bytes, or {\"base64\":\"...\"}")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<RawBytes, E> {
        Ok(text.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawBytes, A::Error> {
        let wanted = || de::Error::custom("expected a text, or an object with `base64` alone");
        let (name, text) = map.next_entry::<String, String>()?.ok_or_else(wanted)?;
        if name != "base64" || map.next_key::<String>()?.is_some() {
            return Err(wanted());
        }
        let bytes = STANDARD
            .decode(text)
            .map_err(|error| de::Error::custom(format!("base64: {error}")))?;
        Ok(RawBytes(bytes))
    }
}

described! {
    /// Bytes in place of the value of one member, see [`Fault::EditJson`](super::Fault::EditJson).
    #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
    pub struct RawEdit {
        /// A JSON pointer (RFC 6901) such as `/user_info/nickname`. Its last part may be a member that
        /// the answer does not have, or `-` for one more item of a list; the empty path is the whole
        /// body.
        pub path: String,
        /// What stands there afterwards, verbatim: quotation marks of a text are part of it.
        pub value: RawBytes,
    }
}

impl RawEdit {
    /// Puts these bytes in place of the value at `path`.
    pub fn new(path: impl Into<String>, value: impl Into<RawBytes>) -> Self {
        Self {
            path: path.into(),
            value: value.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bytes_are_a_text_or_base64_and_nothing_else() {
        for (json, bytes) in [
            (json!("12.5"), b"12.5".as_slice()),
            (json!(""), b""),
            (json!({"base64": "IhQi"}), b"\"\x14\""),
        ] {
            let raw: RawBytes = serde_json::from_value(json.clone()).unwrap();
            assert_eq!(raw.as_bytes(), bytes, "{json}");
        }
        for bytes in [b"\xff\x00".as_slice(), b"text", b""] {
            let raw = RawBytes::from(bytes);
            let again: RawBytes =
                serde_json::from_str(&serde_json::to_string(&raw).unwrap()).unwrap();
            assert_eq!(again, raw);
        }
        for (json, problem) in [
            (json!(12.5), "a text with the bytes"),
            (json!({}), "`base64` alone"),
            (json!({"base64": "*"}), "base64: "),
            (json!({"base64": "", "text": ""}), "`base64` alone"),
            (json!({"text": "x"}), "`base64` alone"),
        ] {
            let error = serde_json::from_value::<RawBytes>(json.clone()).unwrap_err();
            assert!(error.to_string().contains(problem), "{json}: {error}");
        }
    }

    #[test]
    fn debug_tells_the_number_of_bytes() {
        let raw = RawEdit::new("/code", "\"722317683772\"");
        assert_eq!(
            format!("{raw:?}"),
            r#"RawEdit { path: "/code", value: RawBytes(14 bytes) }"#
        );
    }
}
