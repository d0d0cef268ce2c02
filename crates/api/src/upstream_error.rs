//! What WeChat said when it refused.

use std::fmt;

/// The error answer of WeChat, as far as it may be passed on.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct UpstreamError {
    /// The HTTP status; 200 in the official-account family.
    pub http_status: u16,
    /// The code: a word such as `PARAM_ERROR`, or the decimal `errcode`.
    pub code: String,
    /// WeChat's own text, usually Chinese. It is for people, may quote values of the request
    /// and therefore belongs in the answer to the caller, never in a log.
    pub message: String,
    /// WeChat's id of the request (`Request-ID`, or the `rid` of official accounts).
    pub request_id: Option<String>,
    /// Where in the request WeChat found the fault.
    pub detail: Option<UpstreamDetail>,
}

/// Where in a request WeChat found the fault; the value itself is left out on purpose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpstreamDetail {
    /// A JSON pointer into the body, or the name of a path or query parameter.
    pub field: String,
    /// WeChat's text about it.
    pub issue: String,
    /// `body`, `url`, `query` or `authorization`.
    pub location: String,
}

/// Shows no text of WeChat, which may quote values of the request.
impl fmt::Debug for UpstreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamError")
            .field("http_status", &self.http_status)
            .field("code", &self.code)
            .field("request_id", &self.request_id)
            .field("field", &self.detail.as_ref().map(|detail| &detail.field))
            .finish_non_exhaustive()
    }
}
