//! The keys of WeChat Pay that an account trusts.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::{Certificate, Error, KeyId, PublicKey, PublicKeyId, SerialNumber};

/// The two kinds of keys that WeChat Pay has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// Platform certificates, which end and are replaced.
    Certificate,
    /// The public key, of which a merchant number has one.
    PublicKey,
}

/// One key of WeChat Pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrustedKey {
    /// A platform certificate.
    Certificate(Certificate),
    /// A WeChat Pay public key, which has no end of validity.
    PublicKey {
        /// Its id, as shown on the merchant platform.
        id: PublicKeyId,
        /// The key.
        key: PublicKey,
    },
}

impl TrustedKey {
    /// Returns the id under which answers name this key.
    pub fn id(&self) -> KeyId {
        match self {
            Self::Certificate(certificate) => certificate.key_id(),
            Self::PublicKey { id, .. } => KeyId::PublicKey(id.clone()),
        }
    }

    /// Returns which kind of key it is.
    pub fn kind(&self) -> KeyKind {
        match self {
            Self::Certificate(_) => KeyKind::Certificate,
            Self::PublicKey { .. } => KeyKind::PublicKey,
        }
    }

    /// Returns the key itself.
    pub fn public_key(&self) -> &PublicKey {
        match self {
            Self::Certificate(certificate) => certificate.public_key(),
            Self::PublicKey { key, .. } => key,
        }
    }

    /// Tells whether the key may be used at a moment in Unix seconds.
    pub fn is_valid_at(&self, now: i64) -> bool {
        match self {
            Self::Certificate(certificate) => certificate.is_valid_at(now),
            Self::PublicKey { .. } => true,
        }
    }
}

/// An immutable set of trusted keys by id, built and swapped as a whole; cheap to clone.
///
/// Both kinds of key live side by side, as the migration from certificates to public keys needs.
#[derive(Clone)]
pub struct KeySet(Arc<Inner>);

struct Inner {
    own: SerialNumber,
    keys: BTreeMap<KeyId, TrustedKey>,
}

impl KeySet {
    /// Builds a set; `own` is the serial number of the account's own certificate, which must not be in it.
    ///
    /// # Errors
    /// [`Error::OwnSerialNumber`] if the account's own certificate is among the keys (a common mix-up),
    /// [`Error::DuplicateKey`] if two keys have the same id.
    pub fn new(
        own: SerialNumber,
        keys: impl IntoIterator<Item = TrustedKey>,
    ) -> Result<Self, Error> {
        let mut map = BTreeMap::new();
        for key in keys {
            let id = key.id();
            if id == KeyId::Certificate(own) {
                return Err(Error::OwnSerialNumber);
            }
            if map.insert(id, key).is_some() {
                return Err(Error::DuplicateKey);
            }
        }
        Ok(Self(Arc::new(Inner { own, keys: map })))
    }

    /// Builds a set without keys: where an account stands before its first certificate download.
    pub fn empty(own: SerialNumber) -> Self {
        Self(Arc::new(Inner {
            own,
            keys: BTreeMap::new(),
        }))
    }

    /// Returns the key with exactly this id.
    pub fn get(&self, id: &KeyId) -> Option<&TrustedKey> {
        self.0.keys.get(id)
    }

    /// Iterates over the keys in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &TrustedKey> {
        self.0.keys.values()
    }

    /// Returns the number of keys.
    pub fn len(&self) -> usize {
        self.0.keys.len()
    }

    /// Tells whether there is no key, so that nothing can be verified and nothing may be sent.
    pub fn is_empty(&self) -> bool {
        self.0.keys.is_empty()
    }

    /// Returns the serial number of the account's own certificate.
    pub fn own_serial(&self) -> &SerialNumber {
        &self.0.own
    }

    /// Returns the key to encrypt fields with at a moment in Unix seconds: one of the preferred kind if there is one, or
    /// one of the other kind. Of the certificates that are valid then, the one that starts last is taken; of several
    /// public keys the one with the greatest id.
    ///
    /// Its id belongs into `Wechatpay-Serial` of the request.
    pub fn encryption_key(&self, preferred: KeyKind, now: i64) -> Option<&TrustedKey> {
        let valid = self.iter().filter(|key| key.is_valid_at(now));
        valid.max_by_key(|key| {
            let begins = match key {
                TrustedKey::Certificate(certificate) => certificate.not_before(),
                TrustedKey::PublicKey { .. } => 0,
            };
            (key.kind() == preferred, begins)
        })
    }

    /// Tells whether there is a key of a kind that may be used at a moment in Unix seconds.
    pub fn has(&self, kind: KeyKind, now: i64) -> bool {
        self.iter()
            .any(|key| key.kind() == kind && key.is_valid_at(now))
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.0.keys.keys().map(ToString::to_string).collect();
        f.debug_struct("KeySet")
            .field("ids", &ids)
            .finish_non_exhaustive()
    }
}
