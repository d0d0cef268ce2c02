//! Validity rules of templates and user cards.

use jiff::Timestamp;
use kabao_models::brand::{ValidDateInformation, ValidDateType};

use super::Refused;
use crate::clock::{parse_rfc3339, plus_days};

/// Thirty years, the longest term.
const MAX_DAYS: i64 = 10_958;

/// Checks a validity rule that is sent for a template or a card of it.
pub(super) fn check(sent: &ValidDateInformation, template: Option<&ValidDateInformation>) -> Result<(), Refused> {
    let kind = sent.r#type.as_ref().ok_or(Refused::ValidityTypeMissing)?;
    if template.and_then(|template| template.r#type.as_ref()).is_some_and(|expected| expected != kind) {
        return Err(Refused::ValidityType);
    }
    let (begin, end) = (&sent.available_begin_time, &sent.available_end_time);
    let days = sent.available_day_after_receive;
    match kind {
        ValidDateType::FixTimeRange => {
            if days.is_some() {
                return Err(Refused::RangeWithDays);
            }
            let (Some(begin), Some(end)) = (begin, end) else { return Err(Refused::RangeIncomplete) };
            let parse = |text: &str| parse_rfc3339(text).ok_or(Refused::TimeForm);
            // Equal times pass the documented check, although the range is then empty.
            if parse(begin)? > parse(end)? { Err(Refused::RangeReversed) } else { Ok(()) }
        }
        ValidDateType::FixTerm => match days {
            _ if begin.is_some() || end.is_some() => Err(Refused::TermIncomplete),
            None => Err(Refused::TermIncomplete),
            Some(days) if days <= 0 => Err(Refused::TermTooShort),
            Some(days) if days > MAX_DAYS => Err(Refused::TermTooLong),
            Some(_) => Ok(()),
        },
        _ if days.is_some() => Err(Refused::PermanentWithDays),
        _ if begin.is_some() => Err(Refused::PermanentWithBegin),
        _ if end.is_some() => Err(Refused::PermanentWithEnd),
        _ => Ok(()),
    }
}

/// Returns the end of validity of a card that became active at `activated`; it is no part of the
/// validity itself.
pub(super) fn end(information: Option<&ValidDateInformation>, activated: Timestamp) -> Option<Timestamp> {
    let information = information?;
    match information.r#type.as_ref()? {
        ValidDateType::FixTimeRange => information.available_end_time.as_deref().and_then(parse_rfc3339),
        ValidDateType::FixTerm => Some(plus_days(activated, information.available_day_after_receive?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn information(kind: ValidDateType, begin: Option<&str>, end: Option<&str>, days: Option<i64>) -> ValidDateInformation {
        ValidDateInformation {
            r#type: Some(kind),
            available_begin_time: begin.map(str::to_owned),
            available_end_time: end.map(str::to_owned),
            available_day_after_receive: days,
            ..ValidDateInformation::default()
        }
    }

    #[test]
    fn each_kind_has_its_members_and_no_others() {
        use ValidDateType::{FixTerm, FixTimeRange, Permanent};
        let (early, late) = (Some("2026-01-01T00:00:00+08:00"), Some("2026-12-31T00:00:00.000+08:00"));
        for (sent, expected) in [
            (information(FixTimeRange, early, late, None), Ok(())),
            (information(FixTimeRange, early, early, None), Ok(())),
            (information(FixTimeRange, late, early, None), Err(Refused::RangeReversed)),
            (information(FixTimeRange, early, None, None), Err(Refused::RangeIncomplete)),
            (information(FixTimeRange, early, late, Some(1)), Err(Refused::RangeWithDays)),
            (information(FixTimeRange, early, Some("soon"), None), Err(Refused::TimeForm)),
            (information(FixTerm, None, None, Some(10_958)), Ok(())),
            (information(FixTerm, None, None, Some(10_959)), Err(Refused::TermTooLong)),
            (information(FixTerm, None, None, Some(0)), Err(Refused::TermTooShort)),
            (information(FixTerm, early, None, Some(1)), Err(Refused::TermIncomplete)),
            (information(FixTerm, None, None, None), Err(Refused::TermIncomplete)),
            (information(Permanent, None, None, None), Ok(())),
            (information(Permanent, None, None, Some(1)), Err(Refused::PermanentWithDays)),
            (information(Permanent, early, None, None), Err(Refused::PermanentWithBegin)),
            (information(Permanent, None, late, None), Err(Refused::PermanentWithEnd)),
        ] {
            assert_eq!(check(&sent, None), expected, "{sent:?}");
        }
        let template = information(Permanent, None, None, None);
        let sent = information(FixTerm, None, None, Some(1));
        assert_eq!(check(&sent, Some(&template)), Err(Refused::ValidityType));
        assert_eq!(check(&ValidDateInformation::default(), None), Err(Refused::ValidityTypeMissing));
    }
}
