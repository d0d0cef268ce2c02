//! `AEAD_AES_256_GCM`: resources of notifications, and downloaded certificates.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::{Error, Plaintext, Verified};

/// The only value of `algorithm` that is understood.
const ALGORITHM: &str = "AEAD_AES_256_GCM";
const TAG_LENGTH: usize = 16;

/// The 32-byte symmetric key of an account: the APIv3 key of a merchant, or the API key of a brand.
///
/// Only the expanded key is kept, in memory that the library wipes.
#[derive(Clone)]
pub struct ApiV3Key(Arc<LessSafeKey>);

/// An encrypted resource, as it stands in a notification or a certificate download.
#[derive(Clone, Copy, Debug)]
pub struct Sealed<'a> {
    /// `algorithm`.
    pub algorithm: &'a str,
    /// `nonce`: 12 characters.
    pub nonce: &'a str,
    /// `associated_data`; empty if absent.
    pub associated_data: &'a str,
    /// `ciphertext`: base64 of the ciphertext and its 16-byte tag.
    pub ciphertext: &'a str,
}

impl ApiV3Key {
    /// Makes a key from its text.
    ///
    /// # Errors
    /// [`Error::InvalidApiKey`] unless it is exactly 32 bytes long.
    pub fn new(key: &str) -> Result<Self, Error> {
        if key.len() != AES_256_GCM.key_len() {
            return Err(Error::InvalidApiKey);
        }
        let key =
            UnboundKey::new(&AES_256_GCM, key.as_bytes()).map_err(|_| Error::InvalidApiKey)?;
        Ok(Self(Arc::new(LessSafeKey::new(key))))
    }

    /// Opens a resource that came in a verified body; the proof is asked for, so that nothing else is decrypted.
    ///
    /// # Errors
    /// [`Error::UnsupportedAlgorithm`], [`Error::AeadInput`] or [`Error::AeadTagMismatch`].
    pub fn open<B>(&self, _proof: &Verified<B>, sealed: &Sealed<'_>) -> Result<Plaintext, Error> {
        self.open_unverified(sealed)
    }

    /// Opens a resource without proof, which only the certificate download may do.
    pub(crate) fn open_unverified(&self, sealed: &Sealed<'_>) -> Result<Plaintext, Error> {
        if sealed.algorithm != ALGORITHM {
            return Err(Error::UnsupportedAlgorithm);
        }
        let nonce = nonce(sealed.nonce)?;
        let mut buffer = STANDARD
            .decode(sealed.ciphertext)
            .map(Zeroizing::new)
            .map_err(|_| Error::AeadInput)?;
        if buffer.len() < TAG_LENGTH {
            return Err(Error::AeadInput);
        }
        let length = self
            .0
            .open_in_place(nonce, Aad::from(sealed.associated_data), &mut buffer)
            .map_err(|_| Error::AeadTagMismatch)?
            .len();
        buffer.truncate(length);
        Ok(Plaintext::new(buffer))
    }

    /// Seals a resource and returns its `ciphertext`.
    ///
    /// A nonce must not be used twice with one key; see [`random_resource_nonce`](crate::random_resource_nonce).
    ///
    /// # Errors
    /// [`Error::AeadInput`] unless `resource_nonce` is 12 bytes long.
    pub fn seal(
        &self,
        resource_nonce: &str,
        associated_data: &str,
        plaintext: &[u8],
    ) -> Result<String, Error> {
        let nonce = nonce(resource_nonce)?;
        let mut buffer = Zeroizing::new(Vec::with_capacity(plaintext.len() + TAG_LENGTH));
        buffer.extend_from_slice(plaintext);
        let tag = self
            .0
            .seal_in_place_separate_tag(nonce, Aad::from(associated_data), &mut buffer)
            .map_err(|_| Error::Crypto)?;
        buffer.extend_from_slice(tag.as_ref());
        Ok(STANDARD.encode(buffer.as_slice()))
    }
}

impl fmt::Debug for ApiV3Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiV3Key([redacted])")
    }
}

fn nonce(text: &str) -> Result<Nonce, Error> {
    let bytes: [u8; NONCE_LEN] = text.as_bytes().try_into().map_err(|_| Error::AeadInput)?;
    Ok(Nonce::assume_unique_for_key(bytes))
}
