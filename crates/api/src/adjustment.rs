//! Changes of a member's points and stored value.

use kabao_models::Personal;

use crate::{Error, FieldViolation, MemberName, Reason};

/// How a value changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// By a difference; negative takes away.
    Add(i64),
    /// To an absolute value.
    SetTo(i64),
}

impl Change {
    /// Returns the value after the change.
    ///
    /// # Errors
    ///
    /// [`Reason::PreconditionFailed`] if a difference is to be added to a value that nobody knows,
    /// or if the value afterwards would be below `minimum`; [`Reason::FieldInvalid`] if it does not
    /// fit into 64 bits.
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
                    "WeChat gives no present value to add to; set the value instead",
                ));
            }
        };
        match minimum {
            Some(minimum) if after < minimum => Err(Error::new(
                Reason::PreconditionFailed,
                "the value after the change would be below the minimum of the call",
            )),
            _ => Ok(after),
        }
    }
}

/// Arguments of [`MemberApi::adjust_balance`](crate::MemberApi::adjust_balance) and
/// [`MemberApi::adjust_points`](crate::MemberApi::adjust_points).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdjustMember {
    /// Which member.
    pub name: MemberName,
    /// The user; required by the brand family, ignored by the others.
    pub openid: Option<Personal>,
    /// The change.
    pub change: Change,
    /// The change is refused with [`Reason::PreconditionFailed`] if the value afterwards would be
    /// below this.
    pub minimum: Option<i64>,
    /// The text of the record that the user sees, where the family shows one.
    pub remark: Option<String>,
    /// Whether WeChat tells the user; `None` leaves it to the family, which does.
    pub notify: Option<bool>,
    /// Identifies this one intended change (AIP-155); becomes `out_request_no` where the family
    /// has one.
    pub request_id: Option<String>,
}

/// What a change of points or stored value did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

    #[test]
    fn changes_are_checked() {
        type Row = (Change, Option<i64>, Option<i64>, Result<i64, Reason>);
        let rows: [Row; 9] = [
            (Change::Add(5), Some(10), None, Ok(15)),
            (Change::Add(-15), Some(10), None, Ok(-5)),
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
}
