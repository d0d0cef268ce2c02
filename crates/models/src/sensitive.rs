//! Fields that travel RSA-OAEP encrypted.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};

/// A field that WeChat Pay wants encrypted on the wire (RSAES-OAEP, base64).
///
/// The state is part of the value: JSON is written only from
/// [`Sensitive::Encrypted`], so a plain phone number cannot leave the process
/// because somebody forgot to encrypt it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Sensitive {
    /// The text itself, UTF-8, at most 214 bytes for a 2048-bit key.
    Plain(String),
    /// What is on the wire: base64 ciphertext, or, where WeChat sends a
    /// documented-as-encrypted field in clear, that text.
    Encrypted(String),
}

impl Sensitive {
    /// Wraps a plain text.
    pub fn plain(text: impl Into<String>) -> Self {
        Self::Plain(text.into())
    }

    /// Wraps what was on the wire.
    pub fn encrypted(text: impl Into<String>) -> Self {
        Self::Encrypted(text.into())
    }

    /// Returns the text in whichever state it is.
    pub fn expose(&self) -> &str {
        match self {
            Self::Plain(text) | Self::Encrypted(text) => text,
        }
    }

    /// Unwraps the text in whichever state it is.
    pub fn into_exposed(self) -> String {
        match self {
            Self::Plain(text) | Self::Encrypted(text) => text,
        }
    }

    /// Returns the plain text, or `None` if the value is still encrypted.
    pub fn as_plain(&self) -> Option<&str> {
        match self {
            Self::Plain(text) => Some(text),
            Self::Encrypted(_) => None,
        }
    }

    /// Returns true if the value is in its plain state.
    pub fn is_plain(&self) -> bool {
        matches!(self, Self::Plain(_))
    }
}

impl Default for Sensitive {
    fn default() -> Self {
        Self::Plain(String::new())
    }
}

impl fmt::Debug for Sensitive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "[sensitive, plain]",
            Self::Encrypted(_) => "[sensitive, encrypted]",
        })
    }
}

impl Serialize for Sensitive {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Plain(_) => Err(ser::Error::custom(
                "a sensitive field was not encrypted before it was written",
            )),
            Self::Encrypted(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for Sensitive {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::Encrypted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_cannot_be_written() {
        assert!(serde_json::to_string(&Sensitive::plain("13800000417")).is_err());
        assert_eq!(
            serde_json::to_string(&Sensitive::encrypted("AbC=")).unwrap(),
            "\"AbC=\""
        );
    }

    #[test]
    fn debug_shows_only_the_state() {
        assert_eq!(
            format!("{:?}", Sensitive::plain("13800000417")),
            "[sensitive, plain]"
        );
        assert_eq!(
            format!("{:?}", Sensitive::encrypted("AbC=")),
            "[sensitive, encrypted]"
        );
    }
}
