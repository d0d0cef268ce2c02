//! What the three translations between domain types and endpoints share.

use std::time::SystemTime;

use kabao_api::{
    AccountId, CallContext, Change, Error, Family, FieldViolation, MemberValue, PlannedValue,
    Reason, RequestId, Support, UploadedImage,
};
use kabao_models::{Operation, Upload};

use kabao_models::Extra;

use crate::clock::Clock;

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

/// The address in the answer to an upload.
pub(crate) fn uploaded(url: Option<String>) -> Result<UploadedImage, Error> {
    match url.filter(|url| !url.is_empty()) {
        Some(url) => Ok(UploadedImage { url }),
        None => Err(Error::new(
            Reason::OutcomeUnknown,
            "WeChat confirmed the upload and did not say where the picture is",
        )),
    }
}

/// What an upload operation takes; nothing at all if it were none.
pub(crate) fn upload_limits(operation: &Operation) -> Upload {
    operation.upload.unwrap_or(Upload {
        max_bytes: 0,
        formats: &[],
        max_name_chars: 0,
        name_field: "",
    })
}

/// Fails if the context is of another account than the call names: a mistake of the wiring that
/// would use one account's credentials for another's cards.
pub(crate) fn require_same_account(
    context: &CallContext,
    account: &AccountId,
) -> Result<(), Error> {
    if *account == context.account {
        Ok(())
    } else {
        Err(Error::new(
            Reason::Internal,
            "the call was routed to another account than it names",
        ))
    }
}

/// The error of an answer that has a member that cannot be read, where the call depends on it.
pub(crate) fn unreadable(member: &str) -> Error {
    Error::new(
        Reason::UpstreamMalformed,
        format!("WeChat's answer has `{member}` in a form that is not documented"),
    )
}

/// Fails if a member of an answer was there and could not be read: whoever calculates with the
/// value must not take it for absent.
pub(crate) fn require_readable(extra: &Extra, member: &str) -> Result<(), Error> {
    match extra.get(member) {
        Some(_) => Err(unreadable(member)),
        None => Ok(()),
    }
}

