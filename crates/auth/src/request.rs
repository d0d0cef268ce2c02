//! Signing requests.

use std::fmt;

use crate::{Error, Identity, PrivateKey, Signer, SignerError, message};

/// A request as it will be sent. What is signed must be what is sent, byte for byte.
#[derive(Clone, Copy)]
pub struct RequestToSign<'a> {
    /// The method in capitals.
    pub method: &'a str,
    /// Path and query exactly as in the request line, already percent-encoded.
    pub target: &'a str,
    /// The time of signing in Unix seconds; a new one for every attempt.
    pub timestamp: i64,
    /// 1 to 32 ASCII letters and digits; a new one for every attempt, see [`random_nonce`](crate::random_nonce).
    pub nonce: &'a str,
    /// The raw body; empty without one. For an upload only the bytes of the `meta` part.
    pub body: &'a [u8],
}

impl RequestToSign<'_> {
    /// Builds the message: method, target, timestamp, nonce and body, each closed by a line feed.
    pub fn message(&self) -> Vec<u8> {
        message::build(&[
            self.method.as_bytes(),
            self.target.as_bytes(),
            self.timestamp.to_string().as_bytes(),
            self.nonce.as_bytes(),
            self.body,
        ])
    }

    /// Refuses what would sign ambiguously or break the header.
    fn check(&self) -> Result<(), Error> {
        let capitals = |byte: u8| byte.is_ascii_uppercase();
        if self.method.is_empty() || !self.method.bytes().all(capitals) {
            return Err(Error::InvalidRequest("method"));
        }
        let printable = |byte: u8| byte.is_ascii_graphic() && byte != b'#';
        if !self.target.starts_with('/')
            || self.target.starts_with("//")
            || !self.target.bytes().all(printable)
        {
            return Err(Error::InvalidRequest("target"));
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric();
        if !(1..=32).contains(&self.nonce.len()) || !self.nonce.bytes().all(plain) {
            return Err(Error::InvalidRequest("nonce"));
        }
        Ok(())
    }
}

impl fmt::Debug for RequestToSign<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestToSign")
            .field("method", &self.method)
            .field("timestamp", &self.timestamp)
            .field("body_length", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Signs a request with a key of this process and returns the whole value of its `Authorization` header.
///
/// # Errors
/// [`Error::InvalidRequest`] for a method, target or nonce that cannot be signed; [`Error::Signing`].
pub fn authorization(
    identity: &Identity,
    key: &PrivateKey,
    request: &RequestToSign<'_>,
) -> Result<String, Error> {
    request.check()?;
    let signature = key.sign(&request.message())?;
    Ok(header(identity, request, &signature))
}

/// As [`authorization`], with a key that may lie elsewhere.
///
/// The signature is verified before it is used. WeChat answers a wrong one without a signature of its own, which
/// proves nothing about a write; so a signer that uses another key than it says would turn each write into one of
/// unknown outcome, in place of a clean failure.
///
/// # Errors
/// [`SignerError::Request`] for a method, target or nonce that cannot be signed, [`SignerError::WrongSignature`], and
/// what the signer reports.
pub async fn authorization_by(
    identity: &Identity,
    signer: &dyn Signer,
    request: &RequestToSign<'_>,
) -> Result<String, SignerError> {
    request.check()?;
    let message = request.message();
    let signature = signer.sign(&message).await?;
    match signer.public_key().verify(&message, &signature) {
        Ok(()) => Ok(header(identity, request, &signature)),
        Err(_) => Err(SignerError::WrongSignature),
    }
}

fn header(identity: &Identity, request: &RequestToSign<'_>, signature: &str) -> String {
    format!(
        "{} {}=\"{}\",nonce_str=\"{}\",signature=\"{signature}\",timestamp=\"{}\",serial_no=\"{}\"",
        identity.scheme(),
        identity.scheme().identity_field(),
        identity.id(),
        request.nonce,
        request.timestamp,
        identity.serial(),
    )
}
