//! How a refusal is written.

use serde_json::json;

use crate::exchange::{PAY_JSON, Reply};
use crate::random;
use crate::refusal::Refusal;

/// The language of an error text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Chinese,
    English,
}

impl Language {
    /// Reads `Accept-Language`: `en` gives English, everything else Chinese.
    pub(super) fn of(header: Option<&str>) -> Self {
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

/// Writes a refusal as an unsigned answer.
pub(super) fn reply(refusal: &Refusal, language: Language) -> Reply {
    let message = match language {
        Language::Chinese => &refusal.chinese,
        Language::English => &refusal.english,
    };
    let mut body = json!({ "code": refusal.code, "message": message });
    if let (Some(detail), Some(body)) = (&refusal.detail, body.as_object_mut()) {
        body.insert("detail".to_owned(), detail.clone());
    }
    let mut reply = Reply::json(refusal.status, PAY_JSON, body.to_string());
    // The number after the hyphen is the internal result; this is one of those seen.
    reply
        .headers
        .push(("Request-ID", random::request_id(268_578_704)));
    reply
        .headers
        .push(("Content-Language", language.tag().to_owned()));
    if let Some(seconds) = refusal.retry_after_seconds {
        reply.headers.push(("Retry-After", seconds.to_string()));
    }
    reply
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::refusal::Detail;

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
        let reply = reply(&refusal, Language::English);
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(reply.status, 400);
        assert_eq!(
            body,
            json!({"code": "PARAM_ERROR", "message": "parameter error",
                "detail": {"field": "/level", "value": "高", "issue": "too long", "location": "body"}})
        );
    }
}
