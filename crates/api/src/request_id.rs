//! The id of one intended change.

use crate::name::plain_text;
use crate::{Error, FieldViolation, Reason};

/// Names one intended change (AIP-155), chosen by whoever intends it: 1 to 32 ASCII letters, digits,
/// `-` and `_`, or a UUID.
///
/// It is what a family takes for a request number (`out_request_no`). A UUID would be too long for
/// that, so it is kept without its hyphens; with and without them it is the same id.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(String);

impl RequestId {
    /// Checks an id.
    ///
    /// # Errors
    ///
    /// [`Reason::RequestIdInvalid`] with a violation on `request_id`.
    pub fn new(id: impl Into<String>) -> Result<Self, Error> {
        let mut id = id.into();
        if is_uuid(&id) {
            id.retain(|char| char != '-');
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if (1..=32).contains(&id.len()) && id.bytes().all(plain) {
            Ok(Self(id))
        } else {
            Err(Error::violated(
                Reason::RequestIdInvalid,
                [FieldViolation::new(
                    "request_id",
                    "must be a UUID, or at most 32 ASCII letters, digits, hyphens and underscores",
                )],
            ))
        }
    }

    /// Returns the id, a UUID without its hyphens.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the id, a UUID without its hyphens.
    pub fn into_string(self) -> String {
        self.0
    }
}

plain_text!(RequestId);

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_alphabet_or_a_uuid_which_loses_its_hyphens() {
        let rows = [
            ("a", Some("a")),
            ("190000010920260315000021", Some("190000010920260315000021")),
            ("order-1_b", Some("order-1_b")),
            (
                "7C9e6679-7425-40de-944b-e07fc1f90ae7",
                Some("7C9e6679742540de944be07fc1f90ae7"),
            ),
            (
                "7c9e6679742540de944be07fc1f90ae7",
                Some("7c9e6679742540de944be07fc1f90ae7"),
            ),
            ("7c9e6679-7425-40de-944b-e07fc1f90ae", None),
            ("7c9e6679-7425-40de-944be-07fc1f90ae7", None),
            ("7c9e6679-7425-40de-944b-e07fc1f90aeg", None),
            ("123456789012345678901234567890123", None),
            ("", None),
            ("a b", None),
            ("a/b", None),
            ("a|b", None),
            ("号", None),
        ];
        for (text, expected) in rows {
            let made = RequestId::new(text);
            assert_eq!(made.as_ref().ok().map(RequestId::as_str), expected);
            if let Err(error) = made {
                assert_eq!(
                    (error.reason(), error.violations()[0].field.as_str()),
                    (Reason::RequestIdInvalid, "request_id")
                );
            }
        }
    }
}
