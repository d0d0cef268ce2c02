//! The one error type of every call.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use kabao_models::Operation;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{FieldViolation, Kind, Precondition, Reason, UpstreamError};

/// Why a call failed, and what follows from it.
///
/// `Display` says what happened, what WeChat said about it and what helps; it does not repeat the
/// [`source`](StdError::source); print the chain once, at the edge. Neither `Display` nor `Debug`
/// holds personal data or secrets: WeChat's words have gone through [`mask`](crate::mask()). A log
/// takes [`message`](Error::message), which has none of WeChat's words.
///
/// What is kept of it by `serde` is all but the source, which is for the log of its own process.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub struct Error(Box<Inner>);

/// The id of an operation. A plain reference would be taken for a part of what is read.
type OperationId = &'static str;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Inner {
    reason: Reason,
    message: String,
    upstream: Option<UpstreamError>,
    violations: Vec<FieldViolation>,
    preconditions: Vec<Precondition>,
    remedy: Option<String>,
    #[serde(default, deserialize_with = "operation")]
    operation: Option<OperationId>,
    retry_after: Option<Duration>,
    retryable: bool,
    may_have_executed: bool,
    #[serde(skip)]
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// Makes an error; the reason decides kind and predicates until a `with_` or `mark_` method
    /// says otherwise.
    ///
    /// `message` is one sentence for a person, without personal data and without a full stop.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            reason,
            message: message.into(),
            upstream: None,
            violations: Vec::new(),
            preconditions: Vec::new(),
            remedy: None,
            operation: None,
            retry_after: None,
            retryable: reason.is_transient(),
            may_have_executed: reason.is_uncertain(),
            source: None,
        }))
    }

    /// Repeats the error for somebody else who waited for the same call; the source stays with the first.
    #[must_use]
    pub fn copied(&self) -> Self {
        let inner = &self.0;
        Self(Box::new(Inner {
            reason: inner.reason,
            message: inner.message.clone(),
            upstream: inner.upstream.clone(),
            violations: inner.violations.clone(),
            preconditions: inner.preconditions.clone(),
            remedy: inner.remedy.clone(),
            operation: inner.operation,
            retry_after: inner.retry_after,
            retryable: inner.retryable,
            may_have_executed: inner.may_have_executed,
            source: None,
        }))
    }

    /// Makes a [`Reason::FieldInvalid`] that lists every violation.
    pub fn field_invalid(violations: impl IntoIterator<Item = impl Into<FieldViolation>>) -> Self {
        Self::violated(Reason::FieldInvalid, violations)
    }

    /// Makes an error whose message is its violations.
    pub fn violated(
        reason: Reason,
        violations: impl IntoIterator<Item = impl Into<FieldViolation>>,
    ) -> Self {
        let violations: Vec<FieldViolation> = violations.into_iter().map(Into::into).collect();
        Self::new(reason, summary(&violations)).with_violations(violations)
    }

    /// Makes a [`Reason::NotSupportedByFamily`] about fields of the call.
    pub fn not_supported(family: crate::Family, fields: &[&str]) -> Self {
        Self::new(
            Reason::NotSupportedByFamily,
            format!("the {family} family cannot do this: {}", fields.join(", ")),
        )
        .with_violations(fields.iter().map(|field| {
            FieldViolation::new(*field, format!("is not supported by the {family} family"))
        }))
    }

    /// Names a condition that does not hold.
    #[must_use]
    pub fn with_precondition(mut self, precondition: Precondition) -> Self {
        self.0.preconditions.push(precondition);
        self
    }

    /// Says what helps, as a part of a sentence.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.0.remedy = Some(remedy.into());
        self
    }

    /// Takes personal data out of WeChat's texts, here and in the causes; see
    /// [`mask`](crate::mask()). `private` are the values of the request that are personal data.
    #[must_use]
    pub fn masked(mut self, private: &[String]) -> Self {
        self.mask(private);
        self
    }

    fn mask(&mut self, private: &[String]) {
        self.0.upstream = self
            .0
            .upstream
            .take()
            .map(|upstream| upstream.masked(private));
        if self.0.upstream.is_some() {
            for violation in &mut self.0.violations {
                violation.description = crate::mask(&violation.description, private);
            }
        }
        if let Some(cause) = &mut self.0.source
            && let Some(cause) = cause.downcast_mut::<Self>()
        {
            cause.mask(private);
        }
    }

    /// Attaches what WeChat said.
    #[must_use]
    pub fn with_upstream(mut self, upstream: UpstreamError) -> Self {
        self.0.upstream = Some(upstream);
        self
    }

    /// Adds violations.
    #[must_use]
    pub fn with_violations(
        mut self,
        violations: impl IntoIterator<Item = impl Into<FieldViolation>>,
    ) -> Self {
        self.0
            .violations
            .extend(violations.into_iter().map(Into::into));
        self
    }

    /// Gives the fields of the violations the names that the caller knows; `rename` answers `None`
    /// for a name that stays.
    #[must_use]
    pub fn rename_fields<'n>(mut self, rename: impl Fn(&str) -> Option<&'n str>) -> Self {
        let summarised = self.0.message == summary(&self.0.violations);
        for violation in &mut self.0.violations {
            if let Some(name) = rename(&violation.field) {
                violation.field = name.to_owned();
            }
        }
        if summarised {
            self.0.message = summary(&self.0.violations);
        }
        self
    }

    /// Names the operation that failed by its id in the catalogue.
    #[must_use]
    pub fn with_operation(mut self, operation: &'static str) -> Self {
        self.0.operation = Some(operation);
        self
    }

    /// Says how long to wait before a repeat.
    #[must_use]
    pub fn with_retry_after(mut self, retry_after: Duration) -> Self {
        self.0.retry_after = Some(retry_after);
        self
    }

    /// Attaches the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Says that repeating the same call may succeed and does no harm.
    #[must_use]
    pub fn mark_retryable(mut self) -> Self {
        self.0.retryable = true;
        self
    }

    /// Says that repeating the same call is pointless or harmful.
    #[must_use]
    pub fn mark_not_retryable(mut self) -> Self {
        self.0.retryable = false;
        self
    }

    /// Says that a write of this call may have taken effect.
    #[must_use]
    pub fn mark_may_have_executed(mut self) -> Self {
        self.0.may_have_executed = true;
        self
    }

    /// Returns the coarse class, one to one with gRPC's codes.
    pub fn kind(&self) -> Kind {
        self.0.reason.kind()
    }

    /// Returns the reason; programs branch on it.
    pub fn reason(&self) -> Reason {
        self.0.reason
    }

    /// Returns the sentence for a person, without WeChat's words and without values; free of personal
    /// data.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns what WeChat said, if it answered and the answer was believed.
    pub fn upstream(&self) -> Option<&UpstreamError> {
        self.0.upstream.as_ref()
    }

    /// Returns every field that is at fault.
    pub fn violations(&self) -> &[FieldViolation] {
        &self.0.violations
    }

    /// Returns the conditions that do not hold.
    pub fn preconditions(&self) -> &[Precondition] {
        &self.0.preconditions
    }

    /// Returns what helps, if that is known.
    pub fn remedy(&self) -> Option<&str> {
        self.0.remedy.as_deref()
    }

    /// Returns the id of the operation that failed, if one was reached.
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// Returns how long to wait before a repeat, if that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Returns true if repeating the very same call may succeed and does no harm.
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// Returns true if a write of this call may have taken effect upstream.
    pub fn may_have_executed(&self) -> bool {
        self.0.may_have_executed
    }
}

