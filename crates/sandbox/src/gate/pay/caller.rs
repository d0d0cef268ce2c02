//! Authentication of requests, check by check in the order of the service.

use std::sync::Arc;

use kabao_auth::{
    AuthenticationError, Authorization, PublicKey, ReceivedRequest, Scheme, SerialNumber,
    require_client_headers,
};
use kabao_models::{Body, Family, Operation, multipart_part};
use serde_json::json;

use crate::account::{Account, Pay};
use crate::exchange::Received;
use crate::keys::Standing;
use crate::refusal::Refusal;
use crate::settings::{RepeatedNonce, Settings, SignErrorDetail};
use crate::sync::lock;
use crate::trail::Check;
use crate::world::World;

/// Who sent an authenticated request.
pub(super) struct Caller {
    pub(super) account: Arc<Account>,
    pub(super) pay: Arc<Pay>,
    pub(super) serial: SerialNumber,
    pub(super) scheme: Scheme,
}

/// Returns the account that a request claims to come from, without checking the claim.
pub(super) fn claimed_account(
    world: &World,
    operation: &Operation,
    received: &Received,
) -> Option<String> {
    let authorization = Authorization::parse(received.header("authorization")?).ok()?;
    candidates(world, &authorization)
        .into_iter()
        .max_by_key(|account| account.family == operation.family)
        .map(|account| account.name.clone())
}

/// Returns the family of the account that a request claims to come from. Among accounts that share a
/// number, the certificate decides.
pub(super) fn claimed_family(world: &World, received: &Received) -> Option<Family> {
    let authorization = Authorization::parse(received.header("authorization")?).ok()?;
    let serial = authorization.serial();
    let knows = |account: &Account| {
        let (Some(pay), Some(serial)) = (&account.pay, &serial) else {
            return false;
        };
        let keyring = lock(&pay.keyring);
        !matches!(
            keyring.standing(serial, world.signature_time()),
            Standing::Unknown
        )
    };
    candidates(world, &authorization)
        .into_iter()
        .max_by_key(|account| knows(account))
        .map(|account| account.family)
}

/// Authenticates a request: `Accept` and `User-Agent`, scheme and syntax of `Authorization`, clock,
/// serial number, signature.
pub(super) fn authenticate(
    world: &World,
    settings: &Settings,
    operation: &Operation,
    received: &Received,
) -> Result<Caller, Refusal> {
    let rules = &settings.authentication;
    let refuse = |error: AuthenticationError| refusal(&error, settings.answers.sign_error_detail);
    let trail = &received.trail;
    if rules.require_client_headers {
        trail.begin(Check::ClientHeaders);
        require_client_headers(received.header("accept"), received.header("user-agent"))
            .map_err(refuse)?;
    }
    trail.begin(Check::Scheme);
    let header = received
        .header("authorization")
        .ok_or_else(|| refuse(AuthenticationError::Malformed))?;
    let scheme = Authorization::scheme_of(header).map_err(refuse)?;
    if scheme != Scheme::of_target(&received.target) {
        return Err(refuse(AuthenticationError::UnknownScheme));
    }
    trail.begin(Check::Authorization);
    let authorization = Authorization::parse(header).map_err(refuse)?;
    trail.begin(Check::Timestamp);
    let now = world.signature_time();
    let deviation = now.as_second().abs_diff(authorization.timestamp());
    if !u64::try_from(rules.max_skew_seconds).is_ok_and(|limit| deviation < limit) {
        return Err(refuse(AuthenticationError::ClockSkew));
    }
    trail.begin(Check::SerialNumber);
    let serial = authorization
        .serial()
        .ok_or_else(|| refuse(AuthenticationError::UnknownSerial))?;
    let (account, pay, key) = find_key(world, operation, &authorization, &serial, settings)?;
    trail.begin(Check::Signature);
    authorization
        .verify(
            &ReceivedRequest {
                method: received.method.as_str(),
                target: &received.target,
                body: signed_body(operation, received),
            },
            &key,
        )
        .map_err(|error| {
            if operation.body == Body::Multipart && settings.brand.upload_signature_is_blocked {
                blocked_upload()
            } else {
                refuse(error)
            }
        })?;
    if rules.repeated_nonce == RepeatedNonce::Refuse {
        trail.begin(Check::Nonce);
        let first = lock(&world.nonces).first_use(
            authorization.identity(),
            authorization.nonce(),
            now.as_second(),
            rules.max_skew_seconds,
        );
        if !first {
            return Err(sign_error(
                "Http头Authorization中的nonce_str重复",
                "the nonce was used before",
            ));
        }
    }
    Ok(Caller {
        account,
        pay,
        serial,
        scheme,
    })
}

