//! X.509 certificates, as far as the protocol looks into them.

use std::fmt;

use crate::der::{self, Reader};
use crate::{Error, KeyId, PrivateKey, PublicKey, SerialNumber, pem};

/// DER of the object identifier 2.5.4.3, `commonName`.
const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];

/// A certificate: a merchant's own or one of WeChat Pay's.
///
/// Reading it does not prove anything about its issuer: trust comes from where it was obtained.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    serial: SerialNumber,
    public_key: PublicKey,
    common_name: Option<String>,
    not_before: i64,
    not_after: i64,
}

impl Certificate {
    /// Reads the first certificate of a PEM text.
    ///
    /// # Errors
    /// One of the PEM errors of [`Error`], [`Error::InvalidCertificate`], [`Error::KeyTooSmall`]
    /// or [`Error::InvalidKey`].
    pub fn from_pem(text: &str) -> Result<Self, Error> {
        let der = pem::find(text, &[pem::CERTIFICATE], pem::CERTIFICATE)?.der()?;
        let fields = Fields::read(&der).ok_or(Error::InvalidCertificate)?;
        Ok(Self {
            serial: SerialNumber::from_be_bytes(fields.serial)
                .map_err(|_| Error::InvalidCertificate)?,
            public_key: PublicKey::from_spki_der(fields.public_key)?,
            common_name: fields.common_name.map(str::to_owned),
            not_before: fields.not_before,
            not_after: fields.not_after,
        })
    }

    /// Returns the serial number.
    pub fn serial(&self) -> &SerialNumber {
        &self.serial
    }

    /// Returns the serial number as what `Wechatpay-Serial` would hold.
    pub fn key_id(&self) -> KeyId {
        KeyId::Certificate(self.serial)
    }

    /// Returns the certified key.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// Returns the last common name of the subject; for a merchant certificate this is the merchant number.
    pub fn common_name(&self) -> Option<&str> {
        self.common_name.as_deref()
    }

    /// Returns the first second of validity in Unix time.
    pub fn not_before(&self) -> i64 {
        self.not_before
    }

    /// Returns the last second of validity in Unix time.
    pub fn not_after(&self) -> i64 {
        self.not_after
    }

    /// Tells whether the certificate is valid at a moment in Unix seconds.
    pub fn is_valid_at(&self, now: i64) -> bool {
        (self.not_before..=self.not_after).contains(&now)
    }

    /// Tells whether the certificate belongs to this private key.
    pub fn matches(&self, private_key: &PrivateKey) -> bool {
        self.public_key == *private_key.public_key()
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("serial", &self.serial)
            .field("not_before", &self.not_before)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

/// What the crate looks at in a certificate.
pub(crate) struct Fields<'a> {
    serial: &'a [u8],
    public_key: &'a [u8],
    common_name: Option<&'a str>,
    pub(crate) not_before: i64,
    pub(crate) not_after: i64,
}

impl<'a> Fields<'a> {
    pub(crate) fn read(der: &'a [u8]) -> Option<Self> {
        let mut input = Reader::new(der);
        let mut certificate = Reader::new(input.expect(der::SEQUENCE)?.contents);
        let mut body = Reader::new(certificate.expect(der::SEQUENCE)?.contents);
        body.optional(der::CONTEXT_0);
        let serial = body.expect(der::INTEGER)?.contents;
        let _signature_algorithm = body.expect(der::SEQUENCE)?;
        let _issuer = body.expect(der::SEQUENCE)?;
        let mut validity = Reader::new(body.expect(der::SEQUENCE)?.contents);
        let not_before = der::unix_seconds(&validity.any()?)?;
        let not_after = der::unix_seconds(&validity.any()?)?;
        let subject = body.expect(der::SEQUENCE)?.contents;
        let public_key = body.expect(der::SEQUENCE)?.encoding;
        let negative = serial.first().is_some_and(|byte| *byte >= 0x80);
        let complete = input.is_empty() && validity.is_empty() && !negative;
        complete.then_some(Self {
            serial,
            public_key,
            common_name: common_name(subject),
            not_before,
            not_after,
        })
    }
}

/// Returns the last common name of a subject: the contents of a DER `Name`, without its outer tag and length.
pub fn common_name(subject: &[u8]) -> Option<&str> {
    let mut names = Reader::new(subject);
    let mut found = None;
    while let Some(set) = names.expect(der::SET) {
        let mut attribute = Reader::new(Reader::new(set.contents).expect(der::SEQUENCE)?.contents);
        let kind = attribute.expect(der::OBJECT_IDENTIFIER)?;
        let value = attribute.any()?;
        let is_text = [der::UTF8_STRING, der::PRINTABLE_STRING].contains(&value.tag);
        if kind.contents == COMMON_NAME && is_text {
            found = std::str::from_utf8(value.contents).ok();
        }
    }
    found
}
