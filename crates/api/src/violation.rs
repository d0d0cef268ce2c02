//! One field that breaks a rule.

use std::fmt;

use kabao_models::Violation;
use serde::{Deserialize, Serialize};

/// A field of the call and what is wrong with it.
///
/// The description never repeats the value: values are personal data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldViolation {
    /// The path of the field in the call, such as `balance_information.balance`.
    pub field: String,
    /// What the field must be, as a predicate: `is required`, `has 12 characters, at most 10 are allowed`.
    pub description: String,
}

impl FieldViolation {
    /// Makes a violation.
    pub fn new(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            description: description.into(),
        }
    }
}

impl From<Violation> for FieldViolation {
    fn from(violation: Violation) -> Self {
        Self {
            description: violation.breach.to_string(),
            field: violation.field,
        }
    }
}

impl fmt::Display for FieldViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.description)
    }
}
