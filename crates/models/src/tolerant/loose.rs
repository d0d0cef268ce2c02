//! Objects of which only a few members matter.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::value::RawValue;

use super::{Pairs, json_text, scalar};

/// A JSON object that has no type of its own, such as the body of a refusal, read as tolerantly as
/// an answer: a member of another type is as good as absent, and hides no other.
#[derive(Clone, Default)]
pub struct LooseObject(BTreeMap<String, Box<RawValue>>);

impl LooseObject {
    /// Reads a body; `None` if it is not one JSON object.
    pub fn read(body: &[u8]) -> Option<Self> {
        match serde_json::from_slice(body) {
            Ok(pairs) => Some(Self::of(pairs)),
            Err(_) => Self::parse(&json_text(body)),
        }
    }

    fn parse(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok().map(Self::of)
    }

    fn of(pairs: Pairs<'_>) -> Self {
        let owned = |(name, value): (std::borrow::Cow<'_, str>, &RawValue)| {
            (name.into_owned(), value.to_owned())
        };
        Self(pairs.0.into_iter().map(owned).collect())
    }

    /// Returns the JSON text of a member.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.get())
    }

    /// Returns a member that is a text.
    pub fn text(&self, name: &str) -> Option<String> {
        scalar::text(self.get(name)?)
    }

    /// Returns a member that is an integer, written as a number or as a text.
    pub fn integer(&self, name: &str) -> Option<i64> {
        let json = self.get(name)?;
        match scalar::text(json) {
            Some(text) => scalar::integer(&text),
            None => scalar::integer(json),
        }
    }

    /// Returns a member that is an object.
    pub fn object(&self, name: &str) -> Option<Self> {
        Self::parse(self.get(name)?)
    }

    /// Iterates over the names of all members.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// Prints the names only: nobody knows what is personal data.
impl fmt::Debug for LooseObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_odd_member_hides_no_other() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let body = format!(
            "{{\"code\":\"A\",\"message\":\"b\x14\",\"errcode\":\"40001\",\"deep\":{deep},\"detail\":{{\"issue\":7,\"field\":\"/x\"}}}}"
        );
        let object = LooseObject::read(body.as_bytes()).unwrap();
        assert_eq!(object.text("code").as_deref(), Some("A"));
        assert_eq!(object.text("message").as_deref(), Some("b\u{fffd}"));
        assert_eq!(object.integer("errcode"), Some(40001));
        assert_eq!((object.integer("code"), object.text("none")), (None, None));
        let detail = object.object("detail").unwrap();
        assert_eq!(detail.text("issue"), None);
        assert_eq!(detail.text("field").as_deref(), Some("/x"));
        assert!(object.object("deep").is_none());
        assert_eq!(object.names().count(), 5);
        assert!(!format!("{object:?}").contains("40001"));
    }

    #[test]
    fn what_is_not_an_object_is_none() {
        for body in [&b""[..], b"[]", b"null", b"<html>", b"{\"a\":1", b"{}{}"] {
            assert!(LooseObject::read(body).is_none());
        }
    }
}
