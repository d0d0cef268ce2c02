//! Who an account is to WeChat: the same name may stand for another merchant number tomorrow.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A merchant number, a brand or an AppID, as a text that tells it from every other one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Party(Arc<str>);

/// What of a plan tells whose it is.
#[derive(Default, Deserialize)]
pub(crate) struct OfPlan {
    #[serde(default)]
    party: Option<Party>,
}

impl Party {
    /// Reads whose plan it is.
    pub(crate) fn of_plan(plan: &[u8]) -> OfPlan {
        serde_json::from_slice(plan).unwrap_or_default()
    }
}

impl From<String> for Party {
    fn from(party: String) -> Self {
        Self(party.into())
    }
}

impl From<Party> for String {
    fn from(Party(party): Party) -> Self {
        party.as_ref().into()
    }
}

impl OfPlan {
    /// Tells whether it may be that of `party`: one that was not written down may be anybody.
    pub(crate) fn may_be(&self, party: Option<&Party>) -> bool {
        may_be(self.party.as_ref(), party)
    }
}

/// Tells whether two may be the same.
pub(crate) fn may_be(one: Option<&Party>, other: Option<&Party>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    }
}