/// Finds the operation of a kept error again.
fn operation<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<OperationId>, D::Error> {
    let Some(id) = Option::<String>::deserialize(deserializer)? else {
        return Ok(None);
    };
    match Operation::find(&id) {
        Some(operation) => Ok(Some(operation.id)),
        None => Err(D::Error::custom("an operation that is not known")),
    }
}

fn summary(violations: &[FieldViolation]) -> String {
    match violations {
        [] => "the call is not valid".to_owned(),
        [one] => one.to_string(),
        [first, rest @ ..] => format!("{first} (and {} more)", rest.len()),
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if let Some(words) = self.0.upstream.as_ref().and_then(UpstreamError::words) {
            write!(f, ": {words}")?;
        }
        for precondition in &self.0.preconditions {
            write!(f, ": {}", precondition.description)?;
        }
        if let Some(remedy) = &self.0.remedy {
            write!(f, "; {remedy}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        f.debug_struct("Error")
            .field("reason", &inner.reason.as_str())
            .field("message", &inner.message)
            .field("operation", &inner.operation)
            .field("upstream", &inner.upstream)
            .field("violations", &inner.violations)
            .field("remedy", &inner.remedy)
            .field("retry_after", &inner.retry_after)
            .field("retryable", &inner.retryable)
            .field("may_have_executed", &inner.may_have_executed)
            .field("source", &inner.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0.source {
            Some(source) => Some(source.as_ref()),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use kabao_models::Family;

    use super::*;

    fn error(reason: Reason) -> Error {
        Error::new(reason, "a test")
    }

    #[test]
    fn the_reason_decides_the_predicates() {
        let rows = [
            (Reason::UpstreamUnavailable, true, false),
            (Reason::UpstreamRateLimited, true, false),
            (Reason::DeadlineExceeded, true, false),
            (Reason::OutcomeUnknown, false, true),
            (Reason::Panic, false, true),
            (Reason::FieldInvalid, false, false),
            (Reason::UpstreamRefused, false, false),
            (Reason::CredentialRejected, false, false),
            (Reason::Internal, false, false),
        ];
        for (reason, retryable, executed) in rows {
            assert_eq!(error(reason).is_retryable(), retryable, "{reason}");
            assert_eq!(error(reason).may_have_executed(), executed, "{reason}");
        }
    }

    #[test]
    fn a_client_that_knows_more_overrides_the_reason() {
        let unknown = error(Reason::OutcomeUnknown).mark_retryable();
        assert!(unknown.is_retryable() && unknown.may_have_executed());
        let stale = error(Reason::UpstreamTimeout)
            .mark_not_retryable()
            .mark_may_have_executed();
        assert!(!stale.is_retryable() && stale.may_have_executed());
    }

    #[test]
    fn every_violation_is_kept_and_the_message_names_the_first() {
        let error = Error::field_invalid([
            FieldViolation::new("level", "has 6 characters, at most 5 are allowed"),
            FieldViolation::new("openid", "is required"),
        ]);
        assert_eq!(error.kind(), Kind::InvalidArgument);
        assert_eq!(
            error.to_string(),
            "level has 6 characters, at most 5 are allowed (and 1 more)"
        );
        assert_eq!(error.violations().len(), 2);
    }

    #[test]
    fn what_a_family_cannot_do_names_the_fields() {
        let error = Error::not_supported(Family::Brand, &["membership_number"]);
        assert_eq!(error.reason().as_str(), "NOT_SUPPORTED_BY_FAMILY");
        assert_eq!(error.violations()[0].field, "membership_number");
    }

    #[test]
    fn wechats_words_are_shown_without_personal_data() {
        let words = |text: &str| {
            error(Reason::UpstreamRefused).with_upstream(UpstreamError {
                http_status: 400,
                code: "INVALID_REQUEST".to_owned(),
                message: text.to_owned(),
                ..UpstreamError::default()
            })
        };
        let cause = words("会员林间 (obLatjnx9gnqzS4myYGmLZ7LgLBA) 无效");
        let error = words("openid obLatjnx9gnqzS4myYGmLZ7LgLBA 无效，会员林间")
            .with_violations([FieldViolation::new("openid", "is refused by WeChat: 林间")])
            .with_remedy("name another")
            .with_source(cause)
            .masked(&["林间".to_owned()]);
        assert_eq!(
            error.to_string(),
            "a test: openid *** 无效，会员***; name another"
        );
        assert_eq!(error.message(), "a test");
        assert_eq!(
            error.violations()[0].description,
            "is refused by WeChat: ***"
        );
        let source = StdError::source(&error).unwrap();
        assert_eq!(source.to_string(), "a test: 会员*** (***) 无效");
        let shown = format!("{error:?}");
        assert!(
            !shown.contains("obLat") && !shown.contains("林间"),
            "{shown}"
        );
        assert!(shown.contains("INVALID_REQUEST"), "{shown}");
    }

    #[test]
    fn a_precondition_is_told_with_its_values_and_logged_without() {
        let error = error(Reason::PreconditionFailed)
            .with_precondition(Precondition::new("MINIMUM", "minimum", "it is 3"));
        assert_eq!(
            (error.to_string().as_str(), error.message()),
            ("a test: it is 3", "a test")
        );
    }

    #[test]
    fn renamed_fields_appear_in_the_message_too() {
        let rename = |field: &str| (field == "card_title").then_some("title");
        let error = Error::field_invalid([FieldViolation::new("card_title", "is required")]);
        let error = error.rename_fields(rename);
        assert_eq!(
            (
                error.to_string().as_str(),
                error.violations()[0].field.as_str()
            ),
            ("title is required", "title")
        );
        let refused = Error::new(
            Reason::FieldInvalid,
            "WeChat refused a parameter (PARAM_ERROR)",
        )
        .with_violations([FieldViolation::new("card_title", "is refused by WeChat")])
        .rename_fields(rename);
        assert_eq!(
            refused.to_string(),
            "WeChat refused a parameter (PARAM_ERROR)"
        );
    }

    #[test]
    fn an_error_is_one_pointer_wide() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }
}
