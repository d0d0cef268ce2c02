//! What an account can do, and what it stands on.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;

use crate::{CallContext, Error, Method, Reason};

/// Describes and checks one account.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait AccountApi: Send + Sync {
    /// Tells which methods of the portable API the account supports, every one of them. Nothing is
    /// sent.
    fn capabilities(&self) -> Vec<Capability>;

    /// Tells the state of keys and tokens, without secrets. Nothing is sent.
    fn credentials(&self) -> Vec<CredentialState>;

    /// Proves the credentials by one cheap read each that changes nothing.
    ///
    /// # Errors
    ///
    /// Why the first read failed, such as
    /// [`Reason::CredentialRejected`](crate::Reason::CredentialRejected),
    /// [`Reason::KeyUnavailable`](crate::Reason::KeyUnavailable) or
    /// [`Reason::UpstreamUnverified`](crate::Reason::UpstreamUnverified).
    async fn check(&self, context: &CallContext) -> Result<Vec<Check>, Error>;
}

/// Whether an account supports a method of the portable API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capability {
    /// The method.
    pub method: Method,
    /// Whether it does anything at all for this account.
    pub supported: bool,
    /// Why not, or within which limits; `None` for a method that does all it is documented to do.
    pub limitation: Option<Cow<'static, str>>,
}

/// How an account proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CredentialKind {
    /// `WECHATPAY2-SHA256-RSA2048`: a merchant or a service provider signs.
    Merchant,
    /// `WECHATPAY-BRAND-SHA256-RSA2048`: a brand signs for itself.
    Brand,
    /// An access token, fetched with the app secret.
    AccessToken,
}

/// The state of one credential, without secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CredentialState {
    /// How it proves who the account is.
    pub kind: CredentialKind,
    /// The merchant number, the brand id or the AppID.
    pub number: String,
    /// The serial number of the account's own certificate.
    pub serial_number: Option<String>,
    /// When that certificate ends, if it is known.
    pub certificate_ends: Option<SystemTime>,
    /// The keys of WeChat that answers are verified with; none for access tokens.
    pub trusted_keys: Vec<TrustedKeyState>,
    /// The access token; none for credentials that sign.
    pub access_token: Option<AccessTokenState>,
    /// Why WeChat did not take it the last time it was used; none once it was taken again.
    pub problem: Option<CredentialProblem>,
}

/// Why a credential, or a key of WeChat, is not good any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialProblem {
    /// [`Reason::CredentialRejected`] or [`Reason::KeyUnavailable`].
    pub reason: Reason,
    /// What happened and what helps, for the operator.
    pub message: String,
    /// Since when, as far as calls have shown it.
    pub since: SystemTime,
}

impl CredentialState {
    /// Makes the state of a credential of which only kind and number are known.
    pub fn new(kind: CredentialKind, number: impl Into<String>) -> Self {
        Self {
            kind,
            number: number.into(),
            serial_number: None,
            certificate_ends: None,
            trusted_keys: Vec::new(),
            access_token: None,
            problem: None,
        }
    }
}

/// A key of WeChat that answers are verified with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedKeyState {
    /// The public key id or the serial number of the certificate, as `Wechatpay-Serial` has it.
    pub id: String,
    /// Whether it is a platform certificate rather than a public key.
    pub is_certificate: bool,
    /// From when the certificate is valid.
    pub valid_from: Option<SystemTime>,
    /// Until when the certificate is valid.
    pub valid_until: Option<SystemTime>,
    /// Whether it is within its validity now.
    pub usable: bool,
}

/// The access token of an official account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccessTokenState {
    /// Whether there is one that is used for the next call.
    pub held: bool,
    /// After which time another one is fetched.
    pub renews_in: Option<Duration>,
}

/// What a read of [`AccountApi::check`] proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The operation that was called, by its id in the catalogue.
    pub operation: &'static str,
    /// The credential that it was called with.
    pub credential: CredentialKind,
    /// Whether the answer carried a signature of WeChat, which was verified. Where it did not, TLS
    /// is the proof that it comes from WeChat.
    pub signature_verified: bool,
}
