//! The states of a change, and what leads from one to the next: pure values, without a store, without
//! a clock, without a network.

use kabao_api::{ChangeState, PlannedValue};

use crate::plan::Plan;

/// What was learnt about a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// A verified answer says that it is done.
    Confirmed,
    /// A verified answer says that its request number was used before.
    NumberUsed,
    /// A verified answer refuses it, or the request did not leave.
    Refused,
    /// The request may have left, and nothing that came back can be believed.
    Silence,
    /// The value was read back; `None` if WeChat gives none.
    Found(Option<i64>),
    /// An operator has decided.
    Decided {
        /// What the operator says.
        applied: bool,
    },
}

/// What to do about a change whose end is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Send the same request again: it acts once, however often it is sent.
    Repeat,
    /// Read the value and compare it with the planned ones.
    ReadBack,
    /// Ask a person: WeChat cannot tell any more.
    Ask,
}

/// What follows from what was learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// It is proved to have taken effect.
    Applied,
    /// It is proved to have had no effect.
    Rejected,
    /// Neither is proved; this is how to go on.
    Unknown(Proof),
}

impl Conclusion {
    /// Returns the state that a change is in after this.
    pub const fn state(self) -> ChangeState {
        match self {
            Self::Applied => ChangeState::Applied,
            Self::Rejected => ChangeState::Rejected,
            Self::Unknown(_) => ChangeState::Unknown,
        }
    }
}

/// What is known of a change while its end is sought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// A request of this very change may have left before what was learnt last.
    pub may_have_left: bool,
    /// A repeat was refused. That is no proof: it may be refused because the first one ran.
    pub refused_since: bool,
    /// A verified answer says that its number was used. That may have been somebody else of the same merchant number.
    pub number_used: bool,
}

/// Draws the conclusion.
pub fn conclude(plan: &Plan, known: Known, evidence: Evidence) -> Conclusion {
    match evidence {
        Evidence::Confirmed | Evidence::Decided { applied: true } => Conclusion::Applied,
        Evidence::Decided { applied: false } => Conclusion::Rejected,
        // Nobody but this change should have its number. If it never left before, somebody does; if it may have, the
        // value must not be what it was before.
        Evidence::NumberUsed if known.may_have_left => match plan.value {
            Some(value) if shows(plan, value) => Conclusion::Unknown(Proof::ReadBack),
            _ => Conclusion::Applied,
        },
        Evidence::NumberUsed => Conclusion::Rejected,
        Evidence::Refused if !known.may_have_left => Conclusion::Rejected,
        Evidence::Refused => Conclusion::Unknown(match plan.value {
            Some(_) => Proof::ReadBack,
            None => Proof::Ask,
        }),
        Evidence::Silence => Conclusion::Unknown(first_proof(plan)),
        Evidence::Found(found) => compare(plan, known, found),
    }
}

/// Returns how to find out about a change that may have left.
pub fn first_proof(plan: &Plan) -> Proof {
    let is_difference = plan.value.is_some_and(|value| value.is_difference);
    let can_repeat = plan.request.is_some() && plan.is_safe_to_repeat;
    match plan.number {
        _ if plan.needs_decision => Proof::Ask,
        // The number keeps a repeat from acting twice, whatever was written since.
        Some(_) if can_repeat => Proof::Repeat,
        // An absolute value that stands for a difference: not again without a look.
        _ if is_difference && plan.member.is_some() => Proof::ReadBack,
        None if can_repeat => Proof::Repeat,
        _ => Proof::Ask,
    }
}

/// Tells whether the value shows if it was written.
fn shows(plan: &Plan, value: PlannedValue) -> bool {
    plan.member.is_some() && value.before.is_some_and(|before| before != value.after)
}

/// Compares what was read with what was planned.
fn compare(plan: &Plan, known: Known, found: Option<i64>) -> Conclusion {
    let Some(value) = plan.value else {
        return Conclusion::Unknown(Proof::Ask);
    };
    if found == Some(value.after) {
        return Conclusion::Applied;
    }
    let is_before = found.is_some() && found == value.before;
    if known.number_used {
        // Written since by somebody else, or never: its number was another one's.
        return match is_before {
            true => Conclusion::Unknown(Proof::Ask),
            false => Conclusion::Applied,
        };
    }
    if is_before && known.refused_since {
        return Conclusion::Rejected;
    }
    let can_repeat = plan.request.is_some() && plan.is_safe_to_repeat;
    // A difference is written only on top of the value that it was planned for.
    let may_write = is_before || !value.is_difference;
    if can_repeat && may_write && !known.refused_since {
        Conclusion::Unknown(Proof::Repeat)
    } else {
        Conclusion::Unknown(Proof::Ask)
    }
}

