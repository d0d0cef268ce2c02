//! Accounts: whose credentials the sandbox accepts.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex};

use kabao_models::Family;
use serde::{Deserialize, Serialize};

use crate::error::StartError;
use crate::keys::{KeyMaterial, KeyPhase, Keyring};
use crate::random;
use crate::sync::lock;

/// An account that the sandbox shall know.
///
/// Read from text of the form `NAME=FAMILY`, such as `acme=merchant`, its numbers are made up from
/// the name, the same ones every time. FAMILY is `merchant`, `brand` (through a service provider),
/// `brand_direct` or `official_account`.
#[derive(Clone)]
pub struct AccountConfig {
    pub(crate) name: String,
    pub(crate) family: Family,
    pub(crate) mchid: Option<String>,
    pub(crate) brand_id: Option<String>,
    pub(crate) appid: Option<String>,
    pub(crate) app_secret: Option<String>,
    pub(crate) apiv3_key: Option<String>,
    pub(crate) keys: Option<KeyMaterial>,
    /// Set where the private key stays with the account's owner.
    pub(crate) owner: Option<OwnersKey>,
    /// Whether the account joins a running sandbox.
    pub(crate) added: bool,
    /// Whether the account was added by an earlier run.
    pub(crate) again: bool,
}

/// What the owner of an account shows of the key that never leaves them.
#[derive(Clone)]
pub(crate) enum OwnersKey {
    /// A certificate, whoever issued it.
    Certificate(String),
    /// A public key, for which a certificate is issued.
    PublicKey(String),
    /// What an earlier run wrote into the folder of the account.
    Earlier,
}

impl AccountConfig {
    /// An account of the merchant family.
    pub fn merchant(name: &str, mchid: &str) -> Self {
        Self {
            mchid: Some(mchid.to_owned()),
            ..Self::new(name, Family::Merchant)
        }
    }

    /// A service provider that acts for one brand.
    pub fn brand(name: &str, mchid: &str, brand_id: &str) -> Self {
        Self {
            mchid: Some(mchid.to_owned()),
            brand_id: Some(brand_id.to_owned()),
            ..Self::new(name, Family::Brand)
        }
    }

    /// A brand that calls directly: paths under `/brand/`, public-key mode only.
    pub fn brand_direct(name: &str, brand_id: &str) -> Self {
        Self {
            brand_id: Some(brand_id.to_owned()),
            ..Self::new(name, Family::Brand)
        }
    }

    /// An official account.
    pub fn official_account(name: &str, appid: &str) -> Self {
        Self {
            appid: Some(appid.to_owned()),
            ..Self::new(name, Family::OfficialAccount)
        }
    }

    fn new(name: &str, family: Family) -> Self {
        Self {
            name: name.to_owned(),
            family,
            mchid: None,
            brand_id: None,
            appid: None,
            app_secret: None,
            apiv3_key: None,
            keys: None,
            owner: None,
            added: false,
            again: false,
        }
    }

    /// Makes an account again that an earlier run added.
    pub(crate) fn again(name: &str, earlier: Credentials, owner_holds_key: bool) -> Self {
        let family = match earlier.family.as_str() {
            "brand" => Family::Brand,
            "official_account" => Family::OfficialAccount,
            _ => Family::Merchant,
        };
        Self {
            mchid: earlier.mchid,
            brand_id: earlier.brand_id,
            appid: earlier.appid,
            owner: owner_holds_key.then_some(OwnersKey::Earlier),
            added: true,
            again: true,
            ..Self::new(name, family)
        }
    }

    /// Tells whether nothing that lies in a folder can belong to the account.
    pub(crate) fn is_new(&self) -> bool {
        self.added && !self.again
    }

    /// Uses these keys instead of new ones.
    #[must_use]
    pub fn with_keys(mut self, keys: KeyMaterial) -> Self {
        self.keys = Some(keys);
        self
    }

    /// Accepts requests that are signed with the private key of this certificate (PEM), which stays
    /// with its owner.
    #[must_use]
    pub fn with_certificate(mut self, pem: &str) -> Self {
        self.owner = Some(OwnersKey::Certificate(pem.to_owned()));
        self
    }

