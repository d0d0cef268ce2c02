//! What became of a change: the record that a journal keeps of it.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use kabao_models::Personal;
use serde::{Deserialize, Serialize};

use crate::name::invalid;
use crate::text::kept_as_text;
use crate::{AccountId, CallerId, Error, MemberName, PageRequest, RequestId};

/// How far a change got.
///
/// ```text
/// INTENT ──▶ SENT ──▶ APPLIED
///    │        │  ╲──▶ REJECTED
///    │        ▼
///    ╰────▶ UNKNOWN ──▶ APPLIED or REJECTED, by proof or by an operator
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ChangeState {
    /// Planned and durable; from now on its request may have left.
    Intent,
    /// Its request has left, and its answer is awaited.
    Sent,
    /// Proved to have taken effect.
    Applied,
    /// Proved to have had no effect.
    Rejected,
    /// Its request may have left, and nothing proves yet what came of it.
    Unknown,
}

impl ChangeState {
    /// Every state.
    pub const ALL: [Self; 5] = [
        Self::Intent,
        Self::Sent,
        Self::Applied,
        Self::Rejected,
        Self::Unknown,
    ];

    /// Returns the name in UPPER_SNAKE.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Intent => "INTENT",
            Self::Sent => "SENT",
            Self::Applied => "APPLIED",
            Self::Rejected => "REJECTED",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// Returns true for a state that nothing leads out of.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Applied | Self::Rejected)
    }
}

impl fmt::Display for ChangeState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The name of a change: `accounts/{account}/changes/{request_id}`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChangeName {
    account: AccountId,
    id: RequestId,
}

impl ChangeName {
    /// Joins account and id.
    pub fn new(account: AccountId, id: RequestId) -> Self {
        Self { account, id }
    }

    /// Returns the account.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// Returns the request id of the change.
    pub fn id(&self) -> &RequestId {
        &self.id
    }
}

impl fmt::Display for ChangeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "accounts/{}/changes/{}", self.account, self.id)
    }
}

kept_as_text!(ChangeName: ToString::to_string;);

impl fmt::Debug for ChangeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ChangeName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let segments: Vec<&str> = text.split('/').collect();
        match segments.as_slice() {
            ["accounts", account, "changes", id] => {
                let wrong = |_| invalid("name", "has an account or a request id that is none");
                let account = account.parse().map_err(wrong)?;
                Ok(Self::new(account, id.parse().map_err(wrong)?))
            }
            _ => Err(invalid(
                "name",
                "must be accounts/{account}/changes/{request_id}",
            )),
        }
    }
}

/// Which of a member's values is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MemberValue {
    /// Points.
    Points,
    /// Stored value, in fen.
    Balance,
}

/// A value as it is planned to become: what a difference was worth when it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedValue {
    /// Which value.
    pub value: MemberValue,
    /// The value before, where it is known.
    pub before: Option<i64>,
    /// The value after.
    pub after: i64,
    /// True if a difference was asked for: written twice, on top of what others have written since,
    /// it would not be what was asked for any more.
    pub is_difference: bool,
}

/// What a journal tells about one change.
#[derive(Debug)]
#[non_exhaustive]
pub struct ChangeRecord {
    /// Its name.
    pub name: ChangeName,
    /// How far it got.
    pub state: ChangeState,
    /// What was asked for: a method of the portable API (`AdjustPoints`), or an operation
    /// (`merchant.user_cards.update`).
    pub method: String,
    /// The operation that was sent or may have been.
    pub operation: Option<String>,
    /// The member that is changed, where it is one.
    pub member: Option<MemberName>,
    /// The request number under which WeChat knows it, where the family has them.
    pub number: Option<String>,
    /// The value that changes, where it is one.
    pub value: Option<PlannedValue>,
    /// The value that was read back when it was neither of the planned ones.
    pub found: Option<i64>,
    /// Why it was rejected, or is unknown.
    pub error: Option<Error>,
    /// True if no proof can come any more by itself: an operator has to decide.
    pub needs_decision: bool,
    /// Who decided, if an operator did, and why.
    pub decision: Option<Decision>,
    /// When it was planned.
    pub create_time: SystemTime,
    /// When its state changed last.
    pub update_time: SystemTime,
}

impl ChangeRecord {
    /// Starts a record.
    pub fn new(
        name: ChangeName,
        state: ChangeState,
        method: impl Into<String>,
        create_time: SystemTime,
    ) -> Self {
        Self {
            name,
            state,
            method: method.into(),
            operation: None,
            member: None,
            number: None,
            value: None,
            found: None,
            error: None,
            needs_decision: false,
            decision: None,
            create_time,
            update_time: create_time,
        }
    }
}

/// An operator's word on a change of which no proof can be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// True if it has taken effect, false if it has not.
    pub applied: bool,
    /// Why, in the operator's words, which may name a user; at most 200 characters.
    pub note: Personal,
    /// Who decided, if callers are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<CallerId>,
}

/// Arguments of [`ChangeApi::list_changes`](crate::ChangeApi::list_changes).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListChanges {
    /// The account.
    pub account: AccountId,
    /// Changes in these states only; none for all.
    pub states: Vec<ChangeState>,
    /// Changes of this member only.
    pub member: Option<MemberName>,
    /// Which page; the newest changes come first.
    pub page: PageRequest,
}

impl ListChanges {
    /// Lists all changes of an account, from the newest.
    pub fn new(account: AccountId) -> Self {
        Self {
            account,
            states: Vec::new(),
            member: None,
            page: PageRequest::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reason;

    #[test]
    fn names_of_changes_are_read_as_they_are_written() {
        let name: ChangeName = "accounts/acme/changes/order-7".parse().unwrap();
        assert_eq!(
            (name.account().as_str(), name.id().as_str()),
            ("acme", "order-7")
        );
        assert_eq!(name.to_string(), "accounts/acme/changes/order-7");
        for wrong in [
            "",
            "accounts/acme",
            "accounts/A/changes/1",
            "accounts/acme/changes/a b",
        ] {
            let error = wrong.parse::<ChangeName>().unwrap_err();
            assert_eq!(
                (error.reason(), error.violations()[0].field.as_str()),
                (Reason::NameInvalid, "name"),
                "{wrong}"
            );
        }
    }

    #[test]
    fn only_what_is_proved_is_final() {
        let ended: Vec<_> = ChangeState::ALL
            .into_iter()
            .filter(|state| state.is_final())
            .collect();
        assert_eq!(ended, [ChangeState::Applied, ChangeState::Rejected]);
    }
}
