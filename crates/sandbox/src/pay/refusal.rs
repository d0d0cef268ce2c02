//! Error answers of the WeChat Pay families.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::exchange::{PAY_JSON, Reply};
use crate::random;
use crate::trail::Complaint;

/// The language of an error text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Chinese,
    English,
}

impl Language {
    /// Reads `Accept-Language`: `en` gives English, everything else Chinese.
    pub(crate) fn of(header: Option<&str>) -> Self {
        let first = header
            .and_then(|text| text.split([',', ';']).next())
            .unwrap_or_default()
            .trim();
        let english = first
            .get(..2)
            .is_some_and(|tag| tag.eq_ignore_ascii_case("en"));
        if english {
            Self::English
        } else {
            Self::Chinese
        }
    }

    pub(super) fn tag(self) -> &'static str {
        match self {
            Self::Chinese => "zh-CN",
            Self::English => "en",
        }
    }
}

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

    /// Turns the refusal into an unsigned answer.
    pub(crate) fn reply(&self, language: Language) -> Reply {
        let message = match language {
            Language::Chinese => &self.chinese,
            Language::English => &self.english,
        };
        let mut body = json!({ "code": self.code, "message": message });
        if let (Some(detail), Some(body)) = (&self.detail, body.as_object_mut()) {
            body.insert("detail".to_owned(), detail.clone());
        }
        let mut reply = Reply::json(self.status, PAY_JSON, body.to_string());
        // The number after the hyphen is the internal result; this is one of those seen.
        reply
            .headers
            .push(("Request-ID", random::request_id(268_578_704)));
        reply
            .headers
            .push(("Content-Language", language.tag().to_owned()));
        if let Some(seconds) = self.retry_after_seconds {
            reply.headers.push(("Retry-After", seconds.to_string()));
        }
        reply
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_language_decides() {
        for (header, expected) in [
            (None, Language::Chinese),
            (Some("zh-CN,en;q=0.5"), Language::Chinese),
            (Some("en"), Language::English),
            (Some("en-US,zh;q=0.1"), Language::English),
            (Some("*"), Language::Chinese),
            (Some("汉语"), Language::Chinese),
        ] {
            assert_eq!(Language::of(header), expected, "{header:?}");
        }
    }

    #[test]
    fn the_body_has_code_message_and_detail() {
        let refusal = Refusal::parameter(
            "参数错误",
            "parameter error",
            Detail {
                field: "/level".into(),
                value: json!("高"),
                issue: "too long".into(),
                location: "body",
            },
        );
        let reply = refusal.reply(Language::English);
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(reply.status, 400);
        assert_eq!(
            body,
            json!({"code": "PARAM_ERROR", "message": "parameter error",
                "detail": {"field": "/level", "value": "高", "issue": "too long", "location": "body"}})
        );
    }
}
