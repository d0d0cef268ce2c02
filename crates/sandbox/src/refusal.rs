//! Why the families of WeChat Pay refuse a request, in both languages; without HTTP.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::trail::Complaint;

/// Why a request is refused.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: Cow<'static, str>,
    pub(crate) chinese: Cow<'static, str>,
    pub(crate) english: Cow<'static, str>,
    pub(crate) detail: Option<Value>,
    pub(crate) retry_after_seconds: Option<u32>,
}

impl Refusal {
    pub(crate) fn new(
        status: u16,
        code: impl Into<Cow<'static, str>>,
        chinese: impl Into<Cow<'static, str>>,
        english: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            code: code.into(),
            chinese: chinese.into(),
            english: english.into(),
            detail: None,
            retry_after_seconds: None,
        }
    }

    /// 400 `PARAM_ERROR` with the detail that names the field.
    pub(crate) fn parameter(
        chinese: impl Into<Cow<'static, str>>,
        english: impl Into<Cow<'static, str>>,
        detail: Detail,
    ) -> Self {
        Self {
            detail: Some(detail.into_json()),
            ..Self::new(400, "PARAM_ERROR", chinese, english)
        }
    }

    pub(crate) fn no_permission() -> Self {
        Self::new(
            403,
            "NO_AUTH",
            "商户号无该产品权限，请先申请开通",
            "The merchant number has no permission for this product; the permission must be requested",
        )
    }

    pub(crate) fn rate_limited(code: &str) -> Self {
        Self::new(
            429,
            code.to_owned(),
            "请求超过频率限制，请稍后再试",
            "Too many requests; try again later",
        )
    }

    pub(crate) fn system_error() -> Self {
        Self::new(
            500,
            "SYSTEM_ERROR",
            "系统异常，请使用相同参数稍后重试",
            "System fault; try again later with the same parameters",
        )
    }

    /// Returns what the refusal blames, if it blames a part of the request.
    pub(crate) fn complaint(&self) -> Option<Complaint> {
        let detail = self.detail.as_ref()?;
        let text = |name: &str| detail.get(name).and_then(Value::as_str);
        Some(Complaint::new(text("field")?, text("issue")?))
    }
}

/// The `detail` of a parameter error.
#[derive(Clone, Debug)]
pub(crate) struct Detail {
    /// A JSON pointer for the body, a plain name for path and query.
    pub(crate) field: String,
    pub(crate) value: Value,
    pub(crate) issue: String,
    /// `body`, `url` or `query`.
    pub(crate) location: &'static str,
}

impl Detail {
    /// Names a member of the body by its path, such as `balance_information/balance`.
    pub(crate) fn body(path: &str, value: Value, issue: impl Into<String>) -> Self {
        Self {
            field: format!("/{path}"),
            value,
            issue: issue.into(),
            location: "body",
        }
    }

    pub(crate) fn into_json(self) -> Value {
        json!({ "field": self.field, "value": self.value, "issue": self.issue, "location": self.location })
    }
}
