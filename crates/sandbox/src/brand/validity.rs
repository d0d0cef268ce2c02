//! When a user card is valid.

use jiff::Timestamp;
use kabao_models::brand::{ValidDateInformation, ValidDateType};

use super::{Context, Refused, Rule};
use crate::clock::{parse_rfc3339, plus_days};
use crate::settings::ConflictingSections;

/// Thirty years.
const MAX_DAYS: i64 = 10_958;

const MEMBER: &str = "valid_date_information";

/// Checks a rule by itself and, where there is one, against the kind of the template.
pub(super) fn check(
    context: &Context<'_>,
    information: &ValidDateInformation,
    template: Option<&ValidDateType>,
) -> Result<(), Refused> {
    let at = |rule: Rule, name: &str| Err(Refused::at(rule, format!("{MEMBER}/{name}"), ""));
    let (begin, end) = (
        &information.available_begin_time,
        &information.available_end_time,
    );
    let days = information.available_day_after_receive;
    if template.is_some_and(|kind| information.r#type.as_ref() != Some(kind)) {
        return at(Rule::ValidityType, "type");
    }
    match &information.r#type {
        Some(ValidDateType::FixTimeRange) => {
            let (Some(begin), Some(end)) = (time(begin.as_deref()), time(end.as_deref())) else {
                return at(Rule::RangeIncomplete, "available_begin_time");
            };
            if days.is_some() {
                return at(Rule::RangeWithDays, "available_day_after_receive");
            }
            if begin > end || (begin == end && !context.rules.begin_may_equal_end) {
                return at(Rule::BeginAfterEnd, "available_begin_time");
            }
        }
        Some(ValidDateType::FixTerm) => match days {
            None => return at(Rule::TermIncomplete, "available_day_after_receive"),
            Some(_) if begin.is_some() || end.is_some() => {
                return at(Rule::TermIncomplete, "available_begin_time");
            }
            Some(..=0) => return at(Rule::DaysNotPositive, "available_day_after_receive"),
            Some(days) if days > MAX_DAYS => {
                return at(Rule::DaysTooMany, "available_day_after_receive");
            }
            Some(_) => {}
        },
        _ => {
            if days.is_some() {
                return at(Rule::PermanentWithDays, "available_day_after_receive");
            }
            if begin.is_some() {
                return at(Rule::PermanentWithBegin, "available_begin_time");
            }
            if end.is_some() {
                return at(Rule::PermanentWithEnd, "available_end_time");
            }
        }
    }
    Ok(())
}

/// Checks the rule of a template. It may be of another kind than the template, or have members of
/// another kind, if those are without effect.
pub(super) fn check_template(
    context: &Context<'_>,
    information: &ValidDateInformation,
    template: Option<&ValidDateType>,
) -> Result<(), Refused> {
    match context.rules.conflicting_sections {
        ConflictingSections::Refuse => check(context, information, template),
        ConflictingSections::Ignore => check(context, &effective(information), None),
    }
}

/// Returns the members of a rule that its kind heeds.
fn effective(information: &ValidDateInformation) -> ValidDateInformation {
    let mut effective = information.clone();
    if effective.r#type != Some(ValidDateType::FixTimeRange) {
        effective.available_begin_time = None;
        effective.available_end_time = None;
    }
    if effective.r#type != Some(ValidDateType::FixTerm) {
        effective.available_day_after_receive = None;
    }
    effective
}

fn time(text: Option<&str>) -> Option<Timestamp> {
    text.and_then(parse_rfc3339)
}

/// Returns the end of validity of a card whose days count from `start`; none for permanent ones.
/// The days are of 24 hours.
pub(super) fn end(
    information: Option<&ValidDateInformation>,
    start: Timestamp,
) -> Option<Timestamp> {
    let information = information?;
    match &information.r#type {
        Some(ValidDateType::FixTimeRange) => time(information.available_end_time.as_deref()),
        Some(ValidDateType::FixTerm) => information
            .available_day_after_receive
            .map(|days| plus_days(start, days)),
        _ => None,
    }
}

