//! `[[accounts]]`: one set of upstream credentials each.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use kabao_api::AccountId;
use kabao_auth::{ApiV3Key, Identity, PrivateKey, PublicKey, PublicKeyId, Scheme};
use kabao_models::{Family, Secret};
use rustls_pki_types::CertificateDer;

use super::account_files as files;
use super::document::{Node, Value};
use super::section::{Located, Section};

/// One `[[accounts]]` entry with its keys loaded.
#[derive(Clone, Debug)]
pub struct AccountSettings {
    /// `id`: the name that callers use, unique.
    pub id: AccountId,
    /// What the account proves itself with.
    pub credentials: Credentials,
    /// `base_url` in place of WeChat's own host, for a sandbox or a proxy.
    pub base_url: Option<http::Uri>,
    /// `extra_ca_file`: certificate authorities that are trusted besides the public ones.
    pub extra_roots: Vec<CertificateDer<'static>>,
}

/// What an account proves itself with.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// `family = "merchant"`
    Merchant(PaySettings),
    /// `family = "brand"`
    Brand {
        /// `brand_id`
        brand_id: String,
        /// The keys. They are the service provider's if `mchid` is given, the brand's own if not.
        keys: PaySettings,
    },
    /// `family = "official_account"`
    OfficialAccount {
        /// `appid`
        appid: String,
        /// `app_secret_file` or `app_secret_env`
        app_secret: Secret,
    },
}

/// The keys of an account of WeChat Pay.
#[derive(Clone, Debug)]
pub struct PaySettings {
    /// `mchid`; absent for a brand that calls on its own.
    pub mchid: Option<String>,
    /// Scheme, number, certificate serial and signer.
    pub identity: Identity,
    /// `private_key_file`, which also decrypts what WeChat Pay encrypts for the account.
    pub private_key: PrivateKey,
    /// End of validity of `certificate_file` in seconds since 1970; unknown if only `serial_no` is given.
    pub certificate_expires: Option<i64>,
    /// `public_key_id` and `public_key_file`: WeChat Pay's key in public-key mode.
    pub public_key: Option<(PublicKeyId, PublicKey)>,
    /// `apiv3_key_file` or `apiv3_key_env`: opens notifications and downloaded platform certificates.
    pub apiv3_key: Option<ApiV3Key>,
}

impl AccountSettings {
    /// The family of the account.
    pub fn family(&self) -> Family {
        match self.credentials {
            Credentials::Merchant(_) => Family::Merchant,
            Credentials::Brand { .. } => Family::Brand,
            Credentials::OfficialAccount { .. } => Family::OfficialAccount,
        }
    }
}

/// Reads every `[[accounts]]` entry.
pub(super) fn read_all(root: &mut Section<'_>) -> Vec<AccountSettings> {
    let nodes = root.tables("accounts");
    if nodes.is_empty() {
        root.fault(
            "accounts",
            "there is none; a gateway without accounts answers nothing",
        );
    }
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut accounts = Vec::new();
    for (index, node) in nodes.into_iter().enumerate() {
        let number = index + 1;
        let Node { value, origin } = node;
        let Value::Table(table) = value else {
            let message = format!("must be a table, not {}", value.kind());
            root.context()
                .faults
                .add(&origin, format!("accounts[#{number}]"), message);
            continue;
        };
        let name = match table.get("id") {
            Some(Node {
                value: Value::String(id),
                ..
            }) if !id.is_empty() => id.clone(),
            _ => format!("#{number}"),
        };
        let path = format!("accounts[{name}]");
        let section = Section::new(path, origin, table, root.context());
        if let Some(first) = seen.insert(name, number) {
            section.fault("id", format!("account #{first} has the same id"));
        }
        accounts.extend(read(section));
    }
    accounts
}

const FAMILIES: [(&str, Family); 3] = [
    ("merchant", Family::Merchant),
    ("brand", Family::Brand),
    ("official_account", Family::OfficialAccount),
];

fn read(mut section: Section<'_>) -> Option<AccountSettings> {
    let id = section.required_string("id").and_then(|id| {
        AccountId::new(id.value.as_str())
            .map_err(|error| {
                let why = error
                    .violations()
                    .first()
                    .map_or_else(|| error.message(), |violation| violation.description.as_str());
                section.reject(&id, why);
            })
            .ok()
    });
    refuse_inline_secrets(&mut section);
    if !section.has("family") {
        section.fault(
            "family",
            "is required: `merchant`, `brand` or `official_account`",
        );
    }
    let family = section.word("family", &FAMILIES);
    let base_url = section
        .string("base_url")
        .and_then(|url| https_origin(&section, &url));
    let extra_roots = files::certificates(&mut section, "extra_ca_file");
    let credentials = match family {
        Some(family) => {
            refuse_other_families(&mut section, family);
            match family {
                Family::Merchant => merchant(&mut section),
                Family::Brand => brand(&mut section),
                Family::OfficialAccount => official_account(&mut section),
            }
        }
        None => {
            // Without a family nobody knows what belongs here; only outright strangers are reported.
            for key in FAMILY_KEYS.iter().flat_map(|(_, keys)| keys.iter()) {
                section.ignore(key);
            }
            None
        }
    };
    section.finish();
    Some(AccountSettings {
        id: id?,
        credentials: credentials?,
        base_url,
        extra_roots: extra_roots.unwrap_or_default(),
    })
}