/// Fails if a call sets what its family cannot do; each row is a field and whether it is set.
pub(crate) fn require_supported(
    support: Option<&'static Support>,
    rows: impl IntoIterator<Item = (&'static str, bool)>,
) -> Result<(), Error> {
    match support {
        Some(support) => support.require(
            rows.into_iter()
                .filter_map(|(field, set)| set.then_some(field)),
        ),
        None => Ok(()),
    }
}

/// The rows of fields that are set.
pub(crate) fn set(fields: Vec<&'static str>) -> impl Iterator<Item = (&'static str, bool)> {
    fields.into_iter().map(|field| (field, true))
}

/// Fails unless something is to be changed and the family can change all of it.
pub(crate) fn require_changes(
    support: Option<&'static Support>,
    fields: Vec<&'static str>,
) -> Result<(), Error> {
    if fields.is_empty() {
        return Err(Error::violated(
            Reason::FieldMaskInvalid,
            [FieldViolation::new(
                "update",
                "must hold at least one field to change",
            )],
        ));
    }
    require_supported(support, set(fields))
}

/// Turns the failure of reading back a confirmed change into what is known: the change is done, and
/// a caller who heard of a failure would do it again.
pub(crate) fn or_written<T>(
    context: &CallContext,
    read: Result<T, Error>,
    written: impl FnOnce() -> T,
) -> T {
    read.unwrap_or_else(|error| {
        tracing::warn!(
            account = %context.account,
            request_id = %context.call_id,
            operation = error.operation(),
            reason = error.reason().as_str(),
            "a confirmed change could not be read back; what was written is answered"
        );
        written()
    })
}

/// The error of a change that WeChat confirmed with an answer that lacks what it has made.
pub(crate) fn made_without_name(what: &'static str) -> Error {
    Error::new(
        Reason::OutcomeUnknown,
        format!("WeChat confirmed the change, but its answer does not name the {what}"),
    )
}

/// Refuses a request id where nothing keeps its promise: the family has no request number, no journal
/// follows the change, and a repeat of it would act twice.
pub(crate) fn refuse_request_id(
    context: &CallContext,
    family: Family,
    request_id: Option<&RequestId>,
    instead: &str,
) -> Result<(), Error> {
    if request_id.is_none() || context.entry().is_some() {
        return Ok(());
    }
    Err(Error::new(
        Reason::NotSupportedByFamily,
        format!(
            "the {family} family has no request numbers, so without a journal request_id would not keep a repeat of this change from acting twice; {instead}"
        ),
    )
    .with_violations([FieldViolation::new(
        "request_id",
        format!("is not supported here by the {family} family: {instead}"),
    )]))
}

/// Makes the request number of a change: the caller's, or else one of our own. That one is not known
/// to the caller, who could not repeat with it; the context that is returned says so.
pub(crate) fn numbered(
    context: &CallContext,
    request_id: Option<RequestId>,
    clock: &dyn Clock,
) -> Result<(String, CallContext), Error> {
    if let Some(request_id) = request_id {
        return Ok((request_id.into_string(), context.clone()));
    }
    match clock.nonce() {
        Some(number) => Ok((number, context.clone().unrepeatable())),
        None => Err(Error::new(
            Reason::Internal,
            "the system gives no randomness",
        )),
    }
}

/// The same where the family's own request may have a number too.
pub(crate) fn numbered_creation(
    context: &CallContext,
    request_id: Option<RequestId>,
    given: Option<String>,
    clock: &dyn Clock,
) -> Result<(String, CallContext), Error> {
    match given {
        None => numbered(context, request_id, clock),
        Some(given) if request_id.is_none_or(|id| id.as_str() == given) => {
            Ok((given, context.clone()))
        }
        Some(_) => Err(Error::field_invalid([FieldViolation::new(
            "request_id",
            "differs from out_request_no in the family's own request",
        )])),
    }
}

/// Whoever repeats a difference starts from another value, unless a journal keeps the first one.
pub(crate) fn changed(context: CallContext, change: Change) -> CallContext {
    match change {
        Change::Add(_) if context.entry().is_none() => context.unrepeatable(),
        _ => context,
    }
}

/// Returns the value that a journal has planned for this very change before, and else plans the one
/// that `read` finds.
pub(crate) async fn planned(
    context: &CallContext,
    value: MemberValue,
    change: Change,
    read: impl Future<Output = Result<(Option<i64>, i64), Error>>,
) -> Result<(Option<i64>, i64), Error> {
    let earlier = context.entry().and_then(|entry| entry.planned());
    if let Some(earlier) = earlier.filter(|earlier| earlier.value == value) {
        return Ok((earlier.before, earlier.after));
    }
    let (before, after) = read.await?;
    if let Some(entry) = context.entry() {
        entry.plan(PlannedValue {
            value,
            before,
            after,
            is_difference: matches!(change, Change::Add(_)),
        });
    }
    Ok((before, after))
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

/// Writes a time as WeChat does: RFC 3339 in Beijing time, whole seconds.
pub(crate) fn beijing_time(time: SystemTime) -> Option<String> {
    let beijing = jiff::tz::TimeZone::fixed(jiff::tz::offset(8));
    let time = jiff::Timestamp::try_from(time).ok()?.to_zoned(beijing);
    Some(time.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string())
}

/// Reads a time as Unix seconds, which is how official accounts count.
pub(crate) fn to_unix_seconds(time: SystemTime) -> Option<i64> {
    Some(jiff::Timestamp::try_from(time).ok()?.as_second())
}

/// The error of a request to create a template that is made for another family.
pub(crate) fn other_family_request(family: Family) -> Error {
    Error::new(
        Reason::FamilyMismatch,
        format!(
            "the request is made for another family than {family}, which the account belongs to"
        ),
    )
}

/// A validity that cannot be sent.
pub(crate) fn validity_violation() -> FieldViolation {
    FieldViolation::new(
        "validity",
        "must be a range with both ends, a number of days, or permanent, as far as the family has it",
    )
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use kabao_api::Method;

    use super::*;

    #[test]
    fn fields_that_a_family_cannot_change_are_named() {
        let check = |fields: &[&'static str]| {
            let support = Support::of(Family::Brand, Method::UpdateMember);
            require_changes(support, fields.to_vec()).map_err(|error| error.reason())
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

    #[test]
    fn times_are_written_in_beijing_time() {
        let time = UNIX_EPOCH + Duration::from_secs(1_772_294_400);
        assert_eq!(
            beijing_time(time).as_deref(),
            Some("2026-03-01T00:00:00+08:00")
        );
        assert_eq!(to_unix_seconds(time), Some(1_772_294_400));
    }
}
