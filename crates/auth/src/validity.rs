//! From when to when a certificate holds, whatever key it certifies.

use crate::Error;
use crate::certificate::Fields;

/// The validity of an X.509 certificate, in Unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The first second.
    pub not_before: i64,
    /// The last second.
    pub not_after: i64,
}

impl Validity {
    /// Reads it out of a certificate in DER.
    ///
    /// # Errors
    /// [`Error::InvalidCertificate`].
    pub fn of_certificate(der: &[u8]) -> Result<Self, Error> {
        let fields = Fields::read(der).ok_or(Error::InvalidCertificate)?;
        Ok(Self {
            not_before: fields.not_before,
            not_after: fields.not_after,
        })
    }
}
