//! The one place where an [`Error`] becomes a `google.rpc.Status`.

mod budget;

use std::collections::HashMap;

use kabao_api::{AccountId, CallId, Error, FieldViolation, Kind, Reason, UpstreamError};
use prost::Message;
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, PreconditionViolation, QuotaViolation, StatusExt};

use self::budget::{Budget, shorten};

/// The `domain` of every `google.rpc.ErrorInfo` of ours.
pub(crate) const DOMAIN: &str = "kabao";

/// After how many milliseconds a client shall repeat the call, if it does so by itself (gRPC A6).
const PUSHBACK: &str = "grpc-retry-pushback-ms";

/// Bytes of `grpc-message` after percent-encoding.
const MESSAGE_BYTES: usize = 1024;

/// Bytes of details before base64. Together with the message, which `google.rpc.Status` repeats,
/// and the other headers this stays under 8 KiB, the limit of Java clients for all metadata.
const DETAIL_BYTES: usize = 3072;

/// The status of an error that belongs to no account.
pub(crate) fn of(error: &Error, id: &CallId) -> Status {
    Refusal {
        id,
        account: None,
        rename: None,
    }
    .status(error)
}

/// An HTTP response that is the status and nothing else; the reason stands in its extensions as well.
pub(crate) fn refusal(error: &Error, id: &CallId) -> http::Response<Body> {
    let mut response = of(error, id).into_http();
    response.extensions_mut().insert(error.reason());
    response
}

/// The status of a failure that tonic found itself: its code stays, and the reason is the nearest.
pub(crate) fn of_tonic(code: Code, message: &str, id: &CallId) -> Status {
    let reason = match code {
        Code::Unimplemented => Reason::MethodNotFound,
        Code::InvalidArgument | Code::OutOfRange => Reason::FieldInvalid,
        Code::NotFound => Reason::ResourceNotFound,
        Code::Cancelled => Reason::Cancelled,
        Code::DeadlineExceeded => Reason::DeadlineExceeded,
        Code::ResourceExhausted | Code::Unavailable => Reason::Overloaded,
        _ => Reason::Internal,
    };
    let message = match (message, code) {
        ("", Code::Unimplemented) => "no such service or method",
        ("", _) => "the call failed",
        (message, _) => message,
    };
    let status = of(&Error::new(reason, message), id);
    let mut inside = to_message(&status);
    inside.code = i32::from(code);
    Status::with_details(code, status.message(), inside.encode_to_vec().into())
}

/// The message that a status is, for answers with a status of their own for each item.
pub(crate) fn to_message(status: &Status) -> tonic_types::Status {
    match tonic_types::Status::decode(status.details()) {
        Ok(message) if !status.details().is_empty() => message,
        _ => tonic_types::Status {
            code: i32::from(status.code()),
            message: status.message().to_owned(),
            details: Vec::new(),
        },
    }
}

/// What is known of the call when it is refused.
#[derive(Clone, Copy)]
pub(crate) struct Refusal<'c> {
    /// The id of the call.
    pub(crate) id: &'c CallId,
    /// The account that the call names.
    pub(crate) account: Option<&'c AccountId>,
    /// Turns the path of a field into the caller's words; `None` leaves it.
    pub(crate) rename: Option<fn(&str) -> Option<String>>,
}

