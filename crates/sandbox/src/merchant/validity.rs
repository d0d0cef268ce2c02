//! When a user card is valid.

use jiff::Timestamp;
use kabao_models::merchant::DateInformationType;
use kabao_models::merchant::cards::DateInformation;

use super::Refused;
use crate::clock::{day, parse_rfc3339, plus_days};

/// Checks the members that the kind of validity needs. Superfluous ones are tolerated: the
/// official sample has some.
pub(super) fn check(information: &DateInformation) -> Result<(), Refused> {
    match &information.r#type {
        Some(DateInformationType::FixTimeRange) => {
            let begin = required_time(
                &information.available_begin_time,
                "date_information/available_begin_time",
            )?;
            let end = required_time(
                &information.available_end_time,
                "date_information/available_end_time",
            )?;
            if begin > end {
                return Err(Refused::value(
                    "date_information/available_end_time",
                    "must not be earlier than available_begin_time",
                    information.available_end_time.clone(),
                ));
            }
        }
        Some(DateInformationType::FixTerm) => {
            let field = "date_information/available_day_after_receive";
            let days = information
                .available_day_after_receive
                .ok_or(Refused::Required(field))?;
            if days < 1 {
                return Err(Refused::value(field, "must be at least 1", days));
            }
            if let Some(wait) = information.wait_days_after_receive.filter(|wait| *wait < 0) {
                let field = "date_information/wait_days_after_receive";
                return Err(Refused::value(field, "must not be negative", wait));
            }
        }
        _ => {}
    }
    Ok(())
}

/// Reads a time that must be there.
pub(super) fn required_time(
    text: &Option<String>,
    field: &'static str,
) -> Result<Timestamp, Refused> {
    let text = text.as_deref().ok_or(Refused::Required(field))?;
    parse_rfc3339(text).ok_or_else(|| Refused::value(field, "is not an RFC 3339 time", text))
}

/// Returns the end of validity of a card that is received at `received`; none for permanent ones.
pub(super) fn end(
    information: Option<&DateInformation>,
    received: Timestamp,
    at_midnight: bool,
) -> Option<Timestamp> {
    let information = information?;
    match &information.r#type {
        Some(DateInformationType::FixTimeRange) => information
            .available_end_time
            .as_deref()
            .and_then(parse_rfc3339),
        Some(DateInformationType::FixTerm) => {
            let wait = information.wait_days_after_receive.unwrap_or(0);
            let days = information.available_day_after_receive?;
            let begin = if at_midnight {
                midnight_after(received)
            } else {
                received
            };
            Some(plus_days(begin, wait.saturating_add(days)))
        }
        _ => None,
    }
}

/// Returns the midnight (UTC+8) that ends the day of a moment.
fn midnight_after(moment: Timestamp) -> Timestamp {
    Timestamp::from_second((day(moment) + 1) * 86_400 - 8 * 3600).unwrap_or(moment)
}

#[cfg(test)]
mod tests {
    use super::super::testing::now;
    use super::*;

    fn term() -> DateInformation {
        DateInformation {
            r#type: Some(DateInformationType::FixTerm),
            available_day_after_receive: Some(30),
            wait_days_after_receive: Some(2),
            ..DateInformation::default()
        }
    }

    #[test]
    fn a_term_counts_from_receipt_or_from_the_next_midnight() {
        assert_eq!(end(Some(&term()), now(), false), Some(plus_days(now(), 32)));
        let midnight = end(Some(&term()), now(), true).unwrap();
        assert_eq!(
            midnight.as_second(),
            now().as_second() + 16 * 3600 + 32 * 86_400
        );
        assert_eq!(end(None, now(), false), None);
    }

    #[test]
    fn each_kind_needs_its_members_and_tolerates_others() {
        let range = DateInformation {
            r#type: Some(DateInformationType::FixTimeRange),
            available_begin_time: Some("2026-03-01T00:00:00.000+08:00".into()),
            available_end_time: Some("2026-03-02T00:00:00.000+08:00".into()),
            available_day_after_receive: Some(1),
            ..DateInformation::default()
        };
        assert_eq!(check(&range), Ok(()));
        let missing = DateInformation {
            available_end_time: None,
            ..range.clone()
        };
        assert_eq!(
            check(&missing),
            Err(Refused::Required("date_information/available_end_time"))
        );
        let reversed = DateInformation {
            available_end_time: Some("2025-01-01T00:00:00Z".into()),
            ..range
        };
        assert!(matches!(check(&reversed), Err(Refused::Value { .. })));
        assert_eq!(check(&term()), Ok(()));
        let endless = DateInformation {
            available_day_after_receive: Some(0),
            ..term()
        };
        assert!(matches!(check(&endless), Err(Refused::Value { .. })));
    }
}
