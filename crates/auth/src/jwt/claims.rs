//! What a signed token says of itself. Pure.

use serde_json::{Map, Value};

use super::{JWT_LEEWAY, JwtClaims, JwtError, JwtRules};

/// Judges the claims at a moment in Unix seconds.
pub(super) fn judge(
    claims: &Map<String, Value>,
    rules: &JwtRules,
    now: i64,
) -> Result<JwtClaims, JwtError> {
    let is = |claim: &str, wanted: &str| claims.get(claim).is_some_and(|value| value == wanted);
    if !is("iss", &rules.issuer) {
        return Err(JwtError::Issuer);
    }
    let is_for_us = match claims.get("aud") {
        Some(Value::Array(audiences)) => audiences.iter().any(|one| one == &rules.audience),
        _ => is("aud", &rules.audience),
    };
    if !is_for_us {
        return Err(JwtError::Audience);
    }
    let expires = claims.get("exp").and_then(seconds);
    let expires = expires.ok_or(JwtError::Expired)?;
    if expires.saturating_add(JWT_LEEWAY) <= now {
        return Err(JwtError::Expired);
    }
    if let Some(begins) = claims.get("nbf") {
        let begins = seconds(begins).ok_or(JwtError::NotYetValid)?;
        if begins > now.saturating_add(JWT_LEEWAY) {
            return Err(JwtError::NotYetValid);
        }
    }
    match claims.get(&rules.claim) {
        Some(Value::String(name)) if !name.is_empty() => Ok(JwtClaims {
            name: name.clone(),
            expires,
        }),
        _ => Err(JwtError::Nameless),
    }
}

/// A time, which may have a fraction.
fn seconds(value: &Value) -> Option<i64> {
    const FAR: f64 = 1e15;
    value.as_i64().or_else(|| {
        let time = value.as_f64().filter(|time| (0.0..FAR).contains(time))?;
        #[expect(
            clippy::as_conversions,
            reason = "a number from 0 to 1e15 without its fraction is an i64"
        )]
        Some(time.trunc() as i64)
    })
}
