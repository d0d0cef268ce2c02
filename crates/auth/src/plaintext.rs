//! Decrypted bytes, which nobody should print by accident.

use std::fmt;

use zeroize::Zeroizing;

use crate::Error;

/// Decrypted or otherwise secret bytes: wiped when dropped, redacted in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Plaintext(Zeroizing<Vec<u8>>);

impl Plaintext {
    pub(crate) fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the bytes as text.
    ///
    /// # Errors
    /// [`Error::NotUtf8`] if they are not UTF-8.
    pub fn to_str(&self) -> Result<&str, Error> {
        std::str::from_utf8(&self.0).map_err(|_| Error::NotUtf8)
    }
}

/// Takes over what a signer elsewhere has decrypted.
impl From<Vec<u8>> for Plaintext {
    fn from(bytes: Vec<u8>) -> Self {
        Self::new(Zeroizing::new(bytes))
    }
}

impl fmt::Debug for Plaintext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plaintext([redacted])")
    }
}
