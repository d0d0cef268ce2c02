//! The one place where an [`Error`] becomes a `google.rpc.Status`.

mod budget;
mod details;
mod head;

use std::borrow::Cow;
use std::time::Duration;

use kabao_api::{AccountId, CallId, Error, FieldViolation, Kind, Reason, UpstreamError};
use prost::Message;
use tonic::body::Body;
use tonic::{Code, Status};

use self::budget::{Budget, shorten};
use self::details::Details;

/// The `domain` of every `google.rpc.ErrorInfo` of ours.
pub(crate) const DOMAIN: &str = "kabao";

/// After how many milliseconds a client shall repeat the call, if it does so by itself (gRPC A6).
pub(crate) const PUSHBACK: &str = "grpc-retry-pushback-ms";

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
    let refusal = Refusal {
        id,
        account: None,
        rename: None,
    };
    let (_, mut response) = refusal.answer(error);
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

/// What a status consists of.
struct Parts {
    code: Code,
    message: String,
    /// A `google.rpc.Status`.
    details: Vec<u8>,
    /// When to call again.
    wait: Option<Duration>,
}

impl Parts {
    /// The same for clients with a policy for retries: those of gRPC A6 obey this and know no details.
    fn pushback(&self) -> Option<u64> {
        let wait = self.wait?.as_millis();
        Some(u64::try_from(wait).unwrap_or(u64::MAX))
    }
}

impl Refusal<'_> {
    /// Turns an error into a status with all details that apply.
    pub(crate) fn status(self, error: &Error) -> Status {
        let parts = self.parts(error);
        let pushback = parts.pushback();
        let Parts {
            code,
            message,
            details,
            ..
        } = parts;
        let mut status = Status::with_details(code, message, details.into());
        if let Some(milliseconds) = pushback {
            status.metadata_mut().insert(PUSHBACK, milliseconds.into());
        }
        status
    }

    /// Turns an error into the answer that this status is, and tells its code.
    pub(crate) fn answer(self, error: &Error) -> (Code, http::Response<Body>) {
        let parts = self.parts(error);
        (parts.code, head::answer(parts))
    }

    fn parts(self, error: &Error) -> Parts {
        let mut budget = Budget::new(DETAIL_BYTES);
        let (code, message) = (code(error), self.message(error));
        let mut details = Details::new(i32::from(code), &message);

        let wait = error.retry_after().filter(|_| !error.may_have_executed());
        if let Some(wait) = wait {
            details.retry_info(wait);
        }
        let metadata = self.metadata(error);
        let sizes = metadata
            .iter()
            .map(|(key, value)| key.len() + value.len() + 8);
        budget.spend(sizes.sum());
        let metadata = metadata.iter().map(|(key, value)| (*key, &**value));
        details.error_info(error.reason().as_str(), DOMAIN, metadata);
        if let Some((subject, description)) = self.exhausted(error) {
            details.quota_failure(subject, &description);
        }
        let preconditions = self.preconditions(error);
        if !preconditions.is_empty() {
            for [_, subject, description] in &preconditions {
                budget.spend(subject.len() + description.len() + 32);
            }
            let preconditions = preconditions.iter();
            details.precondition_failure(
                preconditions.map(|texts| texts.each_ref().map(|text| &**text)),
            );
        }
        details.request_info(self.id.as_str());
        budget.spend(self.id.as_str().len() + 64);
        if !error.violations().is_empty() {
            let renamed = error
                .violations()
                .iter()
                .map(|violation| self.renamed(violation));
            let shown = budget.violations(renamed);
            let shown = shown
                .iter()
                .map(|(field, description)| (&**field, &**description));
            details.bad_request(shown);
        }
        Parts {
            code,
            message,
            details: details.finish(),
            wait,
        }
    }

    fn renamed(self, violation: &FieldViolation) -> FieldViolation {
        let field = self.rename.and_then(|rename| rename(&violation.field));
        FieldViolation {
            field: field.unwrap_or_else(|| violation.field.clone()),
            ..violation.clone()
        }
    }

    /// What does not hold: the condition that the error names, or its reason, with its subject and a description.
    fn preconditions(self, error: &Error) -> Vec<[Cow<'_, str>; 3]> {
        if error.kind() != Kind::FailedPrecondition {
            return Vec::new();
        }
        let named = error.preconditions().iter().map(|precondition| {
            [
                Cow::from(precondition.kind.as_ref()),
                shorten(&precondition.subject, 256),
                shorten(&precondition.description, 512),
            ]
        });
        let named: Vec<_> = named.collect();
        if !named.is_empty() {
            return named;
        }
        let text = match error.remedy() {
            Some(remedy) => format!("{}; {remedy}", error.message()),
            None => error.message().to_owned(),
        };
        vec![[
            error.reason().as_str().into(),
            self.account_name().unwrap_or_default().into(),
            shorten(&text, 384).into_owned().into(),
        ]]
    }

    fn account_name(self) -> Option<String> {
        self.account.map(|account| format!("accounts/{account}"))
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
        match shorten(&text, MESSAGE_BYTES) {
            Cow::Borrowed(_) => text,
            Cow::Owned(shorter) => shorter,
        }
    }

    fn metadata<'e>(self, error: &'e Error) -> Vec<(&'static str, Cow<'e, str>)>
    where
        Self: 'e,
    {
        const fn word(truth: bool) -> &'static str {
            if truth { "true" } else { "false" }
        }
        let mut metadata = Vec::with_capacity(8);
        let mut put = |key, value: Cow<'e, str>| {
            if !value.is_empty() {
                metadata.push((key, value));
            }
        };
        put("may_have_executed", word(error.may_have_executed()).into());
        put("retryable", word(error.is_retryable()).into());
        if let Some(account) = self.account {
            put("account", account.as_str().into());
        }
        if let Some(operation) = error.operation() {
            put("operation", operation.into());
        }
        if let Some(UpstreamError {
            http_status,
            code,
            message,
            request_id,
            detail,
        }) = error.upstream()
        {
            put("upstream_http_status", http_status.to_string().into());
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

    /// What is used up: whose, in parts of a name, and what it is.
    fn exhausted(&self, error: &Error) -> Option<([&str; 2], Cow<'static, str>)> {
        let account = self.account.map(|account| ["accounts/", account.as_str()]);
        match error.reason() {
            Reason::UpstreamRateLimited => {
                let operation = error.operation().unwrap_or("the operation");
                let limit = if error.is_retryable() {
                    "limit of calls"
                } else {
                    "daily quota of calls"
                };
                let what = format!("WeChat's {limit} to {operation}");
                Some((account.unwrap_or_default(), what.into()))
            }
            Reason::Overloaded => {
                let whose = account.unwrap_or(["gateway", ""]);
                Some((whose, "calls in flight".into()))
            }
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
        _ if is_one_of_many(error) => log!(debug, "call refused"),
        _ => log!(warn, "call failed"),
    }
}

/// Tells whether it is a refusal of ours that passes by itself: WeChat was not asked, and as many may be refused as
/// callers like.
pub(crate) fn is_one_of_many(error: &Error) -> bool {
    let passes = matches!(error.kind(), Kind::ResourceExhausted | Kind::Unavailable);
    let is_ours = error.upstream().is_none() && !error.may_have_executed();
    passes && is_ours && error.retry_after().is_some()
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
