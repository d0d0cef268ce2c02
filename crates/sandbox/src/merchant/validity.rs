//! When a user card is valid.

use jiff::Timestamp;
use kabao_models::merchant::DateInformationType;
use kabao_models::merchant::cards::DateInformation;
use serde_json::Value;

use super::Refused;
use crate::clock::{parse_rfc3339, plus_days};

/// Checks the members that the kind of validity needs. Superfluous ones are tolerated: the
/// official sample has some.
pub(super) fn check(information: &DateInformation) -> Result<(), Refused> {
    match &information.r#type {
        Some(DateInformationType::FixTimeRange) => {
            let begin = required_time(&information.available_begin_time, "date_information/available_begin_time")?;
            let end = required_time(&information.available_end_time, "date_information/available_end_time")?;
            if begin > end {
                return Err(Refused::Value {
                    field: "date_information/available_end_time",
                    issue: "must not be earlier than available_begin_time",
                    value: information.available_end_time.clone().into(),
                });
            }
        }
        Some(DateInformationType::FixTerm) => match information.available_day_after_receive {
            None => return Err(Refused::Required("date_information/available_day_after_receive")),
            Some(days) if days < 1 => {
                return Err(Refused::Value {
                    field: "date_information/available_day_after_receive",
                    issue: "must be at least 1",
                    value: days.into(),
                });
            }
            Some(_) => {}
        },
        _ => {}
    }
    Ok(())
}

fn required_time(text: &Option<String>, field: &'static str) -> Result<Timestamp, Refused> {
    let text = text.as_deref().ok_or(Refused::Required(field))?;
    parse_rfc3339(text).ok_or(Refused::Value {
        field,
        issue: "is not an RFC 3339 time",
        value: Value::from(text),
    })
}

/// Returns the end of validity of a card that is received at `received`; none for permanent ones.
pub(super) fn end(information: Option<&DateInformation>, received: Timestamp) -> Option<Timestamp> {
    let information = information?;
    match &information.r#type {
        Some(DateInformationType::FixTimeRange) => {
            information.available_end_time.as_deref().and_then(parse_rfc3339)
        }
        Some(DateInformationType::FixTerm) => {
            let wait = information.wait_days_after_receive.unwrap_or(0);
            let days = information.available_day_after_receive?;
            Some(plus_days(received, wait.saturating_add(days)))
        }
        _ => None,
    }
}