const PAY_KEYS: [&str; 8] = [
    "mchid",
    "private_key_file",
    "certificate_file",
    "serial_no",
    "public_key_file",
    "public_key_id",
    "apiv3_key_file",
    "apiv3_key_env",
];
const FAMILY_KEYS: [(&[Family], &[&str]); 3] = [
    (&[Family::Merchant, Family::Brand], &PAY_KEYS),
    (&[Family::Brand], &["brand_id"]),
    (
        &[Family::OfficialAccount],
        &["appid", "app_secret_file", "app_secret_env"],
    ),
];

fn refuse_other_families(section: &mut Section<'_>, family: Family) {
    for (families, keys) in FAMILY_KEYS {
        if families.contains(&family) {
            continue;
        }
        let owners: Vec<_> = families
            .iter()
            .map(|family| format!("`{}`", family.as_str()))
            .collect();
        let why = format!(
            "belongs to family {}, this account is `{}`",
            owners.join(" or "),
            family.as_str()
        );
        for key in keys {
            section.refuse(key, &why);
        }
    }
}

fn refuse_inline_secrets(section: &mut Section<'_>) {
    for (key, instead) in [
        ("app_secret", "`app_secret_file` or `app_secret_env`"),
        ("apiv3_key", "`apiv3_key_file` or `apiv3_key_env`"),
        ("private_key", "`private_key_file`"),
    ] {
        section.refuse(
            key,
            &format!("a secret does not stand in the configuration itself; use {instead}"),
        );
    }
}

fn merchant(section: &mut Section<'_>) -> Option<Credentials> {
    let mchid = number(section, "mchid");
    let keys = pay(section, Scheme::Merchant, mchid.as_ref())?;
    Some(Credentials::Merchant(PaySettings {
        mchid: Some(mchid?.value),
        ..keys
    }))
}

/// A service provider signs with its own `mchid`; without one, the brand signs for itself.
fn brand(section: &mut Section<'_>) -> Option<Credentials> {
    let brand_id = number(section, "brand_id");
    let (keys, mchid) = if section.has("mchid") {
        let mchid = number(section, "mchid");
        let keys = pay(section, Scheme::Merchant, mchid.as_ref());
        (keys, Some(mchid?.value))
    } else {
        section.ignore("mchid");
        (pay(section, Scheme::Brand, brand_id.as_ref()), None)
    };
    Some(Credentials::Brand {
        brand_id: brand_id?.value,
        keys: PaySettings { mchid, ..keys? },
    })
}

fn pay(
    section: &mut Section<'_>,
    scheme: Scheme,
    number: Option<&Located<String>>,
) -> Option<PaySettings> {
    let private_key = files::private_key(section);
    let certificate = files::own_certificate(section, private_key.as_ref());
    let public_key = files::public_key(section);
    let apiv3_key = files::apiv3_key(section);
    let in_public_key_mode = section.has("public_key_file") || section.has("public_key_id");
    let has_apiv3_key = section.has("apiv3_key_file") || section.has("apiv3_key_env");
    if scheme == Scheme::Brand && !in_public_key_mode {
        section.fault(
            "public_key_file",
            "is required, with `public_key_id`: a brand that calls on its own (no `mchid`) has no platform certificates",
        );
    } else if !in_public_key_mode && !has_apiv3_key {
        section.fault(
            "",
            "nothing to verify WeChat Pay's answers with: give `public_key_file` and `public_key_id`, or `apiv3_key_file` to download platform certificates",
        );
    }
    let (serial, certificate_expires) = certificate?;
    let private_key = private_key?;
    let number = number?;
    let identity = Identity::new(scheme, &number.value, serial, Arc::new(private_key.clone()))
        .map_err(|error| section.reject(number, error.to_string()))
        .ok()?;
    Some(PaySettings {
        mchid: None,
        identity,
        private_key,
        certificate_expires,
        public_key: public_key?,
        apiv3_key: apiv3_key?,
    })
}

fn official_account(section: &mut Section<'_>) -> Option<Credentials> {
    let appid = section.required_string("appid");
    if let Some(appid) = &appid
        && !(appid.value.starts_with("wx") && is_plain(&appid.value))
    {
        section.reject(
            appid,
            "is not an appid: `wx` followed by letters and digits",
        );
    }
    let app_secret = files::secret(section, "app_secret_file", "app_secret_env", true)?;
    Some(Credentials::OfficialAccount {
        appid: appid?.value,
        app_secret: app_secret?,
    })
}

/// A merchant number or brand id: digits, in a string.
fn number(section: &mut Section<'_>, key: &'static str) -> Option<Located<String>> {
    let number = section.required_string(key)?;
    if number.value.len() > 32 || !number.value.bytes().all(|byte| byte.is_ascii_digit()) {
        section.reject(&number, "must be 1 to 32 digits, in quotation marks");
        return None;
    }
    Some(number)
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// `https://host` or `https://host:port`.
fn https_origin(section: &Section<'_>, url: &Located<String>) -> Option<http::Uri> {
    let parsed = url.value.parse::<http::Uri>().ok().filter(|uri| {
        uri.scheme_str() == Some("https")
            && uri.host().is_some_and(|host| !host.is_empty())
            && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
            && matches!(uri.path(), "" | "/")
            && uri.query().is_none()
    });
    if parsed.is_none() {
        section.reject(
            url,
            "must be `https://host` or `https://host:port`, without a path",
        );
    }
    parsed
}

/// Re-exported for the readers of files.
pub(super) type Path = Located<PathBuf>;