    /// Issues a certificate for this public key (PEM), whose private half stays with its owner.
    #[must_use]
    pub fn with_public_key(mut self, pem: &str) -> Self {
        self.owner = Some(OwnersKey::PublicKey(pem.to_owned()));
        self
    }

    /// Uses this APIv3 key, 32 ASCII letters and digits, instead of a new one.
    #[must_use]
    pub fn with_apiv3_key(mut self, key: &str) -> Self {
        self.apiv3_key = Some(key.to_owned());
        self
    }

    /// Uses this AppSecret instead of a new one.
    #[must_use]
    pub fn with_app_secret(mut self, secret: &str) -> Self {
        self.app_secret = Some(secret.to_owned());
        self
    }

    /// Adds an AppID to an account of the WeChat Pay families.
    #[must_use]
    pub fn with_appid(mut self, appid: &str) -> Self {
        self.appid = Some(appid.to_owned());
        self
    }
}

/// The folder of the sandbox's own keys; no account may be called so.
pub(crate) const SERVER: &str = "server";

/// Refuses names that cannot be a folder of their own.
pub(crate) fn check_name(name: &str) -> Result<(), StartError> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let framed = !name.starts_with('-') && !name.ends_with('-');
    let sized = (1..=63).contains(&name.len());
    if name == SERVER || !sized || !framed || !name.bytes().all(plain) {
        return Err(StartError::account(
            name,
            "a name has 1 to 63 lower-case letters, digits and hyphens, no hyphen at its ends, and is not `server`",
        ));
    }
    Ok(())
}

impl FromStr for AccountConfig {
    type Err = StartError;

    fn from_str(text: &str) -> Result<Self, StartError> {
        let Some((name, family)) = text.split_once('=') else {
            return Err(StartError::account(
                text,
                "write NAME=FAMILY, such as acme=merchant",
            ));
        };
        check_name(name)?;
        let invented = Invented::of(name);
        match family {
            "merchant" => Ok(Self::merchant(name, &invented.mchid()).with_appid(&invented.appid())),
            "brand" => Ok(Self::brand(name, &invented.mchid(), &invented.brand_id())
                .with_appid(&invented.appid())),
            "brand_direct" => {
                Ok(Self::brand_direct(name, &invented.brand_id()).with_appid(&invented.appid()))
            }
            "official_account" => Ok(Self::official_account(name, &invented.appid())),
            other => Err(StartError::account(
                name,
                format!(
                    "`{other}` is no family; there are merchant, brand, brand_direct and official_account"
                ),
            )),
        }
    }
}

/// Numbers for an account whose owner has none, made from its name so that they stay the same.
struct Invented(u64);

impl Invented {
    /// FNV-1a: short, spread evenly, and the same in every release.
    fn of(name: &str) -> Self {
        Self(name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        }))
    }

    fn mchid(&self) -> String {
        format!("16{:08}", self.0 % 100_000_000)
    }

    fn brand_id(&self) -> String {
        format!("2{:08}", self.0 % 100_000_000)
    }

    fn appid(&self) -> String {
        format!("wx{:016x}", self.0)
    }
}

impl fmt::Debug for AccountConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountConfig")
            .field("name", &self.name)
            .field("family", &self.family)
            .finish_non_exhaustive()
    }
}

/// Everything that a client of one account needs; also what `account.json` and the PEM files hold.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// The name of the account, such as `demo-merchant`.
    #[serde(skip)]
    pub name: String,
    /// `merchant`, `brand` or `official_account`.
    pub family: String,
    /// The merchant number; for a brand account the service provider's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mchid: Option<String>,
    /// The brand id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand_id: Option<String>,
    /// The AppID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appid: Option<String>,
    /// The serial number of the API certificate, 40 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial_no: Option<String>,
    /// The id of the WeChat Pay public key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key_id: Option<String>,
    /// The APIv3 key, 32 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apiv3_key: Option<String>,
    /// The AppSecret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_secret: Option<String>,
    /// Where the sandbox listens.
    pub base_url: String,
    /// `apiclient_key.pem`: the private key, PKCS#8; absent where only the owner has it.
    #[serde(skip)]
    pub private_key_pem: Option<String>,
    /// `apiclient_cert.pem`: the API certificate.
    #[serde(skip)]
    pub certificate_pem: Option<String>,
    /// `pub_key.pem`: the WeChat Pay public key.
    #[serde(skip)]
    pub public_key_pem: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("name", &self.name)
            .field("family", &self.family)
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

