//! How much of a resource is returned.

use serde::Serialize;

/// How much of a resource is returned (AIP-157).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum View {
    /// The fields that mean the same in every family.
    #[default]
    Basic,
    /// The same and the family's own complete answer.
    Full,
}
