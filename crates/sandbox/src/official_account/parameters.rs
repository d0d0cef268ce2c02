//! Bodies: decoding them, and refusing those that break a documented limit.

use kabao_models::{Body, Endpoint, Incoming, Reason, Violation};
use serde_json::Value;

use super::Refused;
use crate::exchange::Received;

/// Decodes and checks a request.
pub(super) fn decode<E: Endpoint>(received: &Received) -> Result<E, Refused> {
    if E::OPERATION.body == Body::Json {
        if received.body.is_empty() {
            return Err(Refused::BodyEmpty);
        }
        let document: Value = serde_json::from_slice(&received.body).map_err(|_| Refused::BodyInvalid)?;
        if has_null(&document) {
            return Err(Refused::BodyInvalid);
        }
    }
    let request = E::from_http(Incoming {
        path: received.path(),
        query: received.query(),
        content_type: received.header("content-type"),
        body: &received.body,
    })
    .map_err(|_| Refused::BodyInvalid)?;
    match request.strict_violations().first() {
        None => Ok(request),
        Some(violation) => Err(refused(violation)),
    }
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(members) => members.values().any(has_null),
        Value::Array(items) => items.iter().any(has_null),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Chooses the row of the global table that fits a violation.
fn refused(violation: &Violation) -> Refused {
    let field = violation.field.rsplit('.').next().unwrap_or_default();
    match (&violation.reason, field) {
        (Reason::Required, "card_id") => Refused::CardIdMissing,
        (Reason::Required, "appid") => Refused::AppidMissing,
        (Reason::Required, "secret") => Refused::SecretMissing,
        (Reason::Required, "grant_type") | (Reason::UnknownValue { .. }, "grant_type") => Refused::GrantTypeInvalid,
        (Reason::Required, _) => Refused::FieldMissing,
        (Reason::TooLong { .. }, "card_id") => Refused::CardIdInvalid,
        (Reason::TooLong { .. }, "code") => Refused::CodeInvalid,
        (Reason::TooLong { .. }, _) => Refused::FieldTooLong,
        (Reason::UnknownValue { .. }, "code_type") => Refused::CodeTypeInvalid,
        (Reason::UnknownValue { .. }, "card_type") => Refused::CardTypeInvalid,
        _ => Refused::BodyInvalid,
    }
}
