//! Who calls the gateway.

use std::sync::Arc;

use crate::text::{kept_as_text, plain_text};
use crate::{Error, FieldViolation};

/// Names one caller: what its certificate says (a SPIFFE id, a DNS name, a common name), or what the operator calls the
/// holder of a token. 1 to 255 bytes without control characters.
///
/// It is made where a proof of identity was looked at, never from what a message says.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallerId(Arc<str>);

impl CallerId {
    /// Checks a name: it ends up in logs and answers.
    ///
    /// # Errors
    ///
    /// [`Reason::FieldInvalid`](crate::Reason::FieldInvalid) with a violation on `caller`.
    pub fn new(name: impl AsRef<str>) -> Result<Self, Error> {
        let name = name.as_ref();
        if (1..=255).contains(&name.len()) && !name.contains(char::is_control) {
            Ok(Self(name.into()))
        } else {
            Err(Error::field_invalid([FieldViolation::new(
                "caller",
                "must be 1 to 255 bytes without control characters",
            )]))
        }
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

kept_as_text! {
    CallerId: CallerId::as_str;
}

plain_text!(CallerId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_has_no_control_characters() {
        for good in [
            "spiffe://acme.example/till",
            "till.acme.example",
            "\u{95e8}\u{5e97} 7",
        ] {
            assert_eq!(CallerId::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "a\nb", "x".repeat(256).as_str()] {
            assert!(CallerId::new(bad).is_err(), "{bad:?}");
        }
    }
}
