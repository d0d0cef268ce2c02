//! Why a row was not done, and what follows from that.

use std::time::Duration;

use kabao_api::Reason;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, RpcStatusExt as _, StatusExt as _};

/// Why a row was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The reason; empty if it came from no gateway.
    pub(crate) reason: String,
    pub(crate) message: String,
    retry_after: Option<Duration>,
    /// Whether a call failed as a whole.
    is_of_call: bool,
    /// Whether the gateway has said that nothing was done.
    is_certain: bool,
}

/// What follows from a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing was changed, and nothing will be: the row has to be corrected.
    Refused,
    /// It may pass: the same again under the same id.
    Again,
    /// It would meet every row: nothing more is sent until it is repaired.
    Stops,
    /// It may have been done, and a repeat would not tell.
    Unknown,
}

impl Failure {
    /// Of an item.
    pub(crate) fn of_item(status: &tonic_types::Status) -> Self {
        Self {
            is_of_call: false,
            ..Self::new(status.message.clone(), &status.get_error_details())
        }
    }

    /// Of a call.
    pub(crate) fn of_call(status: &Status) -> Self {
        Self::new(status.message().to_owned(), &status.get_error_details())
    }

    fn new(message: String, details: &ErrorDetails) -> Self {
        let info = details.error_info();
        let may_have_executed = info.and_then(|info| info.metadata.get("may_have_executed"));
        Self {
            reason: info.map(|info| info.reason.clone()).unwrap_or_default(),
            message,
            retry_after: details.retry_info().and_then(|info| info.retry_delay),
            is_of_call: true,
            is_certain: may_have_executed.is_some_and(|may| may == "false"),
        }
    }

    /// Of a call that ended without a word about an item.
    pub(crate) fn unanswered() -> Self {
        Self {
            reason: String::new(),
            message: "the call ended without an answer to this row".to_owned(),
            retry_after: None,
            is_of_call: false,
            is_certain: false,
        }
    }

    /// What follows. A reason that this program does not know may mean anything.
    pub(crate) fn verdict(&self) -> Verdict {
        match Reason::from_name(&self.reason) {
            // A quota of the day.
            Some(Reason::UpstreamRateLimited) if self.retry_after.is_none() => Verdict::Stops,
            Some(reason) => match verdict(reason) {
                Verdict::Refused if !self.is_certain => Verdict::Unknown,
                // No row is at fault for that.
                Verdict::Refused if self.is_of_call => Verdict::Stops,
                verdict => verdict,
            },
            // No gateway answered, or none of ours.
            None if self.reason.is_empty() => Verdict::Again,
            None => Verdict::Unknown,
        }
    }

    /// Tells whether nothing was done, as far as this failure goes.
    pub(crate) fn is_certain(&self) -> bool {
        self.is_certain
    }