impl Refusal<'_> {
    /// Turns an error into a status with all details that apply.
    pub(crate) fn status(self, error: &Error) -> Status {
        let mut budget = Budget::new(DETAIL_BYTES);
        let mut details = ErrorDetails::new();

        let metadata = self.metadata(error);
        budget.spend(
            metadata
                .iter()
                .map(|(key, value)| key.len() + value.len() + 8)
                .sum(),
        );
        details.set_error_info(error.reason().as_str(), DOMAIN, metadata);
        details.set_request_info(self.id.as_str(), "");
        budget.spend(self.id.as_str().len() + 64);

        let wait = error.retry_after().filter(|_| !error.may_have_executed());
        if let Some(wait) = wait {
            details.set_retry_info(Some(wait));
        }
        if let Some(limit) = self.exhausted(error) {
            details.set_quota_failure([limit]);
        }
        for violation in self.preconditions(error) {
            budget.spend(violation.subject.len() + violation.description.len() + 32);
            details.add_precondition_failure_violation(
                violation.r#type,
                violation.subject,
                violation.description,
            );
        }
        let renamed = error
            .violations()
            .iter()
            .map(|violation| self.renamed(violation));
        for (field, description) in budget.violations(renamed) {
            details.add_bad_request_violation(field, description);
        }
        let mut status = Status::with_error_details(code(error), self.message(error), details);
        if let Some(wait) = wait {
            // Of clients with a policy for retries, those of gRPC A6 obey this and know no details.
            let milliseconds = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            status.metadata_mut().insert(PUSHBACK, milliseconds.into());
        }
        status
    }

    fn renamed(self, violation: &FieldViolation) -> FieldViolation {
        let field = self.rename.and_then(|rename| rename(&violation.field));
        FieldViolation {
            field: field.unwrap_or_else(|| violation.field.clone()),
            ..violation.clone()
        }
    }

    /// What does not hold: the condition that the error names, or its reason.
    fn preconditions(self, error: &Error) -> Vec<PreconditionViolation> {
        if error.kind() != Kind::FailedPrecondition {
            return Vec::new();
        }
        let named = error.preconditions().iter().map(|precondition| {
            PreconditionViolation::new(
                precondition.kind.as_ref(),
                shorten(&precondition.subject, 256),
                shorten(&precondition.description, 512),
            )
        });
        let named: Vec<_> = named.collect();
        if !named.is_empty() {
            return named;
        }
        let account = self.account.map(|account| format!("accounts/{account}"));
        let text = match error.remedy() {
            Some(remedy) => format!("{}; {remedy}", error.message()),
            None => error.message().to_owned(),
        };
        vec![PreconditionViolation::new(
            error.reason().as_str(),
            account.unwrap_or_default(),
            shorten(&text, 384),
        )]
    }

    /// What our own checks found speaks for itself, in the caller's words; everything else has its
    /// sentence.
    fn message(self, error: &Error) -> String {
        let ours = error.kind() == Kind::InvalidArgument && error.upstream().is_none();
        let text = if ours && !error.violations().is_empty() {
            let renamed = error
                .violations()
                .iter()
                .map(|violation| self.renamed(violation));
            renamed
                .map(|violation| violation.to_string())
                .collect::<Vec<_>>()
                .join("; ")
        } else {
            error.to_string()
        };
        shorten(&text, MESSAGE_BYTES)
    }

    fn metadata(self, error: &Error) -> HashMap<String, String> {
        let mut metadata = HashMap::new();
        let mut put = |key: &str, value: String| {
            if !value.is_empty() {
                metadata.insert(key.to_owned(), value);
            }
        };
        put("may_have_executed", error.may_have_executed().to_string());
        put("retryable", error.is_retryable().to_string());
        if let Some(account) = self.account {
            put("account", account.to_string());
        }
        if let Some(operation) = error.operation() {
            put("operation", operation.to_owned());
        }
        if let Some(UpstreamError {
            http_status,
            code,
            message,
            request_id,
            detail,
        }) = error.upstream()
        {
            put("upstream_http_status", http_status.to_string());
            put("upstream_code", shorten(code, 64));
            put("upstream_message", shorten(message, 768));
            put(
                "upstream_request_id",
                shorten(request_id.as_deref().unwrap_or_default(), 128),
            );
            if let Some(detail) = detail {
                put("upstream_field", shorten(&detail.field, 128));
                put("upstream_issue", shorten(&detail.issue, 384));
                put("upstream_location", shorten(&detail.location, 32));
            }
        }
        metadata
    }

    fn exhausted(self, error: &Error) -> Option<QuotaViolation> {
        let account = self.account.map(|account| format!("accounts/{account}"));
        match error.reason() {
            Reason::UpstreamRateLimited => {
                let operation = error.operation().unwrap_or("the operation");
                let limit = if error.is_retryable() {
                    "limit of calls"
                } else {
                    "daily quota of calls"
                };
                Some(QuotaViolation::new(
                    account.unwrap_or_default(),
                    format!("WeChat's {limit} to {operation}"),
                ))
            }
            Reason::Overloaded => Some(QuotaViolation::new(
                account.unwrap_or_else(|| "gateway".to_owned()),
                "calls in flight",
            )),
            _ => None,
        }
    }
}

