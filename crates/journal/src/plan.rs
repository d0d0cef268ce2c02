//! What a change will do, as a value that outlives the process.

use std::borrow::Cow;

use kabao_api::{AccountId, Decision, Error, MemberName, Personal, PlannedValue, Reason};
use serde::{Deserialize, Serialize};

use crate::party::Party;
use crate::subject::SubjectKey;

/// What will be sent, and how to prove what came of it.
///
/// It is written before the first byte leaves, and everything that happens to the change later, in
/// this process or another one, follows from it. It holds personal data; the store seals it.
#[derive(Serialize, Deserialize)]
pub struct Plan {
    /// The operation, by its id in the catalogue.
    pub operation: Cow<'static, str>,
    /// Who the account was to WeChat when the change was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub party: Option<Party>,
    /// The request, archived; absent where it must never be sent again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The request number under which WeChat knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// True if sending the very same request twice does no more than sending it once.
    pub is_safe_to_repeat: bool,
    /// The value that it makes, where it makes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<PlannedValue>,
    /// What no other change may change meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The member that it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<MemberName>,
    /// The user of that member, where it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub openid: Option<Personal>,
    /// The answer of the operation, archived, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// Why its end is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<Error>,
    /// The value that was read back when it was neither of the planned ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<i64>,
    /// True if nothing but an operator's word can end it.
    #[serde(default)]
    pub needs_decision: bool,
    /// That word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
}

impl Plan {
    /// Reads a plan as the store gives it back; `None` for one of another version or a broken one.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// Reads the plan of a change that cannot go on without it.
    ///
    /// # Errors
    ///
    /// `STORE` for one that cannot be read.
    pub(crate) fn require(bytes: &[u8]) -> Result<Self, Error> {
        Self::read(bytes).ok_or_else(|| {
            Error::new(Reason::Store, "the plan of the change cannot be read")
                .mark_may_have_executed()
        })
    }

    /// What no other change of this account may change meanwhile.
    pub(crate) fn subject_key(&self, account: &AccountId) -> Option<SubjectKey> {
        let subject = self.subject.clone()?;
        Some((account.clone(), subject))
    }

    /// Writes a plan for the store.
    pub fn write(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}
