//! The sandbox's accounts as settings of the gateway.

use std::sync::Arc;

use kabao_api::AccountId;
use kabao_auth::{ApiV3Key, Certificate, Identity, PrivateKey, PublicKey, Scheme};
use kabao_models::Secret;
use kabao_sandbox::Running;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::DevError;
use crate::config::{AccountSettings, Credentials, PaySettings};

/// Every account of the sandbox, with the sandbox's authority trusted for it and for nothing else.
pub(super) fn of(sandbox: &Running) -> Result<Vec<AccountSettings>, DevError> {
    let roots: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(sandbox.ca_pem().as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|error| unusable("ca.pem", error))?;
    sandbox
        .accounts()
        .into_iter()
        .map(|account| {
            let id = AccountId::new(account.name.as_str())
                .map_err(|error| unusable(&account.name, error))?;
            let base_url = account
                .base_url
                .parse()
                .map_err(|error: http::uri::InvalidUri| unusable(&account.name, error))?;
            Ok(AccountSettings {
                id,
                credentials: credentials(&account)?,
                base_url: Some(base_url),
                extra_roots: roots.clone(),
            })
        })
        .collect()
}

fn credentials(account: &kabao_sandbox::Credentials) -> Result<Credentials, DevError> {
    let given = |member: &str, value: &Option<String>| {
        value
            .clone()
            .ok_or_else(|| unusable(&account.name, format!("{member} is missing")))
    };
    if account.family == "official_account" {
        return Ok(Credentials::OfficialAccount {
            appid: given("appid", &account.appid)?,
            app_secret: Secret::new(given("app_secret", &account.app_secret)?),
        });
    }
    let mchid = given("mchid", &account.mchid)?;
    let keys = || {
        let private_key =
            PrivateKey::from_pem(account.private_key_pem.as_deref().unwrap_or_default())?;
        let certificate =
            Certificate::from_pem(account.certificate_pem.as_deref().unwrap_or_default())?;
        let public_key =
            PublicKey::from_pem(account.public_key_pem.as_deref().unwrap_or_default())?;
        let public_key_id = account
            .public_key_id
            .as_deref()
            .unwrap_or_default()
            .parse()?;
        let signer = Arc::new(private_key.clone());
        Ok(PaySettings {
            identity: Identity::new(Scheme::Merchant, &mchid, *certificate.serial(), signer)?,
            mchid: Some(mchid.clone()),
            private_key,
            certificate_expires: Some(certificate.not_after()),
            public_key: Some((public_key_id, public_key)),
            apiv3_key: account.apiv3_key.as_deref().map(ApiV3Key::new).transpose()?,
        })
    };
    let keys = keys().map_err(|error: kabao_auth::Error| unusable(&account.name, error))?;
    match &account.brand_id {
        None => Ok(Credentials::Merchant(keys)),
        Some(brand_id) => Ok(Credentials::Brand {
            brand_id: brand_id.clone(),
            keys,
        }),
    }
}

fn unusable(what: &str, problem: impl std::fmt::Display) -> DevError {
    DevError::SelfCheck(format!("the sandbox's {what}: {problem}"))
}