    /// How long to wait before the next try, if the gateway has said so.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

/// Faults of rows in a call that was refused as a whole, by the places of their items: nothing of it was done.
pub(crate) fn faults_of_items(status: &Status) -> Vec<(usize, Failure)> {
    if status.code() != Code::InvalidArgument {
        return Vec::new();
    }
    let reason = Failure::of_call(status).reason;
    let details = status.get_error_details();
    let violations = details
        .bad_request()
        .map(|bad| bad.field_violations.as_slice());
    let mut faults: Vec<(usize, Failure)> = Vec::new();
    for violation in violations.unwrap_or_default() {
        let Some((index, field)) = item_field(&violation.field) else {
            continue;
        };
        let message = format!("{field}: {}", violation.description);
        match faults.iter_mut().find(|(place, _)| *place == index) {
            Some((_, failure)) => failure.message.push_str(&format!("; {message}")),
            None => {
                let failure = Failure {
                    reason: reason.clone(),
                    message,
                    retry_after: None,
                    is_of_call: false,
                    is_certain: true,
                };
                faults.push((index, failure));
            }
        }
    }
    faults
}

/// `items[7].name` is the field `name` of item 7.
fn item_field(path: &str) -> Option<(usize, &str)> {
    let (index, field) = path.strip_prefix("items[")?.split_once(']')?;
    Some((index.parse().ok()?, field.trim_start_matches('.')))
}

fn verdict(reason: Reason) -> Verdict {
    match reason {
        Reason::TemplateNotFound
        | Reason::MemberNotFound
        | Reason::ResourceNotFound
        | Reason::AlreadyExists
        | Reason::FieldInvalid
        | Reason::FieldMaskInvalid
        | Reason::NameInvalid
        | Reason::RequestIdInvalid
        | Reason::RequestIdReused
        | Reason::NotSupportedByFamily
        | Reason::UpstreamRefused
        | Reason::MemberStateInvalid
        | Reason::TemplateStateInvalid
        | Reason::ResourceStateInvalid
        | Reason::OutOfStock
        | Reason::LimitReached
        | Reason::UserNotEligible
        | Reason::ContentRefused
        | Reason::PreconditionFailed
        | Reason::MessageTooLarge => Verdict::Refused,
        Reason::InProgress
        | Reason::EarlierChangeOpen
        | Reason::Store
        | Reason::DeadlineExceeded
        | Reason::Cancelled
        | Reason::OutcomeUnknown
        | Reason::UpstreamUnavailable
        | Reason::UpstreamTimeout
        | Reason::UpstreamRateLimited
        | Reason::Overloaded => Verdict::Again,
        Reason::AccountNotFound
        | Reason::MethodNotFound
        | Reason::FamilyMismatch
        | Reason::CredentialMissing
        | Reason::CredentialRejected
        | Reason::KeyUnavailable
        | Reason::UpstreamPermissionDenied
        | Reason::UpstreamTls => Verdict::Stops,
        _ => Verdict::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Only what certainly did nothing may be corrected and sent under another id.
    #[test]
    fn a_row_counts_as_refused_only_if_the_reason_says_that_nothing_happened() {
        for reason in Reason::ALL {
            let text = reason.description();
            let is_certain = text.contains("Nothing was") || text.contains("Nothing more was sent");
            match verdict(*reason) {
                Verdict::Refused | Verdict::Stops => assert!(is_certain, "{reason}: {text}"),
                Verdict::Again | Verdict::Unknown => {}
            }
        }
        for reason in [Reason::RequestNumberUsed, Reason::Panic, Reason::Internal] {
            assert_eq!(verdict(reason), Verdict::Unknown, "{reason}");
        }
    }

    #[test]
    fn what_may_have_been_done_is_no_refusal_whatever_the_reason() {
        for (may, is_certain, verdict) in [
            (Some("false"), true, Verdict::Refused),
            (Some("true"), false, Verdict::Unknown),
            (None, false, Verdict::Unknown),
        ] {
            let metadata = may.map(|may| ("may_have_executed".to_owned(), may.to_owned()));
            let details = ErrorDetails::with_error_info(
                "MEMBER_NOT_FOUND",
                "kabao",
                metadata
                    .into_iter()
                    .collect::<std::collections::HashMap<_, _>>(),
            );
            let status = Status::with_error_details(Code::NotFound, "no such member", details);
            let failure = Failure {
                is_of_call: false,
                ..Failure::of_call(&status)
            };
            assert_eq!(
                (failure.is_certain(), failure.verdict()),
                (is_certain, verdict)
            );
        }
    }

    #[test]
    fn what_no_gateway_has_said_is_tried_again_and_a_word_of_tomorrow_is_not() {
        let failure = |reason: &str| Failure {
            reason: reason.to_owned(),
            ..Failure::unanswered()
        };
        assert_eq!(failure("").verdict(), Verdict::Again);
        assert_eq!(failure("A_REASON_OF_TOMORROW").verdict(), Verdict::Unknown);
        assert_eq!(failure("UPSTREAM_RATE_LIMITED").verdict(), Verdict::Stops);
    }

    #[test]
    fn fields_of_items_are_told_from_others() {
        assert_eq!(item_field("items[7].name"), Some((7, "name")));
        assert_eq!(
            item_field("items[12].member.level"),
            Some((12, "member.level"))
        );
        assert_eq!(item_field("parent"), None);
        assert_eq!(item_field("items"), None);
    }
}
