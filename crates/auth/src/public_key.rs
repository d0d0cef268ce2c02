//! RSA public keys: parsed once, then verify and encrypt.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{Digest, SHA256, digest};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPublicEncryptingKey, PublicEncryptingKey};
use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::{Error, pem};

/// An RSA public key of at least 2048 bits; cheap to clone.
#[derive(Clone)]
pub struct PublicKey(Arc<Inner>);

struct Inner {
    #[cfg_attr(
        kabao_bench_without_rsa,
        expect(dead_code, reason = "nothing is verified")
    )]
    verifying: ParsedPublicKey,
    encrypting: OaepPublicEncryptingKey,
    spki: Vec<u8>,
}

impl PublicKey {
    /// Reads a key from PEM of type `PUBLIC KEY` (SubjectPublicKeyInfo), the form of `pub_key.pem`.
    ///
    /// # Errors
    /// One of the PEM errors of [`Error`], [`Error::KeyTooSmall`] or [`Error::InvalidKey`].
    pub fn from_pem(text: &str) -> Result<Self, Error> {
        Self::from_spki_der(&pem::find(text, &[pem::PUBLIC_KEY], pem::PUBLIC_KEY)?.der()?)
    }

    /// Makes a key of its modulus and exponent, both unsigned, most significant byte first.
    ///
    /// # Errors
    /// [`Error::KeyTooSmall`] or [`Error::InvalidKey`].
    pub fn from_components(modulus: &[u8], exponent: &[u8]) -> Result<Self, Error> {
        let key = RsaPublicKeyComponents {
            n: without_leading_zeros(modulus),
            e: without_leading_zeros(exponent),
        };
        let key: PublicEncryptingKey = key.try_into().map_err(|_| Error::InvalidKey)?;
        match key.key_size_bits() {
            2048.. => Self::from_encrypting_key(key),
            _ => Err(Error::KeyTooSmall),
        }
    }

    pub(crate) fn from_spki_der(der: &[u8]) -> Result<Self, Error> {
        let key = PublicEncryptingKey::from_der(der).map_err(Error::rejected)?;
        Self::from_encrypting_key(key)
    }

    pub(crate) fn from_encrypting_key(key: PublicEncryptingKey) -> Result<Self, Error> {
        // Encoding anew makes keys comparable, whatever the spelling they came in.
        let spki = key
            .as_der()
            .map_err(|_| Error::InvalidKey)?
            .as_ref()
            .to_vec();
        let verifying = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &spki)
            .map_err(|_| Error::InvalidKey)?;
        let encrypting = OaepPublicEncryptingKey::new(key).map_err(|_| Error::InvalidKey)?;
        Ok(Self(Arc::new(Inner {
            verifying,
            encrypting,
            spki,
        })))
    }

    /// Returns the key as PEM of type `PUBLIC KEY`.
    pub fn to_pem(&self) -> String {
        pem::encode(pem::PUBLIC_KEY, &self.0.spki).to_string()
    }

    /// Verifies a base64 signature (RSASSA-PKCS1-v1_5, SHA-256) over `message`.
    ///
    /// # Errors
    /// [`SignatureError`] tells an undecodable signature from one that does not fit.
    pub fn verify(&self, message: &[u8], signature: &str) -> Result<(), SignatureError> {
        self.verify_digest(&digest(&SHA256, message), signature)
    }

    pub(crate) fn verify_digest(
        &self,
        digest: &Digest,
        signature: &str,
    ) -> Result<(), SignatureError> {
        let signature = decode_signature(signature)?;
        match self.is_signature(digest, &signature) {
            true => Ok(()),
            false => Err(SignatureError::Mismatch),
        }
    }

    #[cfg(not(kabao_bench_without_rsa))]
    fn is_signature(&self, digest: &Digest, signature: &[u8]) -> bool {
        let verified = self.0.verifying.verify_digest_sig(digest, signature);
        verified.is_ok()
    }

    #[cfg(kabao_bench_without_rsa)]
    fn is_signature(&self, digest: &Digest, signature: &[u8]) -> bool {
        crate::without_rsa::matches(digest, signature)
    }

    /// Encrypts a sensitive field with RSAES-OAEP (SHA-1, MGF1-SHA-1, empty label) into base64.
    ///
    /// # Errors
    /// [`Error::PlaintextTooLong`] above [`max_plaintext`](Self::max_plaintext) bytes.
    pub fn encrypt(&self, plaintext: &[u8]) -> Result<String, Error> {
        let limit = self.max_plaintext();
        if plaintext.len() > limit {
            return Err(Error::PlaintextTooLong { limit });
        }
        let key = &self.0.encrypting;
        let mut ciphertext = vec![0; key.ciphertext_size()];
        let ciphertext = key
            .encrypt(&OAEP_SHA1_MGF1SHA1, plaintext, &mut ciphertext, None)
            .map_err(|_| Error::Crypto)?;
        Ok(STANDARD.encode(ciphertext))
    }

    /// Tells whether a text can be a field that was encrypted with this key: base64 of as many bytes as the modulus has.
    pub fn may_have_encrypted(&self, ciphertext: &str) -> bool {
        let length = self.0.encrypting.ciphertext_size();
        STANDARD
            .decode(ciphertext)
            .is_ok_and(|bytes| bytes.len() == length)
    }

    /// Returns the longest field in bytes that this key encrypts: 214 for 2048 bits.
    pub fn max_plaintext(&self) -> usize {
        self.0.encrypting.max_plaintext_size(&OAEP_SHA1_MGF1SHA1)
    }

    /// Returns the length of the modulus in bits.
    pub fn bits(&self) -> usize {
        self.0.encrypting.key_size_bits()
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.spki == other.0.spki
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey(RSA-{})", self.bits())
    }
}

/// Why a signature does not prove anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The signature is not standard base64 with padding.
    #[error("the signature is not base64")]
    Encoding,
    /// The signature was not made by this key over this message.
    #[error("the signature does not match")]
    Mismatch,
}

fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let start = number.iter().position(|byte| *byte != 0);
    number
        .split_at_checked(start.unwrap_or(number.len()))
        .map_or(number, |(_, number)| number)
}

fn decode_signature(signature: &str) -> Result<Vec<u8>, SignatureError> {
    STANDARD
        .decode(signature)
        .map_err(|_| SignatureError::Encoding)
}
