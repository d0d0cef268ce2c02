//! What a refusal of WeChat means: by status and code for WeChat Pay ([`pay`]), by `errcode` for official accounts
//! ([`errcode`]). What is said of it is the same.

pub(crate) mod errcode;
pub(crate) mod pay;

use kabao_api::{Error, FieldViolation, Reason, UpstreamError};
use kabao_models::refusal::Again;

use crate::failure::{Failure, Repeat};

/// What is said for each reason, before the code in brackets.
fn sentence(reason: Reason) -> &'static str {
    match reason {
        Reason::UpstreamRateLimited => "WeChat limits the rate of calls",
        Reason::UpstreamUnavailable => "WeChat answered with a fault of its own",
        Reason::CredentialRejected => "WeChat rejected the account's credentials",
        Reason::UpstreamPermissionDenied => "the account has no permission for this",
        Reason::TemplateNotFound => "WeChat knows no such card template",
        Reason::MemberNotFound => "WeChat knows no such member",
        Reason::ResourceNotFound => "WeChat knows no such thing",
        Reason::AlreadyExists => "WeChat has this already",
        Reason::RequestNumberUsed => {
            "WeChat has seen the request number before, so this change or another one under it has run"
        }
        Reason::FieldInvalid => "WeChat refused a parameter",
        Reason::KeyUnavailable => "WeChat does not take the configured key of WeChat Pay",
        Reason::MemberStateInvalid => "the state of the member does not allow this",
        Reason::TemplateStateInvalid => "the card template does not allow this",
        Reason::ResourceStateInvalid => "the state of the thing does not allow this",
        Reason::OutOfStock => "no stock is left",
        Reason::LimitReached => "there are as many already as WeChat allows",
        Reason::UserNotEligible => "WeChat does not let this user become a member",
        Reason::ContentRefused => "WeChat's content review refused a text or a picture",
        _ => "WeChat refused the request",
    }
}

/// Makes the failure of a refusal that is understood.
fn settled(error: Error, upstream: UpstreamError, again: Again) -> Failure {
    // The forms of personal data go at once, the request's own values when the call ends.
    let error = error.with_upstream(upstream).masked(&[]);
    match again {
        Again::Never if error.reason() == Reason::UpstreamRateLimited => {
            Failure::refused(error.mark_not_retryable())
        }
        Again::Never => Failure::refused(error),
        Again::Throttled => Failure::throttled(error),
        Again::Transient => Failure::uncertain(error, Repeat::Transient),
    }
}

/// The violation of a field, in WeChat's words.
fn blame(field: impl Into<String>, upstream: &UpstreamError) -> FieldViolation {
    let issue = upstream
        .detail
        .as_ref()
        .map(|detail| detail.issue.as_str())
        .filter(|issue| !issue.is_empty())
        .unwrap_or(&upstream.message);
    let description = if issue.is_empty() {
        "is refused by WeChat".to_owned()
    } else {
        format!("is refused by WeChat: {issue}")
    };
    FieldViolation::new(field, description)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_of_the_table_is_one_of_ours() {
        use kabao_models::refusal::{errcodes, known_texts, reasons};
        let names = known_texts()
            .iter()
            .map(|row| row.reason)
            .chain(errcodes().iter().map(|row| row.reason))
            .chain(
                kabao_models::operations()
                    .flat_map(|operation| reasons(operation.id).iter().copied()),
            );
        for name in names {
            assert!(Reason::from_name(name).is_some(), "{name}");
        }
    }
}