/// The canonical code of an error: one to one with its kind, but for one case.
///
/// Clients repeat `UNAVAILABLE` on their own. Where a write may have run, they must not.
pub(crate) fn code(error: &Error) -> Code {
    match error.kind() {
        Kind::Unavailable if error.may_have_executed() => Code::Unknown,
        kind => canonical(kind),
    }
}

fn canonical(kind: Kind) -> Code {
    match kind {
        Kind::Cancelled => Code::Cancelled,
        Kind::InvalidArgument => Code::InvalidArgument,
        Kind::DeadlineExceeded => Code::DeadlineExceeded,
        Kind::NotFound => Code::NotFound,
        Kind::AlreadyExists => Code::AlreadyExists,
        Kind::PermissionDenied => Code::PermissionDenied,
        Kind::Unauthenticated => Code::Unauthenticated,
        Kind::ResourceExhausted => Code::ResourceExhausted,
        Kind::FailedPrecondition => Code::FailedPrecondition,
        Kind::Aborted => Code::Aborted,
        Kind::Unimplemented => Code::Unimplemented,
        Kind::Internal => Code::Internal,
        Kind::Unavailable => Code::Unavailable,
        // `Kind` may grow; whoever does not know a kind must assume the worst.
        Kind::Unknown | _ => Code::Unknown,
    }
}

/// Records a failure where the operator looks, once, with its causes; without WeChat's words, which
/// may hold what the request holds.
pub(crate) fn record(error: &Error) {
    let reason = error.reason().as_str();
    let operation = error.operation();
    let upstream_code = error
        .upstream()
        .map(|upstream| upstream.code.as_str())
        .filter(|code| !code.is_empty());
    let may_have_executed = error.may_have_executed();
    let remedy = error.remedy();
    let causes = causes(error);
    let message = error.message();
    macro_rules! log {
        ($level:ident, $text:literal) => {
            tracing::$level!(
                reason,
                operation,
                upstream_code,
                may_have_executed,
                remedy,
                causes,
                concat!($text, ": {}"),
                message
            )
        };
    }
    match error.kind() {
        Kind::Internal | Kind::Unknown => log!(error, "call failed"),
        // Business as usual: the caller's request, and WeChat's rules.
        Kind::InvalidArgument
        | Kind::NotFound
        | Kind::AlreadyExists
        | Kind::PermissionDenied
        | Kind::Unauthenticated
        | Kind::Aborted
        | Kind::Unimplemented
        | Kind::Cancelled => log!(info, "call refused"),
        Kind::FailedPrecondition if !is_for_the_operator(error.reason()) => {
            log!(info, "call refused");
        }
        // There are as many as callers like; whoever refuses them says so now and then.
        Kind::ResourceExhausted if error.reason() == Reason::Overloaded => {
            log!(debug, "call refused");
        }
        _ => log!(warn, "call failed"),
    }
}

/// Tells whether the refusal stays until the operator repairs something.
fn is_for_the_operator(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::CredentialRejected | Reason::KeyUnavailable | Reason::CredentialMissing
    )
}

/// The chain of causes, which `Display` leaves out.
fn causes(error: &Error) -> Option<String> {
    let first = std::error::Error::source(error)?;
    let chain = std::iter::successors(Some(first), |cause| cause.source());
    Some(
        chain
            .map(|cause| match cause.downcast_ref::<Error>() {
                Some(cause) => cause.message().to_owned(),
                None => cause.to_string(),
            })
            .collect::<Vec<_>>()
            .join(": "),
    )
}

#[cfg(test)]
mod tests;
