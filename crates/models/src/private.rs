//! Wrappers whose `Debug` shows nothing, so that personal data and credentials
//! have no path to a log line.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

macro_rules! private_text {
    ($(#[$doc:meta])* $name:ident, $label:literal) => {
        $(#[$doc])*
        #[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps a value.
            pub fn new(value: impl Into<String>) -> Self {
                Self(value.into())
            }

            /// Returns the value. Never format what this returns into a log line or an error.
            pub fn expose(&self) -> &str {
                &self.0
            }

            /// Unwraps the value. Never format what this returns into a log line or an error.
            pub fn into_exposed(mut self) -> String {
                std::mem::take(&mut self.0)
            }

            /// Prints what may be printed of a value.
            pub(crate) fn show(value: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!("[", $label, ", {} characters]"), value.chars().count())
            }

            /// Returns true if the value has no characters.
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                Self::show(&self.0, f)
            }
        }

        impl From<String> for $name {
            fn from(value: String) -> Self {
                Self(value)
            }
        }

        impl From<&str> for $name {
            fn from(value: &str) -> Self {
                Self(value.to_owned())
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

private_text! {
    /// Personal data: an openid, a card code, a name, a phone number in clear.
    ///
    /// It has no `Display`, and its `Debug` tells only the number of characters.
    Personal, "personal"
}

private_text! {
    /// A credential: an access token, an app secret, an activation ticket.
    ///
    /// It has no `Display`, and its `Debug` tells only the number of characters. It is wiped when it is dropped.
    Secret, "secret"
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for Secret {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_counts_characters_and_shows_none_of_them() {
        assert_eq!(
            format!("{:?}", Personal::new("林间")),
            "[personal, 2 characters]"
        );
        assert_eq!(
            format!("{:?}", Secret::new("80_token")),
            "[secret, 8 characters]"
        );
    }

    #[test]
    fn secrets_are_wiped_when_they_are_dropped() {
        fn wiped<T: ZeroizeOnDrop>(_: &T) {}
        let secret = Secret::new("80_token");
        wiped(&secret);
        assert_eq!(secret.into_exposed(), "80_token");
    }

    #[test]
    fn json_is_the_plain_text() {
        let value: Personal = serde_json::from_str("\"13800000417\"").unwrap();
        assert_eq!(serde_json::to_string(&value).unwrap(), "\"13800000417\"");
    }
}
