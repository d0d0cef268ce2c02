//! Which code a malformed body or member gets.

use kabao_models::{Breach, Operation, Violation};
use serde_json::Value;

use crate::official_account::{Refused, lists};
use crate::settings::OfficialAccount;

/// Refuses a body that is not JSON or has a `null` in it where the settings do not take it.
pub(super) fn check_json(rules: &OfficialAccount, body: &[u8]) -> Result<(), Refused> {
    if body.is_empty() {
        return Ok(());
    }
    let document: Value =
        serde_json::from_slice(body).map_err(|_| Refused::Body("the body is not JSON".into()))?;
    if !document.is_object() {
        return Err(Refused::Body("the body is not an object".into()));
    }
    match refused_null(rules, &document) {
        Some(name) => Err(Refused::Body(format!("{name} is null").into())),
        None => Ok(()),
    }
}

/// Returns the member that is `null`, or has an entry that is: an entry is never taken for absent.
fn refused_null(rules: &OfficialAccount, value: &Value) -> Option<String> {
    match value {
        Value::Object(members) => members.iter().find_map(|(name, member)| {
            if member.is_null() {
                return (!rules.ignore_null_members).then(|| name.clone());
            }
            refused_null(rules, member).map(|inner| format!("{name}.{inner}"))
        }),
        Value::Array(items) => items.iter().find_map(|item| {
            if item.is_null() {
                Some("an entry".to_owned())
            } else {
                refused_null(rules, item)
            }
        }),
        _ => None,
    }
}

/// Refuses a request that breaks a documented limit, with the code that fits the first one.
pub(super) fn check(operation: &Operation, violations: &[Violation]) -> Result<(), Refused> {
    match violations.first() {
        Some(violation) => Err(refusal(operation, violation)),
        None => Ok(()),
    }
}

fn refusal(operation: &Operation, violation: &Violation) -> Refused {
    let field = violation.field.as_str();
    let last = field.rsplit('.').next().unwrap_or(field);
    let name = last.split('[').next().unwrap_or(last);
    let special = match (name, &violation.breach) {
        ("card_id", Breach::Required) => Some(Refused::CardIdMissing),
        ("card_id", _) => Some(Refused::CardId),
        ("openid", _) if operation.path == "/card/user/getcardlist" => Some(Refused::Openid),
        ("begin_date" | "end_date", _) => Some(Refused::DateFormat),
        ("card_type", _) => Some(Refused::CardType),
        ("code_type", Breach::UnknownValue { .. }) => Some(Refused::CodeType),
        ("encrypt_code", _) => Some(Refused::EncryptCode),
        ("quantity", Breach::TooLarge { .. } | Breach::TooSmall { .. }) => Some(Refused::Stock),
        ("action_name" | "expire_seconds", _) => Some(Refused::ActionInfo),
        ("code" | "new_code", Breach::TooLong { .. }) => Some(Refused::CodeForm),
        ("fixed_term", Breach::TooSmall { .. }) => Some(Refused::Time),
        ("type", Breach::UnknownValue { .. }) if field.contains("date_info") => Some(Refused::Time),
        _ => None,
    };
    let general = match &violation.breach {
        Breach::Required => Refused::Missing(field.to_owned().into()),
        Breach::TooLong { .. } | Breach::TooManyItems { .. } => {
            Refused::TooLong(field.to_owned().into())
        }
        _ => Refused::Body(field.to_owned().into()),
    };
    let fallback = Refused::Body(field.to_owned().into());
    [special, Some(general)]
        .into_iter()
        .flatten()
        .find(|refused| lists(operation, refused.errcode()))
        .unwrap_or(fallback)
}

#[cfg(test)]
mod tests {
    use kabao_models::Endpoint;
    use kabao_models::official_account::{card, code, datacube, member, qrcode, user};
    use serde_json::json;

    use super::*;

    #[test]
    fn null_and_broken_json_are_data_format_errors() {
        let strict = OfficialAccount {
            ignore_null_members: false,
            ..OfficialAccount::default()
        };
        let taken = OfficialAccount::default();
        for (body, is_taken) in [
            ("{", false),
            ("[]", false),
            (r#"{"a":null}"#, true),
            (r#"{"a":[{"b":null}]}"#, true),
            (r#"{"a":[1,null]}"#, false),
        ] {
            let refused = check_json(&strict, body.as_bytes()).unwrap_err();
            assert_eq!(refused.errcode(), 47001, "{body}");
            assert_eq!(
                check_json(&taken, body.as_bytes()).is_ok(),
                is_taken,
                "{body}"
            );
        }
        assert_eq!(check_json(&strict, br#"{"a":[{"b":0}]}"#), Ok(()));
        assert_eq!(
            refused_null(&strict, &json!({"a": {"b": null}})).as_deref(),
            Some("a.b")
        );
    }

    fn code<E: Endpoint>(body: Value) -> i64 {
        let request: E = serde_json::from_value(body).unwrap();
        check(E::OPERATION, &request.strict_violations())
            .unwrap_err()
            .errcode()
    }

    #[test]
    fn each_violation_gets_the_code_of_its_operation() {
        assert_eq!(code::<card::GetCard>(json!({})), 41012);
        assert_eq!(
            code::<card::GetCard>(json!({"card_id": "p".repeat(33)})),
            40073
        );
        assert_eq!(
            code::<card::BatchGetCards>(json!({"offset": 0, "count": 51})),
            47001
        );
        assert_eq!(
            code::<code::GetCode>(json!({"code": "1".repeat(21)})),
            40116
        );
        assert_eq!(code::<code::DecryptCode>(json!({})), 40075);
        assert_eq!(code::<user::ListUserCards>(json!({})), 40003);
        assert_eq!(code::<member::UpdateUser>(json!({"card_id": "p"})), 41011);
        let long = json!({"card_id": "p", "code": "1", "custom_field_value1": "金卡会员员"});
        assert_eq!(code::<member::UpdateUser>(long), 45021);
        assert_eq!(
            code::<qrcode::CreateQrcode>(json!({"action_name": "QR_CARDS"})),
            40053
        );
        let dates = json!({"begin_date": "2026/01/01", "end_date": "2026-01-01", "cond_source": 1});
        assert_eq!(code::<datacube::GetMemberCardInfo>(dates), 61500);
    }
}
