//! Who signs: the identity of an account, and the private key behind it, wherever that lies.

use std::fmt;

use async_trait::async_trait;

use crate::{Certificate, Error, Plaintext, PrivateKey, PublicKey, Scheme, SerialNumber};

/// What a private key does for an account. The key may lie elsewhere: in a hardware module, or behind a service.
///
/// `PrivateKey` is the implementation for a key in this process. Each implementation passes
/// `conformance`.
///
/// A future may be dropped at any time, and then nothing waits for its result any more.
#[async_trait]
pub trait Signer: fmt::Debug + Send + Sync {
    /// Returns the public half, which never changes.
    fn public_key(&self) -> &PublicKey;

    /// Signs `message` with RSASSA-PKCS1-v1_5 and SHA-256 and returns standard base64.
    ///
    /// # Errors
    /// [`SignerError::Unavailable`] or [`SignerError::Refused`].
    async fn sign(&self, message: &[u8]) -> Result<String, SignerError>;

    /// Decrypts a base64 field with RSAES-OAEP (SHA-1, MGF1-SHA-1, empty label).
    ///
    /// # Errors
    /// [`SignerError::Undecryptable`] for what is no ciphertext for this key, whatever the reason;
    /// [`SignerError::Unavailable`] or [`SignerError::Refused`] if nobody can tell.
    async fn decrypt(&self, ciphertext: &str) -> Result<Plaintext, SignerError>;

    /// Returns the key itself if it lies in this process. It takes a processor and waits for nobody, so whoever has
    /// threads for that uses it there, and not through the futures of this trait.
    fn private_key(&self) -> Option<&PrivateKey> {
        None
    }
}

/// Why a [`Signer`] did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignerError {
    /// It does not work at present, which may pass: it cannot be reached, is busy, or did not answer in time.
    #[error("the signer does not work at present")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It does not let the account use the key, until somebody changes that: the key is gone, or its password wrong.
    #[error("the signer does not let the key be used")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It made a signature that its own public key does not verify.
    #[error("the signer made a signature that does not fit its public key")]
    WrongSignature,
    /// The field is not ciphertext for this key.
    #[error("the field cannot be decrypted")]
    Undecryptable,
    /// The request cannot be signed, whoever signs.
    #[error(transparent)]
    Request(#[from] Error),
}

#[async_trait]
impl Signer for PrivateKey {
    fn public_key(&self) -> &PublicKey {
        Self::public_key(self)
    }

    async fn sign(&self, message: &[u8]) -> Result<String, SignerError> {
        Self::sign(self, message).map_err(|error| SignerError::Unavailable(error.into()))
    }

    async fn decrypt(&self, ciphertext: &str) -> Result<Plaintext, SignerError> {
        Self::decrypt(self, ciphertext).map_err(|_| SignerError::Undecryptable)
    }

    fn private_key(&self) -> Option<&PrivateKey> {
        Some(self)
    }
}

/// What a request is signed as: scheme, merchant number or brand id, and certificate serial number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    scheme: Scheme,
    id: String,
    serial: SerialNumber,
}

impl Identity {
    /// Makes an identity from its parts; that the serial number is that of the key which signs is the caller's word.
    ///
    /// # Errors
    /// [`Error::InvalidIdentity`] unless `id` is made of 1 to 32 ASCII letters, digits, `-` or `_`.
    pub fn new(scheme: Scheme, id: &str, serial: SerialNumber) -> Result<Self, Error> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !(1..=32).contains(&id.len()) || !id.bytes().all(plain) {
            return Err(Error::InvalidIdentity);
        }
        Ok(Self {
            scheme,
            id: id.to_owned(),
            serial,
        })
    }

    /// Makes an identity from the certificate of the key that signs.
    ///
    /// # Errors
    /// [`Error::CertificateMismatch`] if they do not belong together, [`Error::InvalidIdentity`] as for [`new`](Self::new).
    pub fn from_certificate(
        scheme: Scheme,
        id: &str,
        certificate: &Certificate,
        signer: &dyn Signer,
    ) -> Result<Self, Error> {
        if certificate.public_key() != signer.public_key() {
            return Err(Error::CertificateMismatch);
        }
        Self::new(scheme, id, *certificate.serial())
    }

    /// Returns the scheme.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Returns the merchant number or brand id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the serial number of the account's own certificate.
    pub fn serial(&self) -> &SerialNumber {
        &self.serial
    }
}
