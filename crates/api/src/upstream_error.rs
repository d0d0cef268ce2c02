//! What WeChat said when it refused.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The error answer of WeChat, as far as it may be passed on.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamError {
    /// The HTTP status; 200 in the official-account family.
    pub http_status: u16,
    /// The code: a word such as `PARAM_ERROR`, or the decimal `errcode`.
    pub code: String,
    /// WeChat's own text, usually Chinese. It is for people and belongs in the answer to the caller,
    /// never in a log. What the pipeline returns has gone through [`mask`](crate::mask()).
    pub message: String,
    /// WeChat's id of the request (`Request-ID`, or the `rid` of official accounts).
    pub request_id: Option<String>,
    /// Where in the request WeChat found the fault.
    pub detail: Option<UpstreamDetail>,
}

/// Where in a request WeChat found the fault; the value itself is left out on purpose.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamDetail {
    /// A JSON pointer into the body, or the name of a path or query parameter.
    pub field: String,
    /// WeChat's text about it.
    pub issue: String,
    /// `body`, `url`, `query` or `authorization`.
    pub location: String,
}

impl UpstreamError {
    /// Returns what WeChat said, for a person: its message and what it says about the field.
    pub fn words(&self) -> Option<String> {
        let issue = self
            .detail
            .as_ref()
            .map(|detail| detail.issue.trim())
            .unwrap_or_default();
        let message = self.message.trim();
        match (message, issue) {
            ("", "") => None,
            ("", words) | (words, "") => Some(words.to_owned()),
            (message, issue) if message.contains(issue) => Some(message.to_owned()),
            (message, issue) => Some(format!("{message} ({issue})")),
        }
    }

    /// Takes personal data out of WeChat's texts; see [`mask`](crate::mask()).
    #[must_use]
    pub fn masked(mut self, private: &[String]) -> Self {
        self.message = crate::mask(&self.message, private);
        if let Some(detail) = &mut self.detail {
            detail.issue = crate::mask(&detail.issue, private);
        }
        self
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_message_and_issue_once() {
        let rows = [
            ("", "", None),
            ("参数错误", "", Some("参数错误")),
            ("", "sign not match", Some("sign not match")),
            ("参数错误", "is too long", Some("参数错误 (is too long)")),
            ("参数错误：太长", "太长", Some("参数错误：太长")),
        ];
        for (message, issue, words) in rows {
            let error = UpstreamError {
                message: message.to_owned(),
                detail: Some(UpstreamDetail {
                    issue: issue.to_owned(),
                    ..UpstreamDetail::default()
                }),
                ..UpstreamError::default()
            };
            assert_eq!(error.words().as_deref(), words, "{message} {issue}");
        }
    }
}
