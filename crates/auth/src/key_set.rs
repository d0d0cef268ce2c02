//! The keys of WeChat Pay that an account trusts.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::{Certificate, Error, KeyId, PublicKey, PublicKeyId, SerialNumber};

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

    /// Returns the key to encrypt fields with: the public key if there is one, otherwise the certificate that
    /// starts last.
    ///
    /// Its id belongs into `Wechatpay-Serial` of the request. Of several public keys the greatest id is taken.
    pub fn encryption_key(&self) -> Option<&TrustedKey> {
        self.iter().max_by_key(|key| match key {
            TrustedKey::Certificate(certificate) => (false, certificate.not_before()),
            TrustedKey::PublicKey { .. } => (true, 0),
        })
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
