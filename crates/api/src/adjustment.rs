//! Changes of a member's points and stored value.

use kabao_models::Personal;
use serde::{Deserialize, Serialize};

use crate::setters::setters;
use crate::{Error, FieldViolation, MemberName, Precondition, Reason, RequestId};

/// How a value changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// By a difference; negative takes away.
    Add(i64),
    /// To an absolute value.
    SetTo(i64),
}

impl Change {
    /// Returns the value after the change.
    ///
    /// Without a `minimum`, a change that takes away may not lead below zero; whoever wants less
    /// says so. A change that adds, and an absolute value, have no minimum of their own.
    ///
    /// # Errors
    ///
    /// [`Reason::PreconditionFailed`] if a difference is to be added to a value that nobody knows,
    /// or if the value afterwards would be below the minimum; [`Reason::FieldInvalid`] if it does
    /// not fit into 64 bits.
    pub fn apply(self, before: Option<i64>, minimum: Option<i64>) -> Result<i64, Error> {
        let after = match (self, before) {
            (Self::SetTo(value), _) => value,
            (Self::Add(difference), Some(before)) => {
                before.checked_add(difference).ok_or_else(|| {
                    Error::field_invalid([FieldViolation::new(
                        "add",
                        "leads to a value that does not fit into 64 bits",
                    )])
                })?
            }
            (Self::Add(_), None) => {
                return Err(Error::new(
                    Reason::PreconditionFailed,
                    "WeChat gives no present value to add to",
                )
                .with_precondition(Precondition::new(
                    "PRESENT_VALUE",
                    "add",
                    "the present value is absent",
                ))
                .with_remedy("use set_to"));
            }
        };
        let by_default = minimum.is_none() && matches!(self, Self::Add(..0));
        match minimum.or(by_default.then_some(0)) {
            Some(minimum) if after < minimum => Err(self.below(before, after, minimum, by_default)),
            _ => Ok(after),
        }
    }

    fn below(self, before: Option<i64>, after: i64, minimum: i64, by_default: bool) -> Error {
        let present = match before {
            Some(before) => format!("the present value is {before}, "),
            None => String::new(),
        };
        let bound = if by_default {
            "the minimum without one in the call"
        } else {
            "the minimum of the call"
        };
        let error = Error::new(
            Reason::PreconditionFailed,
            "the value after the change would be below the minimum",
        )
        .with_precondition(Precondition::new(
            "MINIMUM",
            "minimum",
            format!("{present}the change would make it {after}, {bound} is {minimum}"),
        ));
        if by_default {
            error.with_remedy("set minimum below zero if that is wanted")
        } else {
            error
        }
    }
}

/// Arguments of [`MemberApi::adjust_balance`](crate::MemberApi::adjust_balance) and
/// [`MemberApi::adjust_points`](crate::MemberApi::adjust_points).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AdjustMember {
    /// Which member.
    pub name: MemberName,
    /// The user; required by the brand family, ignored by the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub openid: Option<Personal>,
    /// The change.
    pub change: Change,
    /// The change is refused with [`Reason::PreconditionFailed`] if the value afterwards would be
    /// below this. Not given: 0 for an [`Change::Add`] that takes away, nothing for the rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum: Option<i64>,
    /// The text of the record that the user sees, where the family shows one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remark: Option<Personal>,
    /// Whether WeChat tells the user; `None` leaves it to the family, which does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notify: Option<bool>,
    /// Identifies this one intended change (AIP-155); becomes `out_request_no` where the family
    /// has one. An official account has none: without a journal around the client, a
    /// [`Change::Add`] with an id is refused with [`Reason::NotSupportedByFamily`], because a repeat
    /// would add twice.
    #[serde(skip)]
    pub request_id: Option<RequestId>,
}

impl AdjustMember {
    /// Changes the value of this member.
    pub fn new(name: MemberName, change: Change) -> Self {
        Self {
            name,
            openid: None,
            change,
            minimum: None,
            remark: None,
            notify: None,
            request_id: None,
        }
    }
}

