//! Why a message could not be written or read.

use std::fmt;

/// A request or answer could not be written as JSON.
#[derive(Debug)]
pub struct EncodeError(pub(crate) serde_json::Error);

impl EncodeError {
    /// A sensitive field was still plain.
    pub(crate) fn plain() -> Self {
        Self(serde::ser::Error::custom(
            "a sensitive field was not encrypted before it was written",
        ))
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the message cannot be written as JSON")
    }
}

impl std::error::Error for EncodeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// Where a message failed to parse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// The path or a path parameter.
    Path,
    /// A query parameter.
    Query,
    /// The body.
    Body,
}

/// A request or answer is not what the catalogue describes.
///
/// The text names places and JSON types, never values.
#[derive(Debug)]
pub struct DecodeError {
    location: Location,
    field: Option<String>,
    issue: String,
    /// Line and column of a JSON error.
    position: Option<(usize, usize)>,
    /// What the documents want of the member at that place.
    expected: Option<String>,
}

impl DecodeError {
    pub(crate) fn route() -> Self {
        Self::at(
            Location::Path,
            None,
            "the path does not belong to the operation",
        )
    }

    pub(crate) fn path(name: &str) -> Self {
        Self::at(
            Location::Path,
            Some(name),
            "the path parameter is not UTF-8",
        )
    }

    pub(crate) fn query(name: &str) -> Self {
        Self::at(
            Location::Query,
            Some(name),
            "the query parameter is not UTF-8",
        )
    }

    pub(crate) fn path_type(name: &str) -> Self {
        Self::at(
            Location::Path,
            Some(name),
            "the path parameter has the wrong type",
        )
    }

    pub(crate) fn query_type(name: &str) -> Self {
        Self::at(
            Location::Query,
            Some(name),
            "the query parameter has the wrong type",
        )
    }

    pub(crate) fn body(issue: impl Into<String>) -> Self {
        Self::at(Location::Body, None, issue)
    }

    pub(crate) fn json(error: serde_json::Error) -> Self {
        let mut this = Self::at(
            Location::Body,
            None,
            match error.classify() {
                serde_json::error::Category::Data => "a member has the wrong JSON type",
                serde_json::error::Category::Eof => "the JSON ends early",
                _ => "the body is not JSON",
            },
        );
        this.position = Some((error.line(), error.column()));
        this.expected = expected(&error.to_string()).map(str::to_owned);
        this
    }

    fn at(location: Location, field: Option<&str>, issue: impl Into<String>) -> Self {
        Self {
            location,
            field: field.map(str::to_owned),
            issue: issue.into(),
            position: None,
            expected: None,
        }
    }

    /// Returns the part of the message that failed.
    pub fn location(&self) -> Location {
        self.location
    }

    /// Returns the parameter that failed, if it is known.
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// Returns line and column, both from 1, of the place where the JSON failed.
    pub fn position(&self) -> Option<(usize, usize)> {
        self.position
    }

    /// Returns what the documents want of the member that has another type, in words: `an integer`.
    pub fn expected(&self) -> Option<&str> {
        self.expected.as_deref()
    }
}

/// Finds what was expected in a text like "invalid type: string "x", expected i64 at line 1 column
/// 9", and says it in the words of [`crate::Deviation::expected`].
fn expected(text: &str) -> Option<&str> {
    let (_, rest) = text.rsplit_once(", expected ")?;
    let what = rest.rsplit_once(" at line ").map_or(rest, |(what, _)| what);
    Some(match what {
        "i64" => "an integer",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object",
        "a string" => "a text",
        other => other,
    })
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.issue)?;
        if let Some(field) = &self.field {
            write!(f, " ({field})")?;
        }
        if let Some((line, column)) = self.position {
            write!(f, " at line {line}, column {column}")?;
        }
        Ok(())
    }
}

impl std::error::Error for DecodeError {}
