//! `[[accounts]]`: one set of upstream credentials each.
//!
//! This module knows which keys belong to which family and where their values come from. Whether the values are any
//! good is for the client to say: it is built here, and its verdict is translated back into keys and files.

use std::collections::BTreeMap;
use std::path::Path;

use kabao_api::{AccountId, Family};
use kabao_client::{Client, ConfigurationError, PayCredential, WeChatPayKey, WechatpaySerial};

use super::document::{Node, Origin, Value};
use super::exposure::Exposure;
use super::fixed;
use super::material::Material;
use super::modes::Modes;
use super::own_keys::OwnKeys;
use super::section::{Section, Surroundings};
use super::upstream::{self, Upstream};

/// One `[[accounts]]` entry, ready to be called.
#[derive(Clone, Debug)]
pub struct AccountSettings {
    /// The client that its credentials make, by the name that callers use (`id`, unique).
    pub client: Client,
    /// Numbers and key ids for people; holds no secret.
    pub about: String,
    /// `expose_tokens`, default false: whether callers may see access token and tickets. Only official accounts have any.
    pub exposes_tokens: bool,
    /// The end of validity of `certificate_file` in seconds since 1970, if there is one.
    pub certificate_expires: Option<i64>,
    /// A digest of everything that it was made of; empty if it was not read from files.
    pub(crate) fingerprint: String,
}

impl AccountSettings {
    /// Serves a client that was made without files, and shows callers no token.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            about: String::new(),
            exposes_tokens: false,
            certificate_expires: None,
            fingerprint: String::new(),
        }
    }
}

/// Reads every `[[accounts]]` entry, and those of the files in `folder`, which stand among them; `exposure` says
/// whether they may let callers see their tokens, and `upstream` what they have unless they say otherwise.
pub(super) fn read_all(
    root: &mut Section<'_>,
    exposure: Exposure,
    folder: Option<&Path>,
    modes: Modes,
    upstream: &Upstream,
) -> Vec<AccountSettings> {
    let nodes = root.tables("accounts");
    if nodes.is_empty() {
        root.mistake(
            "accounts",
            "there is none; a gateway without accounts answers nothing",
        );
    }
    let outer = root.surroundings();
    let inner = Surroundings {
        folder: folder.unwrap_or(outer.folder),
        ..*outer
    };
    let mut seen: BTreeMap<String, (usize, Origin)> = BTreeMap::new();
    let mut accounts = Vec::new();
    for (index, node) in nodes.into_iter().enumerate() {
        let number = index + 1;
        let Node { value, origin } = node;
        let table = match value {
            Value::Table(table) => table,
            Value::Unreadable => continue,
            value => {
                let message = format!("must be a table, not {}", value.kind());
                root.surroundings()
                    .mistakes
                    .add(&origin, format!("accounts[#{number}]"), message);
                continue;
            }
        };
        let name = match table.get("id") {
            Some(Node {
                value: Value::String(id),
                ..
            }) if !id.is_empty() => id.clone(),
            _ => format!("#{number}"),
        };
        let path = format!("accounts[{name}]");
        let entry = format!("{}\n{}", fixed::text(&table), upstream.fingerprint);
        let surroundings = match origin {
            Origin::Other { .. } => &inner,
            _ => outer,
        };
        let first = seen.insert(name, (number, origin.clone()));
        let section = Section::new(path, origin, table, surroundings);
        match first {
            Some((_, first @ Origin::Other { .. })) => {
                let place = outer.mistakes.place(&first);
                section.mistake("id", format!("the account in {place} has the same id"));
            }
            Some((first, _)) => {
                section.mistake("id", format!("account #{first} has the same id"));
            }
            None => {}
        }
        accounts.extend(read(section, entry, exposure, modes, upstream));
    }
    accounts
}

const FAMILIES: [(&str, Family); 3] = [
    ("merchant", Family::Merchant),
    ("brand", Family::Brand),
    ("official_account", Family::OfficialAccount),
];

const PAY: &[&str] = &[
    "mchid",
    "private_key_file",
    "private_key_uri",
    "certificate_file",
    "serial_no",
    "keys",
    "public_key_file",
    "public_key_id",
    "apiv3_key_file",
    "apiv3_key_env",
    "wechatpay_serial",
    "platform_ca_file",
];

