//! Every choice that WeChat's documents leave open, as a named setting with its default.
//!
//! `GET /settings` of the control API shows them all; `PATCH /settings` takes the same shape with
//! only the members that are to change.

mod brand;
mod merchant;
mod odd_values;
mod official_account;

use serde::{Deserialize, Serialize};

pub use self::brand::{
    Brand, ConflictingSections, PickupTime, StockFalls, TermStart, UnauthorizedBrand, WrongOpenid,
};
pub use self::merchant::{Merchant, PageOffset, ServiceItem, ServiceMessage, ServiceState};
pub use self::odd_values::OddValues;
pub use self::official_account::{
    EmptyList, MemberData, OfficialAccount, Permit, ReviewTable, TicketRepeat, Trace, UnknownPath,
    UploadPart, UrlScheme,
};

/// All settings. Each default is the reading that seems most likely, or, where nothing is known,
/// the one that hurts a developer least.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How requests of the two WeChat Pay families are authenticated.
    pub authentication: Authentication,
    /// How answers of the two WeChat Pay families look.
    pub answers: Answers,
    /// The merchant family.
    pub merchant: Merchant,
    /// The brand family.
    pub brand: Brand,
    /// The official-account family.
    pub official_account: OfficialAccount,
    /// Values of all families that documents, samples and SDKs give different forms.
    pub odd_values: OddValues,
}

/// Open choices of request authentication.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Authentication {
    /// The first deviation of a request timestamp, in seconds, that is refused.
    /// Documented: "more than five minutes"; what happens at exactly 300 is not. Default 300.
    pub max_skew_seconds: i64,
    /// What a nonce gets that the same caller has already used with the same timestamp.
    /// No page says that a repeat is refused. Default `accept`.
    pub repeated_nonce: RepeatedNonce,
    /// Whether `Accept` and `User-Agent` must be present; seen on some path groups. Default true.
    pub require_client_headers: bool,
    /// When `Wechatpay-Serial` is required on `/v3/` paths. Default `with_encrypted_fields`.
    pub wechatpay_serial: SerialRule,
    /// Whether a `Wechatpay-Serial` that names no key of the service is refused even when the
    /// request has no encrypted field. Default true.
    pub refuse_unknown_serial: bool,
    /// Whether JSON is held to the letter of the conventions: no `null`, no characters beyond
    /// three bytes, no path parameter repeated in the body. Default true.
    pub strict_json: bool,
    /// Whether a body with another content type than `application/json` is refused. Default true.
    pub require_json_content_type: bool,
    /// Whether the shift of `POST /clock` also moves the clock that signatures are checked and
    /// made with. Default false: only cards, activities and tokens age.
    pub signatures_follow_clock: bool,
    /// The largest request body in bytes; no limit is published, but pictures
    /// may have 2 MB. Default 4194304.
    pub max_body_bytes: usize,
}

impl Default for Authentication {
    fn default() -> Self {
        Self {
            max_skew_seconds: 300,
            repeated_nonce: RepeatedNonce::Accept,
            require_client_headers: true,
            wechatpay_serial: SerialRule::WithEncryptedFields,
            refuse_unknown_serial: true,
            strict_json: true,
            require_json_content_type: true,
            signatures_follow_clock: false,
            max_body_bytes: 4 << 20,
        }
    }
}

/// What a repeated nonce gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RepeatedNonce {
    /// Nothing happens.
    Accept,
    /// 401 `SIGN_ERROR`.
    Refuse,
}

/// When `Wechatpay-Serial` is required.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SerialRule {
    /// Only if the body really has an encrypted field.
    WithEncryptedFields,
    /// On every operation whose page lists the header.
    AsDocumented,
}

/// Open choices of answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Answers {
    /// Whether errors after authentication are signed. Older text says so, SDKs never look.
    /// Default true.
    pub sign_errors: bool,
    /// How many of a thousand signed answers carry a deliberately wrong signature that starts
    /// with `WECHATPAY/SIGNTEST/`. "Very few" upstream. Default 0, so that tests are calm.
    pub probes_per_thousand: u16,
    /// The code of 429; four spellings are documented. Default `RATELIMIT_EXCEEDED`.
    pub rate_limit_code: String,
    /// The code of 400 where `Wechatpay-Serial` is missing; its text is documented, its code is not.
    /// Default `PARAM_ERROR`.
    pub missing_serial_code: String,
    /// Whether documented rates (ten calls a second for the brand family) are enforced.
    /// Default false.
    pub enforce_rate_limits: bool,
    /// The seconds of `Retry-After` on 429; none is documented. Default absent.
    pub retry_after_seconds: Option<u32>,
    /// Whether the `detail` of a wrong signature is nested (seen live) or flat (documented).
    /// Default `nested`.
    pub sign_error_detail: SignErrorDetail,
}

impl Default for Answers {
    fn default() -> Self {
        Self {
            sign_errors: true,
            probes_per_thousand: 0,
            rate_limit_code: "RATELIMIT_EXCEEDED".to_owned(),
            missing_serial_code: "PARAM_ERROR".to_owned(),
            enforce_rate_limits: false,
            retry_after_seconds: None,
            sign_error_detail: SignErrorDetail::Nested,
        }
    }
}

/// Where `issue` stands in the detail of a wrong signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignErrorDetail {
    /// `detail.detail.issue`.
    Nested,
    /// `detail.issue`.
    Flat,
}

/// What a repeated `out_request_no` gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RepeatedNumber {
    /// Equal content is answered like the first time, without a second effect; other content is
    /// refused.
    Replay,
    /// Every repeat is refused.
    Refuse,
    /// The number has no meaning: the request acts again.
    Apply,
}

impl Settings {
    /// Returns these settings with the members of `patch` changed.
    ///
    /// # Errors
    ///
    /// Fails with a text that names the member if one is unknown or has the wrong type.
    pub(crate) fn patched(&self, patch: &serde_json::Value) -> Result<Self, String> {
        let mut merged = serde_json::to_value(self).map_err(|error| error.to_string())?;
        merge(&mut merged, patch);
        serde_json::from_value(merged).map_err(|error| error.to_string())
    }
}

/// Lays `patch` over `target`, object by object.
fn merge(target: &mut serde_json::Value, patch: &serde_json::Value) {
    match (target, patch) {
        (serde_json::Value::Object(target), serde_json::Value::Object(patch)) => {
            for (name, value) in patch {
                merge(
                    target
                        .entry(name.clone())
                        .or_insert(serde_json::Value::Null),
                    value,
                );
            }
        }
        (target, patch) => *target = patch.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_patch_changes_what_it_names_and_nothing_else() {
        let settings = Settings::default();
        let patched = settings
            .patched(&json!({"answers": {"probes_per_thousand": 7, "retry_after_seconds": 3}}))
            .unwrap();
        assert_eq!(patched.answers.probes_per_thousand, 7);
        assert_eq!(patched.answers.retry_after_seconds, Some(3));
        assert_eq!(patched.merchant, settings.merchant);
        let back = patched
            .patched(&json!({"answers": {"probes_per_thousand": 0, "retry_after_seconds": null}}));
        assert_eq!(back.unwrap(), settings);
    }

    #[test]
    fn an_unknown_member_or_value_is_named() {
        let settings = Settings::default();
        for (patch, named) in [
            (json!({"answer": {}}), "answer"),
            (json!({"merchant": {"check_sum": true}}), "check_sum"),
            (
                json!({"merchant": {"repeated_out_request_no": "maybe"}}),
                "maybe",
            ),
        ] {
            let error = settings.patched(&patch).unwrap_err();
            assert!(error.contains(named), "{error}");
        }
    }
}