/// Tells whether a fixed range is over at a moment.
pub(super) fn is_over(information: Option<&ValidDateInformation>, now: Timestamp) -> bool {
    let range = information.filter(|known| known.r#type == Some(ValidDateType::FixTimeRange));
    end(range, now).is_some_and(|end| now >= end)
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::testing::{context, now};
    use super::*;
    use crate::settings;

    pub(in crate::brand) fn range(begin: &str, end: &str) -> ValidDateInformation {
        ValidDateInformation {
            r#type: Some(ValidDateType::FixTimeRange),
            available_begin_time: Some(format!("{begin}T00:00:00+08:00")),
            available_end_time: Some(format!("{end}T00:00:00+08:00")),
            ..ValidDateInformation::default()
        }
    }

    pub(in crate::brand) fn term(days: i64) -> ValidDateInformation {
        ValidDateInformation {
            r#type: Some(ValidDateType::FixTerm),
            available_day_after_receive: Some(days),
            ..ValidDateInformation::default()
        }
    }

    pub(in crate::brand) fn permanent() -> ValidDateInformation {
        ValidDateInformation {
            r#type: Some(ValidDateType::Permanent),
            ..ValidDateInformation::default()
        }
    }

    #[test]
    fn each_contradiction_has_its_own_row() {
        let (begin, end) = ("2026-01-01", "2026-12-31");
        let moment = |day: &str| Some(format!("{day}T00:00:00+08:00"));
        let days = |days, information| ValidDateInformation {
            available_day_after_receive: days,
            ..information
        };
        let begins = |information| ValidDateInformation {
            available_begin_time: moment(begin),
            ..information
        };
        for (information, expected) in [
            (range(begin, end), None),
            (range(begin, begin), None),
            (term(1), None),
            (term(MAX_DAYS), None),
            (permanent(), None),
            (
                ValidDateInformation {
                    available_end_time: None,
                    ..range(begin, end)
                },
                Some(Rule::RangeIncomplete),
            ),
            (days(Some(3), range(begin, end)), Some(Rule::RangeWithDays)),
            (range(end, begin), Some(Rule::BeginAfterEnd)),
            (days(None, term(1)), Some(Rule::TermIncomplete)),
            (begins(term(1)), Some(Rule::TermIncomplete)),
            (term(0), Some(Rule::DaysNotPositive)),
            (term(MAX_DAYS + 1), Some(Rule::DaysTooMany)),
            (days(Some(1), permanent()), Some(Rule::PermanentWithDays)),
            (begins(permanent()), Some(Rule::PermanentWithBegin)),
            (
                ValidDateInformation {
                    available_end_time: moment(end),
                    ..permanent()
                },
                Some(Rule::PermanentWithEnd),
            ),
        ] {
            let rules = settings::Brand::default();
            let found = check(&context(&rules), &information, information.r#type.as_ref());
            assert_eq!(
                found.err().map(|refused| refused.rule),
                expected,
                "{information:?}"
            );
        }
    }

    #[test]
    fn the_kind_is_the_templates_and_an_empty_range_a_setting() {
        let rules = settings::Brand {
            begin_may_equal_end: false,
            ..settings::Brand::default()
        };
        let check = |information, kind| {
            check(&context(&rules), &information, Some(&kind))
                .err()
                .map(|refused| refused.rule)
        };
        assert_eq!(
            check(term(3), ValidDateType::Permanent),
            Some(Rule::ValidityType)
        );
        let empty = range("2026-01-01", "2026-01-01");
        assert_eq!(
            check(empty, ValidDateType::FixTimeRange),
            Some(Rule::BeginAfterEnd)
        );
    }

    #[test]
    fn the_end_is_exclusive() {
        let information = range("2025-01-01", "2026-01-01");
        let end = end(Some(&information), now()).unwrap();
        assert!(is_over(Some(&information), end));
        assert!(!is_over(
            Some(&information),
            end - jiff::SignedDuration::from_secs(1)
        ));
        assert!(!is_over(Some(&term(1)), now()));
    }
}
