//! Authenticating requests, as WeChat Pay does: every check, in its order, with its refusal.

use std::fmt;

use crate::freshness::Freshness;
use crate::{Authorization, PublicKey, Scheme, SerialNumber, message};

/// A request as it was received. Nothing is normalised.
#[derive(Clone, Copy)]
pub struct ReceivedRequest<'a> {
    /// The method.
    pub method: &'a str,
    /// Path and query exactly as in the request line.
    pub target: &'a str,
    /// The bytes that count as signed: the raw body, or the content of the `meta` part of an upload.
    pub body: &'a [u8],
}

/// Why a request is refused before its content is looked at.
///
/// Status, code and message of each refusal are those of the service; a message is one wording among those seen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthenticationError {
    /// `Accept` or `User-Agent` is absent; checked before authentication, by some path groups only.
    #[error("Accept or User-Agent is missing")]
    MissingClientHeaders,
    /// There is no `Authorization` header, or it is not of the prescribed form.
    #[error("the Authorization header is missing or malformed")]
    Malformed,
    /// `Authorization` lacks this field.
    #[error("the Authorization header lacks {0}")]
    MissingField(&'static str),
    /// The scheme is not understood or does not belong to this path.
    #[error("the authorization scheme is unknown or unfit for the path")]
    UnknownScheme,
    /// The timestamp is too far from the clock.
    #[error("the timestamp deviates too far from the clock")]
    ClockSkew,
    /// The serial number is not one of the caller's certificates.
    #[error("the certificate serial number is not one of the caller's")]
    UnknownSerial,
    /// The signature does not fit the request.
    #[error("the signature does not match")]
    SignMismatch(Box<SignMismatch>),
}

impl AuthenticationError {
    /// Returns the HTTP status of the refusal.
    pub fn status(&self) -> u16 {
        match self {
            Self::MissingClientHeaders => 400,
            _ => 401,
        }
    }

    /// Returns the `code` of the refusal's body.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingClientHeaders => "INVALID_REQUEST",
            _ => "SIGN_ERROR",
        }
    }

    /// Returns the `message` of the refusal's body.
    pub fn message(&self) -> &'static str {
        match self {
            Self::MissingClientHeaders => "Http头缺少Accept或User-Agent",
            Self::Malformed | Self::MissingField(_) => {
                "Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》"
            }
            Self::UnknownScheme => "Http头Authorization认证类型不正确",
            Self::ClockSkew => "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟",
            Self::UnknownSerial => "商户证书序列号有误。请使用签名私钥匹配的证书序列号",
            Self::SignMismatch(_) => "错误的签名，验签失败",
        }
    }
}

/// What the service tells about a signature that does not fit: the member `sign_information`.
#[derive(Clone, PartialEq, Eq)]
pub struct SignMismatch {
    /// `method` as received.
    pub method: String,
    /// `url`: the target as received.
    pub url: String,
    /// `sign_message_length`: the length in bytes of the message that the server built.
    pub sign_message_length: usize,
    /// `truncated_sign_message`: the message with its body cut after 8 bytes.
    pub truncated_sign_message: String,
}

/// Targets and bodies can hold personal data.
impl fmt::Debug for SignMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignMismatch")
            .field("method", &self.method)
            .field("sign_message_length", &self.sign_message_length)
            .finish_non_exhaustive()
    }
}

/// Refuses a request without `Accept` or `User-Agent`.
///
/// # Errors
/// [`AuthenticationError::MissingClientHeaders`].
pub fn require_client_headers(
    accept: Option<&str>,
    user_agent: Option<&str>,
) -> Result<(), AuthenticationError> {
    let present = |header: Option<&str>| header.is_some_and(|value| !value.is_empty());
    if present(accept) && present(user_agent) {
        Ok(())
    } else {
        Err(AuthenticationError::MissingClientHeaders)
    }
}

/// Authenticates a request: scheme, syntax of the header, clock, serial number, signature, in this order.
///
/// `find` gives the key of the certificate with this serial number if it belongs to this merchant number or brand id.
/// `freshness` is the time in Unix seconds, or a [`Freshness`] for another deviation than 300 s.
///
/// # Errors
/// [`AuthenticationError`] names the first check that failed.
pub fn authenticate(
    header: Option<&str>,
    request: &ReceivedRequest<'_>,
    freshness: impl Into<Freshness>,
    find: impl FnOnce(&str, &SerialNumber) -> Option<PublicKey>,
) -> Result<Authorization, AuthenticationError> {
    let header = header.ok_or(AuthenticationError::Malformed)?;
    if Authorization::scheme_of(header)? != Scheme::of_target(request.target) {
        return Err(AuthenticationError::UnknownScheme);
    }
    let authorization = Authorization::parse(header)?;
    if !freshness.into().accepts(authorization.timestamp()) {
        return Err(AuthenticationError::ClockSkew);
    }
    let key = authorization
        .serial()
        .and_then(|serial| find(authorization.identity(), &serial))
        .ok_or(AuthenticationError::UnknownSerial)?;
    authorization.verify(request, &key)?;
    Ok(authorization)
}

impl Authorization {
    /// Verifies the signature over a request with the caller's key, and nothing else.
    ///
    /// # Errors
    /// [`AuthenticationError::SignMismatch`], also for a signature that is not base64.
    pub fn verify(
        &self,
        request: &ReceivedRequest<'_>,
        key: &PublicKey,
    ) -> Result<(), AuthenticationError> {
        let message = [
            request.method.as_bytes(),
            request.target.as_bytes(),
            self.timestamp_text().as_bytes(),
            self.nonce().as_bytes(),
            request.body,
        ];
        key.verify_digest(&message::digest(&message), self.signature())
            .map_err(|_| {
                let [method, target, timestamp, nonce, body] = message;
                let (start, _) = body.split_at_checked(8).unwrap_or((body, b""));
                let truncated = message::build(&[method, target, timestamp, nonce, start]);
                AuthenticationError::SignMismatch(Box::new(SignMismatch {
                    method: request.method.to_owned(),
                    url: request.target.to_owned(),
                    sign_message_length: message::length(&message),
                    truncated_sign_message: String::from_utf8_lossy(&truncated).into_owned(),
                }))
            })
    }
}
