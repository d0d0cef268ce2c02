//! Who signs: the identity of an account and the key behind it.

use std::fmt;
use std::sync::Arc;

use crate::{Certificate, Error, PrivateKey, Scheme, SerialNumber};

/// Makes signatures with a private key that may live elsewhere.
pub trait Signer: Send + Sync {
    /// Signs `message` with RSASSA-PKCS1-v1_5 and SHA-256 and returns standard base64.
    ///
    /// # Errors
    /// [`Error::Signing`] if no signature can be made.
    fn sign(&self, message: &[u8]) -> Result<String, Error>;
}

/// What a request is signed as: scheme, merchant number or brand id, certificate serial number, and key.
#[derive(Clone)]
pub struct Identity {
    scheme: Scheme,
    id: String,
    serial: SerialNumber,
    signer: Arc<dyn Signer>,
}

impl Identity {
    /// Makes an identity from its parts; that serial number and signer belong together is the caller's word.
    ///
    /// # Errors
    /// [`Error::InvalidIdentity`] unless `id` is made of 1 to 32 ASCII letters, digits, `-` or `_`.
    pub fn new(
        scheme: Scheme,
        id: &str,
        serial: SerialNumber,
        signer: Arc<dyn Signer>,
    ) -> Result<Self, Error> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !(1..=32).contains(&id.len()) || !id.bytes().all(plain) {
            return Err(Error::InvalidIdentity);
        }
        Ok(Self {
            scheme,
            id: id.to_owned(),
            serial,
            signer,
        })
    }

    /// Makes an identity from the certificate and the private key that belongs to it.
    ///
    /// # Errors
    /// [`Error::CertificateMismatch`] if they do not belong together, [`Error::InvalidIdentity`] as for [`new`](Self::new).
    pub fn from_certificate(
        scheme: Scheme,
        id: &str,
        certificate: &Certificate,
        private_key: PrivateKey,
    ) -> Result<Self, Error> {
        if !certificate.matches(&private_key) {
            return Err(Error::CertificateMismatch);
        }
        Self::new(scheme, id, *certificate.serial(), Arc::new(private_key))
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

    /// Returns the signer.
    pub fn signer(&self) -> &dyn Signer {
        self.signer.as_ref()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("scheme", &self.scheme)
            .field("id", &self.id)
            .field("serial", &self.serial)
            .finish_non_exhaustive()
    }
}
