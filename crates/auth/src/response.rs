//! Signing answers and notifications, as WeChat Pay does.

use crate::verification::PROBE_PREFIX;
use crate::{Error, KeyId, PrivateKey, Scheme, SignatureHeaders, message};

/// An answer or a notification that is to be signed with WeChat Pay's key.
#[derive(Clone, Copy)]
pub struct ResponseToSign<'a> {
    /// The time of signing in Unix seconds.
    pub timestamp: i64,
    /// 32 letters and digits; see [`random_nonce`](crate::random_nonce).
    pub nonce: &'a str,
    /// The raw body; empty for an answer without one.
    pub body: &'a [u8],
}

/// The values of the five signature headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseSignature {
    /// `Wechatpay-Timestamp`.
    pub timestamp: String,
    /// `Wechatpay-Nonce`.
    pub nonce: String,
    /// `Wechatpay-Serial`.
    pub serial: String,
    /// `Wechatpay-Signature`.
    pub signature: String,
    /// `Wechatpay-Signature-Type`.
    pub signature_type: &'static str,
}

impl ResponseSignature {
    /// Returns names (in lower case) and values of the headers.
    pub fn headers(&self) -> [(&'static str, &str); 5] {
        [
            (SignatureHeaders::TIMESTAMP, &self.timestamp),
            (SignatureHeaders::NONCE, &self.nonce),
            (SignatureHeaders::SERIAL, &self.serial),
            (SignatureHeaders::SIGNATURE, &self.signature),
            (SignatureHeaders::SIGNATURE_TYPE, self.signature_type),
        ]
    }

    /// Returns the headers in the form that [`verify`](crate::verify) takes.
    pub fn as_headers(&self) -> SignatureHeaders<'_> {
        SignatureHeaders {
            timestamp: Some(&self.timestamp),
            nonce: Some(&self.nonce),
            serial: Some(&self.serial),
            signature: Some(&self.signature),
            signature_type: Some(self.signature_type),
        }
    }

    /// Spoils the signature as probe traffic does: the documented prefix, then the tail of the real signature.
    #[must_use]
    pub fn into_probe(mut self) -> Self {
        let tail = self.signature.get(PROBE_PREFIX.len()..).unwrap_or_default();
        self.signature = format!("{PROBE_PREFIX}{tail}");
        self
    }
}

/// Signs an answer or a notification with the private half of the key that `key_id` names.
///
/// # Errors
/// [`Error::Signing`] if the library refuses.
pub fn sign_response(
    private_key: &PrivateKey,
    key_id: &KeyId,
    scheme: Scheme,
    response: &ResponseToSign<'_>,
) -> Result<ResponseSignature, Error> {
    let timestamp = response.timestamp.to_string();
    let message = message::build(&[
        timestamp.as_bytes(),
        response.nonce.as_bytes(),
        response.body,
    ]);
    Ok(ResponseSignature {
        signature: private_key.sign(&message)?,
        timestamp,
        nonce: response.nonce.to_owned(),
        serial: key_id.to_string(),
        signature_type: scheme.token(),
    })
}
