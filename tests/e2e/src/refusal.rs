//! What a caller reads out of a refusal.

use tonic::{Code, Response, Status};
use tonic_types::StatusExt;

/// What a refusal must look like. What is not named is not looked at, except where the comment says so.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    code: Code,
    reason: &'static str,
    fields: Vec<String>,
    upstream_status: Option<&'static str>,
    upstream_code: Option<&'static str>,
    may_have_executed: bool,
}

/// A refusal of which nothing reached WeChat, or of which WeChat's word is not passed on.
pub(crate) fn refused(code: Code, reason: &'static str) -> Refusal {
    Refusal {
        code,
        reason,
        fields: Vec::new(),
        upstream_status: None,
        upstream_code: None,
        may_have_executed: false,
    }
}

impl Refusal {
    /// These fields, and no others, are named in `BadRequest`.
    pub(crate) fn fields(mut self, fields: &[&str]) -> Self {
        self.fields = fields.iter().map(|field| (*field).to_owned()).collect();
        self
    }

    /// WeChat's HTTP status and code are passed on.
    pub(crate) fn upstream(mut self, status: &'static str, code: &'static str) -> Self {
        self.upstream_code = Some(code);
        self.upstream_status(status)
    }

    /// Of an answer without proof only the HTTP status is told, as a hint for whoever searches the cause.
    pub(crate) fn upstream_status(mut self, status: &'static str) -> Self {
        self.upstream_status = Some(status);
        self
    }

    /// The caller is told that the write may have run.
    pub(crate) fn may_have_executed(mut self) -> Self {
        self.may_have_executed = true;
        self
    }

    /// Compares, and checks what every refusal must have: domain, request id, a message for people, no personal data.
    #[track_caller]
    pub(crate) fn check<T: std::fmt::Debug>(self, result: Result<Response<T>, Status>) -> Status {
        let status = result.expect_err("a refusal is expected");
        let details = status.get_error_details();
        let info = details
            .error_info()
            .unwrap_or_else(|| panic!("no ErrorInfo in {status:?}"));
        assert_eq!(
            (status.code(), info.reason.as_str()),
            (self.code, self.reason),
            "{} {:?}",
            status.message(),
            info.metadata
        );
        assert_eq!(info.domain, "kabao");
        let mut fields: Vec<_> = details
            .bad_request()
            .map(|bad| {
                bad.field_violations
                    .iter()
                    .map(|violation| violation.field.clone())
                    .collect()
            })
            .unwrap_or_default();
        fields.sort();
        assert_eq!(fields, self.fields, "{}", status.message());
        let entry = |key: &str| info.metadata.get(key).map(String::as_str);
        assert_eq!(
            (entry("upstream_http_status"), entry("upstream_code")),
            (self.upstream_status, self.upstream_code),
            "{:?}",
            info.metadata
        );
        let expected = if self.may_have_executed {
            "true"
        } else {
            "false"
        };
        assert_eq!(
            entry("may_have_executed"),
            Some(expected),
            "{:?}",
            info.metadata
        );
        let request_id = &details.request_info().expect("a RequestInfo").request_id;
        assert!(!request_id.is_empty());
        let echoed = status
            .metadata()
            .get("x-request-id")
            .and_then(|id| id.to_str().ok());
        assert_eq!(echoed, Some(request_id.as_str()));
        assert!(
            status.message().chars().any(|c| c == ' '),
            "{}",
            status.message()
        );
        for personal in [
            "obLatjnx9gnqzS4myYGmLZ7LgLBA",
            "478515832665",
            "916679873278",
        ] {
            assert!(
                !format!("{status:?} {info:?}").contains(personal),
                "{status:?}"
            );
        }
        status
    }
}

/// One of the things that WeChat said about a refusal.
pub(crate) fn upstream_entry(status: &Status, key: &str) -> Option<String> {
    let details = status.get_error_details();
    details.error_info()?.metadata.get(key).cloned()
}
