//! What a message has that the documents do not.

use std::fmt;

/// A member that is not of its documented type.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deviation {
    /// The path of the member, such as `user_info.common_field_list[2].value`; empty for the whole
    /// body. It holds names of the catalogue only, never anything that was received.
    pub path: String,
    /// What is wrong with it.
    pub kind: DeviationKind,
    /// What is documented, in words: `an integer`.
    pub expected: &'static str,
    /// The catalogue says that both the documented type and this one are seen in practice.
    pub is_seen: bool,
}

/// What is wrong with a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DeviationKind {
    /// It is of another type; its JSON text is kept in `extra` of its object.
    Odd,
    /// It is `null`, which counts as absent.
    Null,
    /// It is an integer that is written as a decimal, such as `2900.0`; it was read.
    IntegralDecimal,
    /// It is an integer in a text, such as `"12"`; it was read.
    IntegerInText,
    /// It is a number where a text is documented; its digits were read.
    NumberForText,
    /// It is 0 or 1 where a boolean is documented; it was read.
    NumberForBoolean,
    /// It is `"true"`, `"false"`, `"0"` or `"1"` where a boolean is documented; it was read.
    BooleanInText,
    /// The body holds bytes that are no text; they were replaced.
    NotText,
    /// There is more than is told.
    More,
}

impl Deviation {
    pub(crate) fn new(
        path: impl Into<String>,
        kind: DeviationKind,
        expected: &'static str,
    ) -> Self {
        Self {
            path: path.into(),
            kind,
            expected,
            is_seen: false,
        }
    }

    /// Tells whether it is a number for a text or a text for a number.
    pub(super) fn is_either(&self) -> bool {
        matches!(
            self.kind,
            DeviationKind::NumberForText | DeviationKind::IntegerInText
        )
    }

    /// Returns true if the value could be read all the same, and nothing of it was lost.
    pub fn is_harmless(&self) -> bool {
        !matches!(
            self.kind,
            DeviationKind::Odd | DeviationKind::NotText | DeviationKind::More
        )
    }
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() {
            "the body"
        } else {
            &self.path
        };
        let kind = match self.kind {
            DeviationKind::Odd => "another type",
            DeviationKind::Null => "null",
            DeviationKind::IntegralDecimal => "a decimal",
            DeviationKind::IntegerInText => "an integer in a text",
            DeviationKind::NumberForText => "a number",
            DeviationKind::NumberForBoolean => "0 or 1",
            DeviationKind::BooleanInText => "a boolean in a text",
            DeviationKind::NotText => "bytes that are no text",
            DeviationKind::More => "more of the like",
        };
        write!(f, "{path}: {kind} instead of {}", self.expected)
    }
}
