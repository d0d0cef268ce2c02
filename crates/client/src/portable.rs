//! What the three translations between domain types and endpoints share.

use std::time::SystemTime;

use kabao_api::{CallContext, Error, Family, FieldViolation, Reason, TemplateName};

/// Renames a violation's field from WeChat's name to the portable one.
pub(crate) struct Names(pub(crate) &'static [(&'static str, &'static str)]);

impl Names {
    /// Returns the error with portable field names.
    pub(crate) fn translate(&self, error: Error) -> Error {
        error.rename_fields(|field| {
            self.0
                .iter()
                .find(|(upstream, _)| *upstream == field)
                .map(|(_, portable)| *portable)
        })
    }
}

/// Fails if the context is of another account than the name: a mistake of the wiring that would
/// use one account's credentials for another's cards.
pub(crate) fn require_same_account(
    context: &CallContext,
    name: &TemplateName,
) -> Result<(), Error> {
    if *name.account() == context.account {
        Ok(())
    } else {
        Err(Error::new(
            Reason::Internal,
            "the call was routed to another account than it names",
        ))
    }
}

/// Fails unless something is to be changed and the family can change all of it.
pub(crate) fn require_supported(
    family: Family,
    fields: &[&'static str],
    supported: &[&str],
) -> Result<(), Error> {
    if fields.is_empty() {
        return Err(Error::violated(
            Reason::FieldMaskInvalid,
            [FieldViolation::new(
                "update_mask",
                "must name at least one field to change",
            )],
        ));
    }
    let foreign: Vec<_> = fields
        .iter()
        .copied()
        .filter(|field| !supported.contains(field))
        .collect();
    if foreign.is_empty() {
        Ok(())
    } else {
        Err(Error::not_supported(family, &foreign))
    }
}

/// Fails if an answer is about another thing than was asked for. `answered` is absent where WeChat
/// leaves the id out.
pub(crate) fn require_same(field: &str, asked: &str, answered: Option<&str>) -> Result<(), Error> {
    match answered {
        Some(answered) if answered != asked => Err(Error::new(
            Reason::UpstreamUnverified,
            format!("the answer is about another {field} than was asked for and was discarded"),
        )),
        _ => Ok(()),
    }
}

/// Marks the failure of reading back a change that was confirmed.
pub(crate) fn after_the_change(error: Error) -> Error {
    error.mark_may_have_executed()
}

/// Makes a request number from the caller's `request_id`: 1 to 32 letters, digits, `-`, `_`, `|`
/// and `*`. A UUID is taken without its hyphens, since it would be too long with them.
pub(crate) fn request_number(request_id: &str) -> Result<String, Error> {
    let number = if is_uuid(request_id) {
        request_id.replace('-', "")
    } else {
        request_id.to_owned()
    };
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'|' | b'*');
    if (1..=32).contains(&number.len()) && number.bytes().all(plain) {
        Ok(number)
    } else {
        Err(Error::violated(
            Reason::RequestIdInvalid,
            [FieldViolation::new(
                "request_id",
                "must be a UUID or 1 to 32 letters, digits, '-', '_', '|' and '*'",
            )],
        ))
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Reads an RFC 3339 time; `None` for anything else, since a template with an odd time is still a template.
pub(crate) fn rfc3339(text: &str) -> Option<SystemTime> {
    text.parse::<jiff::Timestamp>().ok().map(SystemTime::from)
}

/// Reads Unix seconds.
pub(crate) fn unix_seconds(seconds: i64) -> Option<SystemTime> {
    jiff::Timestamp::from_second(seconds)
        .ok()
        .map(SystemTime::from)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn request_ids_become_request_numbers() {
        let rows = [
            ("190000010920260315000021", Some("190000010920260315000021")),
            ("a-b_c|d*9", Some("a-b_c|d*9")),
            (
                "4f9c1b52-7a0e-4d0b-9a39-2f6f1f0c7d11",
                Some("4f9c1b527a0e4d0b9a392f6f1f0c7d11"),
            ),
            ("", None),
            ("123456789012345678901234567890123", None),
            ("with blank", None),
            ("会员", None),
        ];
        for (request_id, number) in rows {
            let made = request_number(request_id);
            assert_eq!(made.as_deref().ok(), number, "{request_id}");
            if let Err(error) = made {
                assert_eq!(
                    (error.reason(), error.violations()[0].field.as_str()),
                    (Reason::RequestIdInvalid, "request_id")
                );
            }
        }
    }

    #[test]
    fn fields_that_a_family_cannot_change_are_named() {
        let check = |fields: &[&'static str]| {
            require_supported(Family::Brand, fields, &["level"]).map_err(|error| error.reason())
        };
        assert_eq!(check(&["level"]), Ok(()));
        assert_eq!(check(&[]), Err(Reason::FieldMaskInvalid));
        assert_eq!(
            check(&["level", "points"]),
            Err(Reason::NotSupportedByFamily)
        );
    }

    #[test]
    fn times_of_both_kinds_are_read() {
        let expected = UNIX_EPOCH + Duration::from_secs(1_772_294_400);
        assert_eq!(rfc3339("2026-03-01T00:00:00.000+08:00"), Some(expected));
        assert_eq!(rfc3339("2026-02-28T16:00:00Z"), Some(expected));
        assert_eq!(unix_seconds(1_772_294_400), Some(expected));
        assert_eq!(rfc3339("yesterday"), None);
    }
}
