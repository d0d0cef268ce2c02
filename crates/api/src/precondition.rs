//! One condition of a call that does not hold.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A condition that does not hold; becomes `google.rpc.PreconditionFailure`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Precondition {
    /// What kind of condition, in UPPER_SNAKE: `MINIMUM`, `PRESENT_VALUE`.
    pub kind: Cow<'static, str>,
    /// What it is about, such as the field of the call that sets it.
    pub subject: String,
    /// The present value and the bound, as a sentence for a person. It belongs in the answer to the
    /// caller, not in a log: it holds values of the member.
    pub description: String,
}

impl Precondition {
    /// Joins the parts.
    pub fn new(
        kind: &'static str,
        subject: impl Into<String>,
        description: impl Into<String>,
    ) -> Self {
        Self {
            kind: kind.into(),
            subject: subject.into(),
            description: description.into(),
        }
    }
}