setters!(AdjustMember:
    with_openid(openid: impl Into<Personal>) = Some(openid.into());
    with_minimum(minimum: i64) = Some(minimum);
    with_remark(remark: impl Into<Personal>) = Some(remark.into());
    with_notify(notify: bool) = Some(notify);
    with_request_id(request_id: RequestId) = Some(request_id);
);

/// What a change of points or stored value did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Adjustment {
    /// The value before, as it was read; `None` where the family does not give it.
    pub before: Option<i64>,
    /// The value after.
    pub after: i64,
}

impl Adjustment {
    /// Joins the parts.
    pub fn new(before: Option<i64>, after: i64) -> Self {
        Self { before, after }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Decision, InvalidateMember};

    #[test]
    fn changes_are_checked() {
        type Row = (Change, Option<i64>, Option<i64>, Result<i64, Reason>);
        let rows: [Row; 13] = [
            (Change::Add(5), Some(10), None, Ok(15)),
            // Nobody goes below zero by accident.
            (
                Change::Add(-15),
                Some(10),
                None,
                Err(Reason::PreconditionFailed),
            ),
            (Change::Add(-10), Some(10), None, Ok(0)),
            (Change::Add(-15), Some(10), Some(-5), Ok(-5)),
            // Adding never leads below, nor does an absolute value.
            (Change::Add(5), Some(-10), None, Ok(-5)),
            (Change::SetTo(-3), Some(9), None, Ok(-3)),
            (
                Change::Add(-15),
                Some(10),
                Some(0),
                Err(Reason::PreconditionFailed),
            ),
            (Change::Add(-10), Some(10), Some(0), Ok(0)),
            (Change::Add(1), None, None, Err(Reason::PreconditionFailed)),
            (
                Change::Add(1),
                Some(i64::MAX),
                None,
                Err(Reason::FieldInvalid),
            ),
            (
                Change::Add(-1),
                Some(i64::MIN),
                None,
                Err(Reason::FieldInvalid),
            ),
            (Change::SetTo(3), None, None, Ok(3)),
            (
                Change::SetTo(3),
                Some(9),
                Some(4),
                Err(Reason::PreconditionFailed),
            ),
        ];
        for (change, before, minimum, expected) in rows {
            let found = change
                .apply(before, minimum)
                .map_err(|error| error.reason());
            assert_eq!(found, expected, "{change:?} of {before:?}");
        }
    }

    #[test]
    fn what_somebody_wrote_about_a_member_does_not_print() {
        let name: MemberName = "accounts/a/templates/t/members/1".parse().unwrap();
        let words = "林间 13800000417 came back";
        let decision = Decision {
            applied: true,
            note: words.into(),
            caller: None,
        };
        for shown in [
            format!(
                "{:?}",
                AdjustMember::new(name.clone(), Change::Add(5)).with_remark(words)
            ),
            format!("{:?}", InvalidateMember::new(name).with_reason(words)),
            format!("{decision:?}"),
        ] {
            assert!(shown.contains("[personal, 24 characters]"), "{shown}");
            assert!(
                !shown.contains("林间") && !shown.contains("came"),
                "{shown}"
            );
        }
    }

    #[test]
    fn a_refusal_names_the_present_value_and_the_bound() {
        let rows = [
            (
                Change::Add(-15).apply(Some(10), Some(0)),
                "the value after the change would be below the minimum: the present value is 10, the change would make it -5, the minimum of the call is 0",
            ),
            (
                Change::Add(-15).apply(Some(10), None),
                "the value after the change would be below the minimum: the present value is 10, the change would make it -5, the minimum without one in the call is 0; set minimum below zero if that is wanted",
            ),
            (
                Change::SetTo(3).apply(None, Some(4)),
                "the value after the change would be below the minimum: the change would make it 3, the minimum of the call is 4",
            ),
            (
                Change::Add(1).apply(None, None),
                "WeChat gives no present value to add to: the present value is absent; use set_to",
            ),
        ];
        for (found, text) in rows {
            let error = found.unwrap_err();
            assert_eq!(error.to_string(), text);
            assert_eq!(error.preconditions().len(), 1);
        }
    }
}