/// Returns what counts as signed: the body, or of an upload the part `meta`.
fn signed_body<'r>(operation: &Operation, received: &'r Received) -> &'r [u8] {
    let meta = match operation.body {
        Body::Multipart => received
            .header("content-type")
            .and_then(|content_type| multipart_part(content_type, &received.body, "meta")),
        Body::Empty | Body::Json => None,
    };
    meta.unwrap_or(&received.body)
}

/// The accounts whose number stands in `Authorization`.
fn candidates(world: &World, authorization: &Authorization) -> Vec<Arc<Account>> {
    let scheme = authorization.scheme();
    let identity = authorization.identity();
    let accounts = world.accounts.all();
    let named = accounts.iter().filter(|account| {
        let number = match scheme {
            Scheme::Merchant => &account.mchid,
            // Brand-direct accounts have a brand id and no merchant number.
            Scheme::Brand if account.mchid.is_none() => &account.brand_id,
            Scheme::Brand => &None,
        };
        account.pay.is_some() && number.as_deref() == Some(identity)
    });
    named.cloned().collect()
}

/// Finds the certificate; among accounts that share a number, the one of the operation's family
/// comes first.
fn find_key(
    world: &World,
    operation: &Operation,
    authorization: &Authorization,
    serial: &SerialNumber,
    settings: &Settings,
) -> Result<(Arc<Account>, Arc<Pay>, PublicKey), Refusal> {
    let mut accounts = candidates(world, authorization);
    accounts.sort_by_key(|account| account.family != operation.family);
    let mut problem = refusal(
        &AuthenticationError::UnknownSerial,
        settings.answers.sign_error_detail,
    );
    for account in accounts {
        let Some(pay) = account.pay.clone() else {
            continue;
        };
        let keyring = lock(&pay.keyring);
        match keyring.standing(serial, world.signature_time()) {
            Standing::Usable(key) => {
                let key = key.clone();
                drop(keyring);
                return Ok((account, pay, key));
            }
            Standing::Revoked => {
                problem = sign_error("商户证书已作废", "the merchant certificate was revoked")
            }
            Standing::Expired => {
                problem = sign_error("商户证书已过期", "the merchant certificate has expired")
            }
            Standing::Unknown => {}
        }
    }
    Err(problem)
}

/// What the page of the picture upload lists for a wrong signature.
fn blocked_upload() -> Refusal {
    Refusal::new(
        403,
        "REQUEST_BLOCKED",
        "签名错误",
        "the signature does not match",
    )
}

fn sign_error(chinese: &'static str, english: &'static str) -> Refusal {
    Refusal::new(401, "SIGN_ERROR", chinese, english)
}

fn refusal(error: &AuthenticationError, shape: SignErrorDetail) -> Refusal {
    let mut refusal = Refusal::new(
        error.status(),
        error.code(),
        error.message(),
        error.to_string(),
    );
    if let AuthenticationError::SignMismatch(mismatch) = error {
        let mut detail = json!({
            "field": "signature",
            "location": "authorization",
            "sign_information": {
                "method": mismatch.method,
                "url": mismatch.url,
                "sign_message_length": mismatch.sign_message_length,
                "truncated_sign_message": mismatch.truncated_sign_message,
            },
        });
        let issue = json!("sign not match");
        let (name, value) = match shape {
            SignErrorDetail::Nested => ("detail", json!({ "issue": issue })),
            SignErrorDetail::Flat => ("issue", issue),
        };
        if let Some(detail) = detail.as_object_mut() {
            detail.insert(name.to_owned(), value);
        }
        refusal.detail = Some(detail);
    }
    refusal
}
