//! The keys of an issuer of tokens (JWKS, RFC 7517).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Map, Value};

use super::JwtError;

/// Keys of one issuer at a time: the one in use, those that come and go, and some of other kinds.
const MOST: usize = 64;
/// Bytes of the modulus of an RSA key: 2048 to 8192 bits.
const MODULUS: std::ops::RangeInclusive<usize> = 256..=1024;

/// Public keys, each with its algorithm: `RS256`, `ES256` or `EdDSA` with Ed25519.
#[derive(Clone)]
pub struct JwtKeys(Vec<JwtKey>);

/// One of them.
#[derive(Clone)]
pub(super) struct JwtKey {
    id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

/// What is wrong with a file of keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwksError {
    /// It is no JSON object with a list `keys`.
    #[error("is no JWKS: a JSON object with a list `keys`")]
    NoSet,
    /// It has more keys than any issuer.
    #[error("has more than 64 keys")]
    TooMany,
    /// A key has a part that only its owner may know.
    #[error("holds a secret key ({0}); only public keys belong there")]
    Secret(String),
    /// A key lacks something, or is too small.
    #[error("holds a key that cannot be used ({0})")]
    Unusable(String),
    /// Two keys have one `kid`, or one of several has none.
    #[error("has several keys, which need a `kid` each ({0})")]
    Ambiguous(String),
    /// No key is for signatures that are accepted.
    #[error("has no key for signatures with RS256, ES256 or EdDSA (Ed25519)")]
    Empty,
}

impl JwtKeys {
    /// Reads a JWKS. Keys for other purposes and other algorithms are left out.
    ///
    /// # Errors
    /// [`JwksError`].
    pub fn from_json(text: &[u8]) -> Result<Self, JwksError> {
        let set: Value = serde_json::from_slice(text).map_err(|_| JwksError::NoSet)?;
        let entries = set.get("keys").and_then(Value::as_array);
        let entries = entries.ok_or(JwksError::NoSet)?;
        if entries.len() > MOST {
            return Err(JwksError::TooMany);
        }
        let mut keys: Vec<JwtKey> = Vec::new();
        for entry in entries {
            let entry = entry.as_object().ok_or(JwksError::NoSet)?;
            keys.extend(JwtKey::read(entry)?);
        }
        for (index, key) in keys.iter().enumerate().filter(|_| keys.len() > 1) {
            let mut before = keys.iter().take(index);
            if key.id.is_none() || before.any(|other| other.id == key.id) {
                return Err(JwksError::Ambiguous(name(key.id.as_deref())));
            }
        }
        match keys.is_empty() {
            true => Err(JwksError::Empty),
            false => Ok(Self(keys)),
        }
    }

    /// Returns how many there are.
    #[expect(clippy::len_without_is_empty, reason = "there is always at least one")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Finds the key that a token names. Only one that is alone need not be named.
    pub(super) fn find(&self, id: Option<&str>) -> Result<&JwtKey, JwtError> {
        let found = match (id, self.0.as_slice()) {
            (None, [only]) => Some(only),
            (Some(_), [only]) if only.id.is_none() => Some(only),
            (None, _) => None,
            (Some(id), keys) => keys.iter().find(|key| key.id.as_deref() == Some(id)),
        };
        found.ok_or(JwtError::UnknownKey)
    }
}

impl fmt::Debug for JwtKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = self.0.iter().map(|key| key.id.as_deref());
        f.debug_list().entries(ids).finish()
    }
}

impl JwtKey {
    /// Reads a key; `None` if it is for something else.
    fn read(entry: &Map<String, Value>) -> Result<Option<Self>, JwksError> {
        let text = |key: &str| entry.get(key).and_then(Value::as_str);
        let id = text("kid");
        if text("kty") == Some("oct") || entry.contains_key("d") {
            return Err(JwksError::Secret(name(id)));
        }
        let (algorithm, words) = match (text("kty"), text("crv")) {
            (Some("RSA"), _) => (Algorithm::RS256, ["RS256", "RS256"]),
            (Some("EC"), Some("P-256")) => (Algorithm::ES256, ["ES256", "ES256"]),
            (Some("OKP"), Some("Ed25519")) => (Algorithm::EdDSA, ["EdDSA", "Ed25519"]),
            _ => return Ok(None),
        };
        let is_of = |key: &str, words: &[&str]| match entry.get(key) {
            None => true,
            Some(Value::String(value)) => words.contains(&value.as_str()),
            Some(Value::Array(values)) => words.iter().any(|word| values.iter().any(|v| v == word)),
            Some(_) => false,
        };
        if !is_of("use", &["sig"]) || !is_of("key_ops", &["verify"]) || !is_of("alg", &words) {
            return Ok(None);
        }
        let part = |key: &str| {
            let bytes = text(key).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
            bytes.filter(|bytes| !bytes.is_empty())
        };
        let made = match algorithm {
            Algorithm::RS256 => part("n").zip(part("e")).and_then(|(n, e)| {
                let is_fit = MODULUS.contains(&n.len()) && n.first() != Some(&0);
                is_fit.then(|| DecodingKey::from_rsa_raw_components(&n, &e))
            }),
            Algorithm::ES256 => part("x").zip(part("y")).and_then(|(x, y)| {
                // An uncompressed point.
                let point = [&[4][..], &x, &y].concat();
                ([x.len(), y.len()] == [32, 32]).then(|| DecodingKey::from_ec_der(&point))
            }),
            _ => part("x").and_then(|x| (x.len() == 32).then(|| DecodingKey::from_ed_der(&x))),
        };
        let key = made.ok_or_else(|| JwksError::Unusable(name(id)))?;
        let id = id.map(str::to_owned);
        Ok(Some(Self { id, algorithm, key }))
    }
}

/// How a key is named in a message.
fn name(id: Option<&str>) -> String {
    match id {
        Some(id) => format!("kid {id:?}"),
        None => "without kid".to_owned(),
    }
}
