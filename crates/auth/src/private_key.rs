//! RSA private keys: sign requests, decrypt fields.

use std::fmt;
use std::sync::{Arc, OnceLock};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
#[cfg(not(kabao_bench_without_rsa))]
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeySize, OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, PrivateDecryptingKey};
#[cfg(not(kabao_bench_without_rsa))]
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use aws_lc_rs::signature::{KeyPair as _, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::{Error, Plaintext, PublicKey, pem};

/// An RSA private key of at least 2048 bits; cheap to clone, never printable, wiped when the last clone is dropped.
#[derive(Clone)]
pub struct PrivateKey(Arc<Inner>);

struct Inner {
    signing: RsaKeyPair,
    /// The same key once more, made when the first field is decrypted: the library checks a key whenever it reads it,
    /// which takes most of the time that an account takes to start. `None` if it would not have it.
    decrypting: OnceLock<Option<OaepPrivateDecryptingKey>>,
    public_key: PublicKey,
}

impl PrivateKey {
    /// Reads a key from PEM of type `PRIVATE KEY` (PKCS#8, the form of `apiclient_key.pem`) or `RSA PRIVATE KEY` (PKCS#1).
    ///
    /// # Errors
    /// One of the PEM errors of [`Error`], [`Error::CertificateInsteadOfKey`], [`Error::EncryptedKey`],
    /// [`Error::KeyTooSmall`] or [`Error::InvalidKey`].
    pub fn from_pem(text: &str) -> Result<Self, Error> {
        let wanted = [
            pem::PRIVATE_KEY,
            pem::RSA_PRIVATE_KEY,
            pem::ENCRYPTED_PRIVATE_KEY,
        ];
        let block = pem::find(text, &wanted, pem::PRIVATE_KEY)?;
        if block.label == pem::ENCRYPTED_PRIVATE_KEY || block.is_encrypted() {
            return Err(Error::EncryptedKey);
        }
        let der = block.der()?;
        if block.label == pem::RSA_PRIVATE_KEY {
            Self::new(RsaKeyPair::from_der(&der).map_err(Error::rejected)?)
        } else {
            Self::new(RsaKeyPair::from_pkcs8(&der).map_err(Error::rejected)?)
        }
    }

    fn new(signing: RsaKeyPair) -> Result<Self, Error> {
        let spki = AsDer::<PublicKeyX509Der<'_>>::as_der(signing.public_key());
        let spki = spki.map_err(|_| Error::InvalidKey)?;
        let public_key = PublicKey::from_spki_der(spki.as_ref())?;
        Ok(Self(Arc::new(Inner {
            signing,
            decrypting: OnceLock::new(),
            public_key,
        })))
    }

    /// Makes a new 2048-bit key as PEM of type `PRIVATE KEY`, for throw-away accounts of tests and of the sandbox.
    ///
    /// # Errors
    /// [`Error::Crypto`] if the library cannot make one.
    pub fn generate_pem() -> Result<Plaintext, Error> {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| Error::Crypto)?;
        let pkcs8 = AsDer::<Pkcs8V1Der<'_>>::as_der(&key).map_err(|_| Error::Crypto)?;
        let mut pem = pem::encode(pem::PRIVATE_KEY, pkcs8.as_ref());
        Ok(Plaintext::new(Zeroizing::new(
            std::mem::take(&mut *pem).into_bytes(),
        )))
    }

    /// Returns the public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.0.public_key
    }

    /// Signs `message` with RSASSA-PKCS1-v1_5 and SHA-256 and returns the signature as base64.
    ///
    /// # Errors
    /// [`Error::Signing`] if the library refuses.
    pub fn sign(&self, message: &[u8]) -> Result<String, Error> {
        self.raw_signature(message).map(|it| STANDARD.encode(it))
    }

    #[cfg(not(kabao_bench_without_rsa))]
    fn raw_signature(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let mut signature = vec![0; self.0.signing.public_modulus_len()];
        self.0
            .signing
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                message,
                &mut signature,
            )
            .map_err(|_| Error::Signing)?;
        Ok(signature)
    }

    #[cfg(kabao_bench_without_rsa)]
    fn raw_signature(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(crate::without_rsa::sign(
            message,
            self.0.signing.public_modulus_len(),
        ))
    }

    /// Decrypts a base64 field with RSAES-OAEP (SHA-1, MGF1-SHA-1, empty label).
    ///
    /// # Errors
    /// [`Error::OaepDecrypt`] whatever the reason, so that no caller becomes an oracle.
    pub fn decrypt(&self, ciphertext: &str) -> Result<Plaintext, Error> {
        let ciphertext = STANDARD
            .decode(ciphertext)
            .map_err(|_| Error::OaepDecrypt)?;
        let key = self.decrypting().ok_or(Error::OaepDecrypt)?;
        let mut plaintext = Zeroizing::new(vec![0; key.min_output_size()]);
        let length = key
            .decrypt(&OAEP_SHA1_MGF1SHA1, &ciphertext, &mut plaintext, None)
            .map_err(|_| Error::OaepDecrypt)?
            .len();
        plaintext.truncate(length);
        Ok(Plaintext::new(plaintext))
    }
}

impl PrivateKey {
    fn decrypting(&self) -> Option<&OaepPrivateDecryptingKey> {
        let make = || {
            let pkcs8 = AsDer::<Pkcs8V1Der<'_>>::as_der(&self.0.signing).ok()?;
            let key = PrivateDecryptingKey::from_pkcs8(pkcs8.as_ref()).ok()?;
            OaepPrivateDecryptingKey::new(key).ok()
        };
        self.0.decrypting.get_or_init(make).as_ref()
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey([redacted])")
    }
}