/// Which keys belong to which families; `id`, `family`, `base_url`, `backup_base_url`, `extra_ca_file` and those
/// of `[upstream]` belong to all.
const KEYS: [(&[Family], &[&str]); 3] = [
    (&[Family::Merchant, Family::Brand], PAY),
    (&[Family::Brand], &["brand_id"]),
    (
        &[Family::OfficialAccount],
        &[
            "appid",
            "app_secret_file",
            "app_secret_env",
            "expose_tokens",
        ],
    ),
];

/// `entry` is all that the account is made of, without the contents of files.
fn read(
    mut section: Section<'_>,
    entry: String,
    exposure: Exposure,
    modes: Modes,
    upstream: &Upstream,
) -> Option<AccountSettings> {
    let id = section.required_string("id").and_then(|id| {
        AccountId::new(id.value.as_str())
            .map_err(|error| {
                let why = error.violations().first().map_or_else(
                    || error.message(),
                    |violation| violation.description.as_str(),
                );
                section.reject(&id, why);
            })
            .ok()
    });
    for (key, instead) in [
        ("app_secret", "`app_secret_file` or `app_secret_env`"),
        ("apiv3_key", "`apiv3_key_file` or `apiv3_key_env`"),
        ("private_key", "`private_key_file`"),
    ] {
        let why = format!("a secret does not stand in the configuration itself; use {instead}");
        section.refuse(key, &why);
    }
    if !section.has("family") {
        section.mistake(
            "family",
            "is required: `merchant`, `brand` or `official_account`",
        );
    }
    let Some(family) = section.word("family", &FAMILIES) else {
        // Without a family nobody knows what belongs here; only outright strangers are reported.
        let anywhere = ["base_url", "backup_base_url", "extra_ca_file"];
        let of_families = KEYS.iter().flat_map(|(_, keys)| *keys);
        for key in of_families.chain(&anywhere).chain(&upstream::KEYS) {
            section.ignore(key);
        }
        section.finish();
        return None;
    };
    refuse_keys_of_others(&mut section, family);
    let exposes_tokens =
        family == Family::OfficialAccount && section.boolean("expose_tokens", false);
    if exposes_tokens && let Some(fault) = exposure.fault() {
        section.mistake("expose_tokens", fault);
    }

    let mut material = Material::new(&mut section, entry, modes);
    // What is wrong with the id has been told; the rest is looked at all the same.
    let name = id.as_ref().map_or("unnamed", AccountId::as_str);
    let built = match family {
        Family::Merchant => merchant(&mut material, name, upstream),
        Family::Brand => brand(&mut material, name, upstream),
        Family::OfficialAccount => official_account(&mut material, name, upstream, exposes_tokens),
    };
    section.finish();
    id?;
    match built? {
        Built::Known(known) => Some(known),
        Built::New(New {
            client,
            about,
            certificate_expires,
            fingerprint,
        }) => Some(AccountSettings {
            client,
            about,
            exposes_tokens,
            certificate_expires,
            fingerprint,
        }),
    }
}