/// An account while the sandbox runs.
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) family: Family,
    pub(crate) mchid: Option<String>,
    pub(crate) brand_id: Option<String>,
    pub(crate) appid: Option<String>,
    pub(crate) app_secret: Option<String>,
    pub(crate) apiv3_key: Option<String>,
    pub(crate) pay: Option<Arc<Pay>>,
    /// Whether the account joined a running sandbox, and may leave it.
    pub(crate) added: bool,
    permitted: Mutex<bool>,
}

/// What the WeChat Pay families add to an account.
pub(crate) struct Pay {
    pub(crate) client: Mutex<ClientHalf>,
    pub(crate) keyring: Mutex<Keyring>,
    /// The keys of the start.
    initial: KeyMaterial,
}

/// The newest credentials that the account's owner holds.
#[derive(Clone)]
pub(crate) struct ClientHalf {
    /// Absent where only the owner has it.
    pub(crate) private_key_pem: Option<String>,
    pub(crate) certificate_pem: String,
    pub(crate) serial_no: String,
}

impl ClientHalf {
    fn of(material: &KeyMaterial, keyring: &Keyring) -> Self {
        let newest = keyring.clients().last();
        Self {
            private_key_pem: material.client_key.clone(),
            certificate_pem: material.client_certificate.clone(),
            serial_no: newest
                .map(|client| client.certificate.serial().to_string())
                .unwrap_or_default(),
        }
    }
}

impl Account {
    /// Puts an account together; missing secrets are made.
    pub(crate) fn new(
        config: AccountConfig,
        material: Option<&KeyMaterial>,
    ) -> Result<Self, StartError> {
        let named = |error: StartError| {
            let reason = std::error::Error::source(&error).map(ToString::to_string);
            let problem =
                reason.map_or_else(|| error.to_string(), |reason| format!("{error}: {reason}"));
            StartError::account(&config.name, problem)
        };
        let pay = material
            .map(|material| {
                let keyring = Keyring::new(material)?;
                Ok(Arc::new(Pay {
                    client: Mutex::new(ClientHalf::of(material, &keyring)),
                    keyring: Mutex::new(keyring),
                    initial: material.clone(),
                }))
            })
            .transpose()
            .map_err(named)?;
        let secret = |given: Option<String>| given.unwrap_or_else(|| random::secret(32));
        let is_pay = pay.is_some();
        if let Some(key) = &config.apiv3_key
            && kabao_auth::ApiV3Key::new(key).is_err()
        {
            return Err(StartError::account(
                &config.name,
                "the APIv3 key must be 32 ASCII letters and digits",
            ));
        }
        let account = Self {
            apiv3_key: is_pay.then(|| secret(config.apiv3_key)),
            app_secret: (config.family == Family::OfficialAccount)
                .then(|| secret(config.app_secret)),
            name: config.name,
            family: config.family,
            mchid: config.mchid,
            brand_id: config.brand_id,
            appid: config.appid,
            pay,
            added: config.added,
            permitted: Mutex::new(true),
        };
        account.reset_keys();
        Ok(account)
    }

    /// Tells whether the account has the product permission (else 403 `NO_AUTH`, 48001).
    pub(crate) fn is_permitted(&self) -> bool {
        *lock(&self.permitted)
    }

    pub(crate) fn set_permitted(&self, permitted: bool) {
        *lock(&self.permitted) = permitted;
    }

    /// Returns to the key phase of the start. Brands that call directly have no certificates.
    pub(crate) fn reset_keys(&self) {
        if let Some(pay) = &self.pay {
            let mut keyring = lock(&pay.keyring);
            keyring.set_revoked(None, false);
            keyring.phase = match self.mchid {
                Some(_) => KeyPhase::Migrating,
                None => KeyPhase::PublicKey,
            };
        }
    }

