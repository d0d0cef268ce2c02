//! The id of one intended change.

use std::borrow::Cow;
use std::sync::Arc;

use crate::text::{kept_as_text, plain_text};
use crate::{Error, FieldViolation, Reason};

/// Names one intended change (AIP-155), chosen by whoever intends it: 1 to 32 ASCII letters, digits,
/// `-` and `_`, or a UUID.
///
/// It is what a family takes for a request number (`out_request_no`). A UUID would be too long for
/// that, so it is kept without its hyphens; with and without them it is the same id.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// Checks an id.
    ///
    /// # Errors
    ///
    /// [`Reason::RequestIdInvalid`] with a violation on `request_id`.
    pub fn new(id: impl AsRef<str>) -> Result<Self, Error> {
        let id = match id.as_ref() {
            uuid if is_uuid(uuid) => Cow::Owned(uuid.replace('-', "")),
            id => Cow::Borrowed(id),
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if (1..=32).contains(&id.len()) && id.bytes().all(plain) {
            Ok(Self(id.as_ref().into()))
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
        self.as_str().to_owned()
    }

    /// Returns the id of one item of the batch that has this id: 32 lower-case hexadecimal digits.
    ///
    /// It is derived, and stays as it is: the same batch and index always give the same id, so that a
    /// batch that is repeated repeats its items. It is the FNV-1a hash of 128 bits over the length of
    /// the id (one byte), the id, and the index (four bytes, big-endian): nobody has to fear that two
    /// items get one id, unless they choose ids of batches just for that.
    #[must_use]
    pub fn item(&self, index: u32) -> Self {
        // An id has at most 32 characters.
        let length = u8::try_from(self.0.len()).unwrap_or(u8::MAX);
        let index = index.to_be_bytes();
        let bytes = [length].into_iter().chain(self.0.bytes()).chain(index);
        let hash = bytes.fold(FNV_OFFSET, |hash, byte| {
            (hash ^ u128::from(byte)).wrapping_mul(FNV_PRIME)
        });
        Self(format!("{hash:032x}").into())
    }
}

/// The numbers of FNV-1a with 128 bits.
const FNV_OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const FNV_PRIME: u128 = 0x0100_0000_0000_0000_0000_013b;

plain_text!(RequestId);
kept_as_text!(RequestId: RequestId::as_str;);

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn id(text: &str) -> RequestId {
        text.parse().unwrap()
    }

    #[test]
    fn items_of_batches_have_ids_of_their_own_that_stay() {
        // Computed by another implementation: a database outlives this one.
        let rows = [
            ("a", 0, "ba7ca39f693c64bf6dc2d349aa220097"),
            ("a", 11, "ba7ca39f723c64bf6dc2d349aa220baa"),
            ("a1", 1, "49e593ced14ff78c1aa4f5ff9afd76b4"),
            (
                "190000010920260315000021",
                u32::MAX,
                "97793a80fa782dbd3c5927753cc8ea45",
            ),
        ];
        for (batch, index, expected) in rows {
            assert_eq!(id(batch).item(index).as_str(), expected, "{batch} {index}");
            assert_eq!(id(batch).item(index), id(expected));
        }
        let batches = ["a", "a1", "1", "11", "7c9e6679-7425-40de-944b-e07fc1f90ae7"];
        let mut seen = HashSet::new();
        for batch in batches.map(id) {
            for index in (0..10_000).chain(u32::MAX - 9_999..=u32::MAX) {
                assert!(seen.insert(batch.item(index)), "{batch} {index}");
            }
        }
        assert_eq!(seen.len(), 100_000);
        assert!(batches.iter().all(|batch| !seen.contains(&id(batch))));
    }

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
