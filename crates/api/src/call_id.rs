//! The id of one call.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::text::plain_text;
use crate::{Error, FieldViolation};

/// Names one call in logs, traces and answers (`x-request-id`): 1 to 64 ASCII letters, digits and
/// `-_.:/+=`.
///
/// It says nothing of what is intended: a repeat of the same change is another call, and
/// [`RequestId`](crate::RequestId) is what the two have in common.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CallId(Arc<str>);

impl CallId {
    /// Checks an id: it must be short and harmless, since it ends up in every log line and error.
    ///
    /// # Errors
    ///
    /// [`Reason::FieldInvalid`](crate::Reason::FieldInvalid) with a violation on `call_id`.
    pub fn new(id: impl AsRef<str>) -> Result<Self, Error> {
        let id = id.as_ref();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(&byte);
        if (1..=64).contains(&id.len()) && id.bytes().all(plain) {
            Ok(Self(id.into()))
        } else {
            Err(Error::field_invalid([FieldViolation::new(
                "call_id",
                "must be 1 to 64 ASCII letters, digits and -_.:/+=",
            )]))
        }
    }

    /// Makes an id for the `count`th call of a process with a number of its own.
    pub fn counted(process: u64, count: u64) -> Self {
        let mut id = String::with_capacity(33);
        // A text takes whatever is written into it.
        let _ = write!(id, "{process:016x}-{count:x}");
        Self(id.into())
    }

    /// Returns what stands for the id of a call that has none.
    pub fn unknown() -> Self {
        Self("-".into())
    }

    /// Returns the id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

plain_text!(CallId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_short_and_harmless_ids_are_accepted() {
        for good in ["a", "9f1c-22", "trace:01/span=2", "x".repeat(64).as_str()] {
            assert!(CallId::new(good).is_ok(), "{good}");
        }
        let long = "x".repeat(65);
        for bad in ["", " ", "a b", "a\tb", "\"quoted\"", "{json}", "卡", &long] {
            assert!(CallId::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn made_ids_are_ids() {
        for made in [CallId::counted(u64::MAX, u64::MAX), CallId::unknown()] {
            assert_eq!(CallId::new(made.as_str()).unwrap(), made);
        }
        assert_ne!(CallId::counted(1, 2), CallId::counted(2, 1));
    }
}
