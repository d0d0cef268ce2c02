//! The sandbox's accounts as accounts of the gateway.

use kabao_client::{Client, ConfigurationError, PayCredential, WeChatPayKey};
use kabao_models::Secret;
use kabao_sandbox::{Credentials, Running};

use super::error::DevError;
use crate::config::AccountSettings;
use crate::shared::Shared;

/// Every account of the sandbox whose key it holds; the sandbox's own authority is trusted for it.
pub(super) fn of(sandbox: &Running, shared: &Shared) -> Result<Vec<AccountSettings>, DevError> {
    sandbox
        .accounts()
        .iter()
        .filter_map(|account| one(account, sandbox.ca_pem(), shared).transpose())
        .collect()
}

/// One account of the sandbox; `None` if its private key is with its owner alone, who then signs without a gateway.
pub(super) fn one(
    account: &Credentials,
    ca: &str,
    shared: &Shared,
) -> Result<Option<AccountSettings>, DevError> {
    if account.family != "official_account" && account.private_key_pem.is_none() {
        return Ok(None);
    }
    let unusable =
        |problem: String| DevError::SelfCheck(format!("the sandbox's {}: {problem}", account.name));
    let client = client(account, ca, shared).map_err(|error| unusable(error.to_string()))?;
    Ok(Some(AccountSettings {
        client,
        about: account.base_url.clone(),
        exposes_tokens: false,
        certificate_expires: None,
        fingerprint: String::new(),
    }))
}

fn client(account: &Credentials, ca: &str, shared: &Shared) -> Result<Client, ConfigurationError> {
    let (name, url) = (account.name.as_str(), account.base_url.as_str());
    if account.family == "official_account" {
        let builder = Client::official_account(name)
            .base_url(url)
            .root_certificates(ca)
            .connections(&shared.connections)
            .signing_threads(&shared.signing_threads)
            .quotas(&shared.quotas)
            .appid(text(&account.appid))
            .app_secret(text(&account.app_secret));
        return builder.build();
    }
    let credential = PayCredential {
        number: text(&account.mchid),
        private_key: Secret::new(text(&account.private_key_pem)),
        certificate: account.certificate_pem.clone(),
        serial_no: account.serial_no.clone(),
        apiv3_key: account.apiv3_key.clone().map(Secret::new),
        wechat_pay_key: Some(WeChatPayKey {
            id: text(&account.public_key_id),
            public_key: text(&account.public_key_pem),
        }),
        ..PayCredential::default()
    };
    match &account.brand_id {
        None => Client::merchant(name)
            .base_url(url)
            .root_certificates(ca)
            .connections(&shared.connections)
            .signing_threads(&shared.signing_threads)
            .quotas(&shared.quotas)
            .credential(credential)
            .build(),
        Some(brand_id) => {
            let builder = Client::brand(name)
                .base_url(url)
                .root_certificates(ca)
                .connections(&shared.connections)
                .signing_threads(&shared.signing_threads)
                .quotas(&shared.quotas)
                .brand_id(brand_id);
            // A brand without a service provider's number calls directly.
            let builder = match account.mchid {
                Some(_) => builder.provider(credential),
                None => builder.direct(credential),
            };
            builder.build()
        }
    }
}

/// An absent value reads as empty, which the client refuses by name.
fn text(value: &Option<String>) -> String {
    value.clone().unwrap_or_default()
}