    /// Brings back the keys of the start, and returns them; official accounts have none.
    pub(crate) fn restore_keys(&self) -> Result<Option<&KeyMaterial>, StartError> {
        let Some(pay) = &self.pay else {
            return Ok(None);
        };
        let keyring = Keyring::new(&pay.initial)?;
        *lock(&pay.client) = ClientHalf::of(&pay.initial, &keyring);
        *lock(&pay.keyring) = keyring;
        self.reset_keys();
        Ok(Some(&pay.initial))
    }

    pub(crate) fn key_phase(&self) -> Option<KeyPhase> {
        self.pay.as_ref().map(|pay| lock(&pay.keyring).phase)
    }

    /// Returns what a client of the account needs.
    pub(crate) fn credentials(&self, base_url: &str) -> Credentials {
        let client = self.pay.as_ref().map(|pay| lock(&pay.client).clone());
        let (public_key_id, public_key_pem) = self
            .pay
            .as_ref()
            .map(|pay| lock(&pay.keyring).public_key())
            .unzip();
        let (mut private_key_pem, mut certificate_pem, mut serial_no) = (None, None, None);
        if let Some(client) = client {
            private_key_pem = client.private_key_pem;
            certificate_pem = Some(client.certificate_pem);
            serial_no = Some(client.serial_no);
        }
        Credentials {
            name: self.name.clone(),
            family: self.family.as_str().to_owned(),
            mchid: self.mchid.clone(),
            brand_id: self.brand_id.clone(),
            appid: self.appid.clone(),
            serial_no,
            public_key_id,
            apiv3_key: self.apiv3_key.clone(),
            app_secret: self.app_secret.clone(),
            base_url: base_url.to_owned(),
            private_key_pem,
            certificate_pem,
            public_key_pem,
        }
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("name", &self.name)
            .field("family", &self.family)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let account = Account::new(
            AccountConfig::official_account("demo", "wx1").with_app_secret("hush-hush"),
            None,
        )
        .unwrap();
        let credentials = account.credentials("https://127.0.0.1:1");
        assert_eq!(credentials.app_secret.as_deref(), Some("hush-hush"));
        let text = format!("{account:?} {credentials:?}");
        assert!(!text.contains("hush"), "{text}");
    }

    #[test]
    fn a_short_apiv3_key_is_refused_by_name() {
        let error = Account::new(
            AccountConfig::merchant("acme", "1").with_apiv3_key("short"),
            None,
        )
        .unwrap_err();
        assert!(error.to_string().contains("`acme`"), "{error}");
    }

    #[test]
    fn a_name_and_a_family_make_an_account_with_the_same_numbers_every_time() {
        for (text, mchid, brand_id, appid) in [
            ("acme=merchant", true, false, true),
            ("acme=brand", true, true, true),
            ("acme=brand_direct", false, true, true),
            ("acme=official_account", false, false, true),
        ] {
            let config: AccountConfig = text.parse().unwrap();
            let again: AccountConfig = text.parse().unwrap();
            assert_eq!(config.name, "acme");
            assert_eq!(
                (&config.mchid, &config.brand_id, &config.appid),
                (&again.mchid, &again.brand_id, &again.appid),
            );
            assert_eq!(config.mchid.is_some(), mchid, "{text}");
            assert_eq!(config.brand_id.is_some(), brand_id, "{text}");
            assert_eq!(config.appid.is_some(), appid, "{text}");
        }
        let one: AccountConfig = "acme=merchant".parse().unwrap();
        let other: AccountConfig = "umbrella=merchant".parse().unwrap();
        assert_ne!(one.mchid, other.mchid);
    }

    #[test]
    fn text_that_names_no_account_says_what_to_write() {
        for (text, expected) in [
            ("acme", "write NAME=FAMILY"),
            (
                "acme=coupons",
                "`coupons` is no family; there are merchant,",
            ),
            ("Acme=merchant", "lower-case letters"),
            ("-acme=merchant", "lower-case letters"),
            ("server=merchant", "is not `server`"),
            ("=brand", "lower-case letters"),
        ] {
            let error = text.parse::<AccountConfig>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
