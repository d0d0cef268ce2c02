//! The keys of an account as PEM texts: generated, loaded from files, or given by a test.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;

use jiff::Timestamp;
use kabao_auth::PrivateKey;

use super::Authority;
use crate::error::StartError;
use crate::random;
use crate::sync::lock;

/// All keys around one account of the WeChat Pay families, as PEM texts.
///
/// The client's half is what a merchant holds; the platform's half is what only WeChat Pay holds
/// upstream, which is why notifications can be produced here.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyMaterial {
    /// The account's private key, PKCS#8 (`apiclient_key.pem`); absent where only the owner has it.
    pub client_key: Option<String>,
    /// The account's API certificate (`apiclient_cert.pem`).
    pub client_certificate: String,
    /// The private key of the platform certificate.
    pub platform_key: String,
    /// The platform certificate.
    pub platform_certificate: String,
    /// The id of the WeChat Pay public key, `PUB_KEY_ID_...`.
    pub public_key_id: String,
    /// The private half of the WeChat Pay public key.
    pub public_key_private: String,
}

impl KeyMaterial {
    /// Makes certificates and ids around three keys, for a merchant number or brand id.
    pub(crate) fn generate(
        api: &Authority,
        keys: [String; 3],
        owner: &str,
        now: Timestamp,
    ) -> Result<Self, StartError> {
        let [client_key, platform_key, public_key_private] = keys;
        Ok(Self {
            client_certificate: api.issue_api(owner, &client_key, now)?,
            client_key: Some(client_key),
            platform_certificate: api.issue_api("Tenpay.com sign", &platform_key, now)?,
            platform_key,
            public_key_id: public_key_id(owner),
            public_key_private,
        })
    }
}

/// Makes a new id of a public key: a leading zero, the owner, digits.
pub(crate) fn public_key_id(owner: &str) -> String {
    format!("PUB_KEY_ID_0{owner}{}", random::digits(16))
}

/// Makes one RSA-2048 key as PEM.
pub(crate) fn generate_key() -> Result<String, StartError> {
    let failed = |source| StartError::key("a new RSA key", source);
    let pem = PrivateKey::generate_pem().map_err(failed)?;
    pem.to_str().map(str::to_owned).map_err(failed)
}

/// Returns the three keys that all sandboxes of this process give an account of this name: making
/// them takes a good part of a second in a debug build.
pub(crate) fn pooled_keys(name: &str) -> Result<[String; 3], StartError> {
    static POOL: Mutex<BTreeMap<String, [String; 3]>> = Mutex::new(BTreeMap::new());
    let pooled = lock(&POOL).get(name).cloned();
    match pooled {
        Some(keys) => Ok(keys),
        None => {
            let keys = generate_keys()?;
            Ok(lock(&POOL).entry(name.to_owned()).or_insert(keys).clone())
        }
    }
}

/// Makes three keys side by side; each takes a good part of a second in a debug build.
pub(crate) fn generate_keys() -> Result<[String; 3], StartError> {
    std::thread::scope(|scope| {
        let [first, second] = [scope.spawn(generate_key), scope.spawn(generate_key)];
        let join = |handle: std::thread::ScopedJoinHandle<'_, Result<String, StartError>>| {
            handle
                .join()
                .unwrap_or_else(|_| Err(StartError::internal("making a key panicked")))
        };
        Ok([generate_key()?, join(first)?, join(second)?])
    })
}

impl fmt::Debug for KeyMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyMaterial")
            .field("public_key_id", &self.public_key_id)
            .finish_non_exhaustive()
    }
}
