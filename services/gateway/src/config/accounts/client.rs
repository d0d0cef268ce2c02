//! The client that an entry makes, by the family of the account.

use kabao_client::Client;

use super::credential::{describe, pay};
use crate::config::account::AccountSettings;
use crate::config::material::Material;
use crate::config::upstream::Upstream;
use crate::config::verdict::verdict;

/// What becomes of an entry.
pub(super) enum Built {
    /// The account that is served already: nothing of it has changed.
    Known(AccountSettings),
    New(New),
}

pub(super) struct New {
    pub(super) client: Client,
    pub(super) about: String,
    pub(super) certificate_expires: Option<i64>,
    pub(super) fingerprint: String,
}

/// What accounts of all families may have.
struct Common {
    base_url: Option<String>,
    backup_base_url: Option<String>,
    root_certificates: Option<String>,
    upstream: Upstream,
    fingerprint: String,
}

impl Common {
    /// Reads it; an `Err` is the account as it is served, if this is the last that is read of it and nothing of it has
    /// changed.
    fn read(
        material: &mut Material<'_, '_>,
        account: &str,
        upstream: &Upstream,
    ) -> Result<Self, Box<AccountSettings>> {
        let base_url = material.text("base_url");
        let backup_base_url = material.text("backup_base_url");
        let root_certificates = material.file("extra_ca_file");
        let upstream = upstream.of(material);
        let fingerprint = material.fingerprint();
        let present = material.present().accounts.get(account);
        match present.filter(|present| present.fingerprint == fingerprint) {
            Some(known) if !material.has_mistakes() => Err(Box::new(known.clone())),
            _ => Ok(Self {
                base_url,
                backup_base_url,
                root_certificates,
                upstream,
                fingerprint,
            }),
        }
    }
}

impl Common {
    /// Adds to what people may see of an account.
    fn about(&self, about: String) -> String {
        match &self.upstream.proxy {
            Some(proxy) => format!("{about}, through the proxy {}", proxy.address()),
            None => about,
        }
    }
}

/// Sets what the builders of all families have.
macro_rules! with {
    ($builder:expr, $common:expr, $material:expr) => {{
        let shared = &$material.present().shared;
        let mut builder = $builder
            .connections(&shared.connections)
            .signing_threads(&shared.signing_threads)
            .quotas(&shared.quotas)
            .settings($common.upstream.settings);
        if let Some(proxy) = &$common.upstream.proxy {
            builder = builder.proxy(proxy);
        }
        if let Some(url) = $common.base_url {
            builder = builder.base_url(url);
        }
        if let Some(url) = $common.backup_base_url {
            builder = builder.backup_base_url(url);
        }
        if let Some(pem) = $common.root_certificates {
            builder = builder.root_certificates(pem);
        }
        builder
    }};
}

pub(super) fn merchant(
    material: &mut Material<'_, '_>,
    account: &str,
    upstream: &Upstream,
) -> Option<Built> {
    let mchid = material.number("mchid");
    let (credential, serials, certificate_expires) = pay(material, mchid);
    let common = match Common::read(material, account, upstream) {
        Ok(common) => common,
        Err(known) => return Some(Built::Known(*known)),
    };
    let about = common.about(describe(&credential, &serials, "mchid"));
    let builder = with!(Client::merchant(account), common, material).credential(credential);
    Some(Built::New(New {
        client: verdict(material, builder.build())?,
        about,
        certificate_expires,
        fingerprint: common.fingerprint,
    }))
}

/// A service provider signs with its own `mchid`; without one, the brand signs for itself.
pub(super) fn brand(
    material: &mut Material<'_, '_>,
    account: &str,
    upstream: &Upstream,
) -> Option<Built> {
    let brand_id = material.number("brand_id");
    let has_provider = material.has("mchid");
    let number = if has_provider {
        material.number("mchid")
    } else {
        material.ignore("mchid");
        brand_id.clone()
    };
    let (credential, serials, certificate_expires) = pay(material, number);
    let common = match Common::read(material, account, upstream) {
        Ok(common) => common,
        Err(known) => return Some(Built::Known(*known)),
    };
    let way = common.about(String::new());
    let builder = with!(Client::brand(account), common, material).brand_id(brand_id.clone());
    let (builder, about) = if has_provider {
        let about = describe(&credential, &serials, "mchid");
        let about = format!("brand_id {brand_id}, {about}");
        (builder.provider(credential), about)
    } else {
        let about = describe(&credential, &serials, "brand_id");
        (builder.direct(credential), about)
    };
    let about = format!("{about}{way}");
    Some(Built::New(New {
        client: verdict(material, builder.build())?,
        about,
        certificate_expires,
        fingerprint: common.fingerprint,
    }))
}

pub(super) fn official_account(
    material: &mut Material<'_, '_>,
    account: &str,
    upstream: &Upstream,
    exposes_tokens: bool,
) -> Option<Built> {
    let appid = material.required("appid");
    let plain = appid.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let named = appid.starts_with("wx") && plain;
    if !named && !appid.is_empty() {
        material.mistake(
            "appid",
            "is not an appid: `wx` followed by letters and digits",
        );
    }
    let app_secret = material.secret("app_secret_file", "app_secret_env", true);
    let common = match Common::read(material, account, upstream) {
        Ok(common) => common,
        Err(known) => return Some(Built::Known(*known)),
    };
    let about = common.about(format!("appid {appid}"));
    let builder = with!(Client::official_account(account), common, material)
        .appid(appid)
        .app_secret(app_secret.unwrap_or_default())
        .expose_tokens(exposes_tokens);
    Some(Built::New(New {
        client: verdict(material, builder.build())?,
        about,
        certificate_expires: None,
        fingerprint: common.fingerprint,
    }))
}
