//! Verifying answers and notifications.

use crate::freshness::{Freshness, parse_timestamp};
use crate::{KeyId, KeySet, Scheme, SignatureError, Verified, message};

/// What the signature of probe traffic starts with.
pub(crate) const PROBE_PREFIX: &str = "WECHATPAY/SIGNTEST/";

/// The five signature headers of an answer or a notification, as received.
#[derive(Clone, Copy, Debug, Default)]
pub struct SignatureHeaders<'a> {
    /// `Wechatpay-Timestamp`.
    pub timestamp: Option<&'a str>,
    /// `Wechatpay-Nonce`.
    pub nonce: Option<&'a str>,
    /// `Wechatpay-Serial`.
    pub serial: Option<&'a str>,
    /// `Wechatpay-Signature`.
    pub signature: Option<&'a str>,
    /// `Wechatpay-Signature-Type`; without it, the merchant scheme is meant.
    pub signature_type: Option<&'a str>,
}

impl<'a> SignatureHeaders<'a> {
    /// The name of the timestamp header in lower case.
    pub const TIMESTAMP: &'static str = "wechatpay-timestamp";
    /// The name of the nonce header in lower case.
    pub const NONCE: &'static str = "wechatpay-nonce";
    /// The name of the serial header in lower case.
    pub const SERIAL: &'static str = "wechatpay-serial";
    /// The name of the signature header in lower case.
    pub const SIGNATURE: &'static str = "wechatpay-signature";
    /// The name of the signature type header in lower case.
    pub const SIGNATURE_TYPE: &'static str = "wechatpay-signature-type";

    /// Collects the headers by asking for each lower-case name.
    pub fn read(mut header: impl FnMut(&'static str) -> Option<&'a str>) -> Self {
        Self {
            timestamp: header(Self::TIMESTAMP),
            nonce: header(Self::NONCE),
            serial: header(Self::SERIAL),
            signature: header(Self::SIGNATURE),
            signature_type: header(Self::SIGNATURE_TYPE),
        }
    }

    /// Tells whether none of the four required headers is present: the answer does not claim to be signed.
    pub fn is_unsigned(&self) -> bool {
        [self.timestamp, self.nonce, self.serial, self.signature]
            .iter()
            .all(|header| header.is_none_or(str::is_empty))
    }
}

/// Why an answer or a notification is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerificationError {
    /// A required header is absent or empty.
    #[error("header {0} is missing")]
    MissingHeader(&'static str),
    /// `Wechatpay-Signature-Type` is not one of the RSA schemes.
    #[error("the signature type is not supported")]
    UnsupportedSignatureType,
    /// `Wechatpay-Serial` is neither a serial number nor a public key id, so that no refresh can help.
    #[error("the key id is malformed")]
    MalformedKeyId,
    /// No trusted key has this id. One refresh of the key set is worth trying.
    #[error("no trusted key has the id {0}")]
    UnknownKey(KeyId),
    /// The certificate named is outside its validity, in which WeChat Pay does not sign with it.
    #[error("the certificate {0} is outside its validity")]
    CertificateNotValid(KeyId),
    /// `Wechatpay-Timestamp` is not a decimal number.
    #[error("the timestamp is malformed")]
    MalformedTimestamp,
    /// The timestamp is too far from the clock: a replay, or a wrong clock.
    #[error("the timestamp deviates too far from the clock")]
    StaleTimestamp,
    /// The signature is not base64.
    #[error("the signature is not base64")]
    SignatureEncoding,
    /// The signature was not made by the key named over these bytes.
    #[error("the signature does not match")]
    SignatureMismatch,
    /// The signature is deliberately wrong: WeChat Pay tests the receiver. It must be refused like any other
    /// mismatch; a retried request or a re-sent notification is not probed again.
    #[error("the signature is a deliberately wrong probe")]
    Probe,
}

impl VerificationError {
    /// Returns a stable name for programs and test vectors.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::MissingHeader(_) => "MISSING_HEADER",
            Self::UnsupportedSignatureType => "UNSUPPORTED_SIGNATURE_TYPE",
            Self::MalformedKeyId | Self::UnknownKey(_) => "UNKNOWN_SERIAL",
            Self::CertificateNotValid(_) => "CERTIFICATE_NOT_VALID",
            Self::MalformedTimestamp => "TIMESTAMP_INVALID",
            Self::StaleTimestamp => "TIMESTAMP_EXPIRED",
            Self::SignatureEncoding => "SIGNATURE_ENCODING",
            Self::SignatureMismatch | Self::Probe => "SIGNATURE_MISMATCH",
        }
    }
}

/// Verifies the raw bytes of an answer or a notification and wraps them as [`Verified`].
///
/// `freshness` is the time in Unix seconds, or a [`Freshness`] for another deviation than 300 s.
/// Checks run in the documented order: headers, key id, timestamp, and the signature last, with exactly the key named.
///
/// # Errors
/// [`VerificationError`] names the first check that failed.
pub fn verify<B: AsRef<[u8]>>(
    headers: &SignatureHeaders<'_>,
    body: B,
    keys: &KeySet,
    freshness: impl Into<Freshness>,
) -> Result<Verified<B>, VerificationError> {
    let freshness = freshness.into();
    let timestamp = required(headers.timestamp, SignatureHeaders::TIMESTAMP)?;
    let nonce = required(headers.nonce, SignatureHeaders::NONCE)?;
    let serial = required(headers.serial, SignatureHeaders::SERIAL)?;
    let signature = required(headers.signature, SignatureHeaders::SIGNATURE)?;
    if headers
        .signature_type
        .is_some_and(|token| Scheme::from_token(token).is_none())
    {
        return Err(VerificationError::UnsupportedSignatureType);
    }

    let key_id: KeyId = serial
        .parse()
        .map_err(|_| VerificationError::MalformedKeyId)?;
    let Some(key) = keys.get(&key_id) else {
        return Err(VerificationError::UnknownKey(key_id));
    };
    if !key.is_valid_at(freshness.now) {
        return Err(VerificationError::CertificateNotValid(key_id));
    }

    let seconds = parse_timestamp(timestamp).ok_or(VerificationError::MalformedTimestamp)?;
    if !freshness.accepts(seconds) {
        return Err(VerificationError::StaleTimestamp);
    }

    let digest = message::digest(&[timestamp.as_bytes(), nonce.as_bytes(), body.as_ref()]);
    match key.public_key().verify_digest(&digest, signature) {
        Ok(()) => Ok(Verified::new(body, key_id, seconds)),
        Err(_) if signature.starts_with(PROBE_PREFIX) => Err(VerificationError::Probe),
        Err(SignatureError::Encoding) => Err(VerificationError::SignatureEncoding),
        Err(SignatureError::Mismatch) => Err(VerificationError::SignatureMismatch),
    }
}

fn required<'a>(header: Option<&'a str>, name: &'static str) -> Result<&'a str, VerificationError> {
    header
        .filter(|value| !value.is_empty())
        .ok_or(VerificationError::MissingHeader(name))
}