#[cfg(test)]
mod tests {
    use kabao_api::MemberValue;

    use super::*;

    fn plan(number: Option<&str>, safe: bool, value: Option<(Option<i64>, i64, bool)>) -> Plan {
        Plan {
            operation: "x".into(),
            party: None,
            request: Some("{}".to_owned()),
            number: number.map(str::to_owned),
            is_safe_to_repeat: safe,
            value: value.map(|(before, after, is_difference)| PlannedValue {
                value: MemberValue::Points,
                before,
                after,
                is_difference,
            }),
            subject: None,
            member: Some("accounts/a/templates/t/members/1".parse().unwrap()),
            openid: None,
            answer: None,
            doubt: None,
            found: None,
            needs_decision: false,
            decision: None,
        }
    }

    const LEFT: Known = Known {
        may_have_left: true,
        refused_since: false,
        number_used: false,
    };
    const REFUSED: Known = Known {
        refused_since: true,
        ..LEFT
    };
    const USED: Known = Known {
        number_used: true,
        ..LEFT
    };

    #[test]
    fn the_table_of_conclusions() {
        use Conclusion::{Applied, Rejected, Unknown};
        use Proof::{Ask, ReadBack, Repeat};
        let numbered = plan(Some("n"), true, Some((Some(5), 15, true)));
        let added = plan(None, true, Some((Some(5), 15, true)));
        let set = plan(None, true, Some((None, 15, false)));
        let unseen = plan(Some("n"), true, Some((None, 15, false)));
        let safe = plan(None, true, None);
        let harmful = plan(None, false, None);
        let fresh = Known::default();
        let rows = [
            (&harmful, fresh, Evidence::Confirmed, Applied),
            (&harmful, fresh, Evidence::Refused, Rejected),
            (&harmful, fresh, Evidence::Silence, Unknown(Ask)),
            // A number that somebody else has used.
            (&numbered, fresh, Evidence::NumberUsed, Rejected),
            (&numbered, LEFT, Evidence::NumberUsed, Unknown(ReadBack)),
            (&numbered, USED, Evidence::Found(Some(15)), Applied),
            // Somebody else has written since.
            (&numbered, USED, Evidence::Found(Some(7)), Applied),
            // Or somebody else has used the number.
            (&numbered, USED, Evidence::Found(Some(5)), Unknown(Ask)),
            (&unseen, LEFT, Evidence::NumberUsed, Applied),
            (&numbered, fresh, Evidence::Silence, Unknown(Repeat)),
            // A refusal of the second does not say that the first did not run.
            (&numbered, LEFT, Evidence::Refused, Unknown(ReadBack)),
            (&numbered, REFUSED, Evidence::Found(Some(15)), Applied),
            (&numbered, REFUSED, Evidence::Found(Some(5)), Rejected),
            (&numbered, REFUSED, Evidence::Found(Some(7)), Unknown(Ask)),
            (&safe, LEFT, Evidence::Refused, Unknown(Ask)),
            (&safe, LEFT, Evidence::Silence, Unknown(Repeat)),
            (&added, LEFT, Evidence::Silence, Unknown(ReadBack)),
            (&added, LEFT, Evidence::Found(Some(15)), Applied),
            (&added, LEFT, Evidence::Found(Some(5)), Unknown(Repeat)),
            (&added, LEFT, Evidence::Found(Some(16)), Unknown(Ask)),
            (&added, LEFT, Evidence::Found(None), Unknown(Ask)),
            (&set, LEFT, Evidence::Silence, Unknown(Repeat)),
            (&set, LEFT, Evidence::Found(Some(99)), Unknown(Repeat)),
            (&added, LEFT, Evidence::Decided { applied: true }, Applied),
            (&added, LEFT, Evidence::Decided { applied: false }, Rejected),
        ];
        for (plan, known, evidence, expected) in rows {
            assert_eq!(
                conclude(plan, known, evidence),
                expected,
                "{evidence:?} of {plan:?}"
            );
        }
    }

    #[test]
    fn what_cannot_be_sent_again_is_for_a_person() {
        let mut upload = plan(None, true, None);
        upload.request = None;
        assert_eq!(first_proof(&upload), Proof::Ask);
        let mut asked = plan(Some("n"), true, None);
        asked.needs_decision = true;
        assert_eq!(first_proof(&asked), Proof::Ask);
    }
}
