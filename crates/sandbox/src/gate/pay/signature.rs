//! The signature headers of an answer, right or, on request, wrong.

use kabao_auth::{ResponseToSign, random_nonce, sign_response};

use crate::exchange::Signing;

/// How an answer is signed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SignaturePlan {
    /// How far the timestamp lies in the past.
    pub(crate) stale_seconds: i64,
    /// Names another key than the one that signed.
    pub(crate) serial: Option<String>,
    /// Sends a deliberately wrong signature with the documented prefix.
    pub(crate) probe: bool,
    /// Signs something else.
    pub(crate) wrong: bool,
    /// Leaves out this header.
    pub(crate) leave_out: Option<String>,
}

/// Signs a body and returns the five headers.
pub(crate) fn headers(
    signing: &Signing,
    now: i64,
    body: &[u8],
    plan: &SignaturePlan,
) -> Result<Vec<(String, String)>, kabao_auth::Error> {
    let signed: &[u8] = if plan.wrong {
        b"not what is sent"
    } else {
        body
    };
    let nonce = random_nonce()?;
    let to_sign = ResponseToSign {
        timestamp: now.saturating_sub(plan.stale_seconds),
        nonce: &nonce,
        body: signed,
    };
    let mut signature = sign_response(&signing.key.key, &signing.key.id, signing.scheme, &to_sign)?;
    if plan.probe {
        signature = signature.into_probe();
    }
    if let Some(serial) = &plan.serial {
        signature.serial.clone_from(serial);
    }
    let left_out = |name: &str| {
        plan.leave_out
            .as_deref()
            .is_some_and(|other| other.eq_ignore_ascii_case(name))
    };
    Ok(signature
        .headers()
        .into_iter()
        .filter(|(name, _)| !left_out(name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect())
}