fn refuse_keys_of_others(section: &mut Section<'_>, family: Family) {
    for (families, keys) in KEYS {
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

/// What becomes of an entry.
enum Built {
    /// The account that is served already: nothing of it has changed.
    Known(AccountSettings),
    New(New),
}

struct New {
    client: Client,
    about: String,
    certificate_expires: Option<i64>,
    fingerprint: String,
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

fn merchant(material: &mut Material<'_, '_>, account: &str, upstream: &Upstream) -> Option<Built> {
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
fn brand(material: &mut Material<'_, '_>, account: &str, upstream: &Upstream) -> Option<Built> {
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

fn official_account(
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

/// The credential, the serial numbers of its certificates, and when the last of them ends.
fn pay(
    material: &mut Material<'_, '_>,
    number: String,
) -> (PayCredential, Vec<String>, Option<i64>) {
    let keys = OwnKeys::read(material, &number);
    let (serials, ends) = keys.certificates();
    let OwnKeys { first, further } = keys;
    let (key_file, key_id) = ("public_key_file", "public_key_id");
    let public_key = material.file(key_file);
    let id = material.text(key_id);
    let wechat_pay_key = match (material.has(key_file), material.has(key_id)) {
        (false, false) => None,
        (has_file, has_id) => {
            if !has_id {
                material.mistake(key_id, "is required beside `public_key_file`");
            }
            if !has_file {
                material.mistake(key_file, "is required beside `public_key_id`");
            }
            Some(WeChatPayKey {
                id: id.unwrap_or_default(),
                public_key: public_key.unwrap_or_default(),
            })
        }
    };
    let credential = PayCredential {
        number,
        private_key: first.private_key,
        signer: first.signer,
        certificate: first.certificate,
        serial_no: first.serial_no,
        further_keys: further,
        apiv3_key: material.secret("apiv3_key_file", "apiv3_key_env", false),
        wechat_pay_key,
        wechatpay_serial: material.word(
            "wechatpay_serial",
            &[
                ("public_key", WechatpaySerial::PublicKey),
                ("certificate", WechatpaySerial::Certificate),
            ],
        ),
        platform_ca: material.file("platform_ca_file"),
    };
    (credential, serials, ends)
}

/// What people may see of a credential.
fn describe(credential: &PayCredential, serials: &[String], number: &str) -> String {
    let mut about = format!("{number} {}", credential.number);
    if let Some((first, others)) = serials.split_first() {
        about.push_str(&format!(", certificate {first}"));
        for other in others {
            about.push_str(&format!(" and {other}"));
        }
    }
    match &credential.wechat_pay_key {
        Some(key) => about.push_str(&format!(", verifies with {}", key.id)),
        None => about.push_str(", verifies with platform certificates"),
    }
    about
}

/// Where the values of the client's options come from.
const OPTIONS: [(&str, &[&str]); 8] = [
    ("private_key", &["private_key_file", "private_key_uri"]),
    ("certificate", &["certificate_file"]),
    ("public_key", &["public_key_file"]),
    ("apiv3_key", &["apiv3_key_file", "apiv3_key_env"]),
    ("app_secret", &["app_secret_file", "app_secret_env"]),
    ("root_certificates", &["extra_ca_file"]),
    ("platform_ca", &["platform_ca_file"]),
    (
        "proxy_password",
        &["proxy_password_file", "proxy_password_env"],
    ),
];

/// What may stand in place of an absent key. If that was given and is faulty, the absence is no mistake of its own.
const ALTERNATIVES: [(&str, &[&str]); 2] = [
    ("serial_no", &["certificate_file"]),
    (
        "public_key_id",
        &["apiv3_key_file", "apiv3_key_env", "public_key_file"],
    ),
];

/// Translates the client's mistakes into ours; about a value that could not even be read, enough was said.
fn verdict<C>(material: &Material<'_, '_>, built: Result<C, ConfigurationError>) -> Option<C> {
    let error = match built {
        Ok(client) => return (!material.has_mistakes()).then_some(client),
        Err(error) => error,
    };
    complain_about(material, &error);
    None
}

/// Tells what the client has found, by our keys.
pub(super) fn complain_about(material: &Material<'_, '_>, error: &ConfigurationError) {
    for mistake in error.faults() {
        let option = mistake
            .field
            .strip_prefix("direct.")
            .unwrap_or(&mistake.field);
        if material.has("keys") && is_of_own_keys(option) {
            // Each key has been looked at alone; this is about them together.
            material.complain(
                "keys",
                &format!("{} {}", own_key(option), mistake.description),
            );
            continue;
        }
        let keys: &[&str] = OPTIONS
            .iter()
            .find(|(name, _)| *name == option)
            .map_or(std::slice::from_ref(&option), |(_, keys)| keys);
        let key = keys
            .iter()
            .find(|key| material.has(key))
            .or_else(|| keys.first())
            .copied()
            .unwrap_or(option);
        let excused = !material.has(key)
            && ALTERNATIVES
                .iter()
                .filter(|(absent, _)| *absent == key)
                .any(|(_, given)| given.iter().any(|given| material.is_faulty(given)));
        if !excused {
            material.complain(key, &mistake.description);
        }
    }
}

/// Names an option of one of several keys as they are counted in the configuration.
fn own_key(option: &str) -> String {
    let further = option
        .strip_prefix("further_keys[")
        .and_then(|rest| rest.split_once("]."))
        .and_then(|(index, field)| Some((index.parse::<usize>().ok()?, field)));
    match further {
        Some((index, field)) => format!("#{}: {field}", index.saturating_add(2)),
        None => format!("#1: {option}"),
    }
}

fn is_of_own_keys(option: &str) -> bool {
    let own = ["private_key", "certificate", "serial_no"];
    own.contains(&option) || option.starts_with("further_keys")
}
