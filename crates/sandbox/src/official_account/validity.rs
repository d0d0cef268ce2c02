//! When a user card is valid.

use kabao_models::official_account::DateInfoType;
use kabao_models::official_account::card::DateInfo;

use super::Refused;

/// The seconds of a day.
pub(super) const DAY: i64 = 86_400;

/// 2038-01-19: ends of validity lie before it.
const LAST_MOMENT: i64 = 2_147_443_200;

/// Checks the members that the kind of validity needs.
pub(super) fn check(information: &DateInfo, now: i64) -> Result<(), Refused> {
    let needed =
        |value: Option<i64>, name: &'static str| value.ok_or(Refused::Missing(name.into()));
    let last = |end: i64| {
        if end <= now || end >= LAST_MOMENT {
            Err(Refused::Time)
        } else {
            Ok(())
        }
    };
    match &information.r#type {
        Some(DateInfoType::DateTypeFixTimeRange) => {
            let begin = needed(information.begin_timestamp, "date_info.begin_timestamp")?;
            let end = needed(information.end_timestamp, "date_info.end_timestamp")?;
            if begin < 0 || begin >= end {
                return Err(Refused::TimeRange);
            }
            last(end)
        }
        Some(DateInfoType::DateTypeFixTerm) => {
            let term = needed(information.fixed_term, "date_info.fixed_term")?;
            let begin = needed(information.fixed_begin_term, "date_info.fixed_begin_term")?;
            if term < 1 || begin < 0 {
                return Err(Refused::Time);
            }
            information.end_timestamp.map_or(Ok(()), last)
        }
        Some(DateInfoType::DateTypePermanent) => Ok(()),
        _ => Err(Refused::Time),
    }
}

/// Returns beginning and end of the validity of a card that is claimed at `claimed`; permanent ones have
/// none.
pub(super) fn period(information: Option<&DateInfo>, claimed: i64) -> (Option<i64>, Option<i64>) {
    let Some(dates) = information else {
        return (None, None);
    };
    match &dates.r#type {
        Some(DateInfoType::DateTypeFixTimeRange) => (dates.begin_timestamp, dates.end_timestamp),
        Some(DateInfoType::DateTypeFixTerm) => {
            let wait = dates.fixed_begin_term.unwrap_or(0);
            let begin = claimed.saturating_add(wait.saturating_mul(DAY));
            let end = begin.saturating_add(dates.fixed_term.unwrap_or(0).saturating_mul(DAY));
            let end = dates.end_timestamp.map_or(end, |latest| latest.min(end));
            (Some(begin), Some(end))
        }
        _ => (None, None),
    }
}
