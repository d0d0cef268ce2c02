//! What an account can prove, and which operations that serves.

use std::sync::Arc;

use kabao_api::{CredentialKind, CredentialState, CredentialStore, Error, Reason, TrustedKeyState};
use kabao_auth::{ApiV3Key, KeyId, KeyKind, KeySet, TrustedKey};
use kabao_models::{AnyEndpoint, Operation, Scheme, Sensitive};

use crate::health::Health;
use crate::keys::KeyStore;
use crate::portable::unix_seconds;
use crate::replays::Replays;
use crate::route::Route;
use crate::signing::{Keyring, Signing};
use crate::token::TokenSource;

/// The credentials of one account.
#[derive(Clone, Default)]
pub(crate) struct Credentials {
    pub(crate) merchant: Option<Arc<SignedCredential>>,
    pub(crate) brand: Option<Arc<SignedCredential>>,
    pub(crate) token: Option<Arc<TokenSource>>,
}

/// The keys that sign, and the keys that verify the answers.
pub(crate) struct SignedCredential {
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) signing: Signing,
    pub(crate) route: Route,
    pub(crate) keys: Arc<KeyStore>,
    /// Opens notifications: the APIv3 key of a merchant number, the API key of a brand.
    pub(crate) api_v3_key: Option<ApiV3Key>,
    pub(crate) health: Health,
    pub(crate) replays: Replays,
}

/// How the requests of one call are proved.
#[derive(Clone)]
pub(crate) enum Proof {
    /// By signature; the answers are signed too.
    Signature(Arc<SignedCredential>),
    /// By access token; TLS proves the answers.
    Token(Arc<TokenSource>),
    /// By the parameters themselves; TLS proves the answers.
    Parameters(Arc<TokenSource>),
}

impl Credentials {
    /// Keeps what WeChat hands out in a store from now on.
    pub(crate) fn keep_in(&self, store: &Arc<dyn CredentialStore>) {
        for signed in [&self.merchant, &self.brand].into_iter().flatten() {
            signed.keys.shelf().use_store(Arc::clone(store));
        }
        if let Some(token) = &self.token {
            token.shelf().use_store(Arc::clone(store));
        }
    }

    /// Tells what there is, without secrets.
    pub(crate) fn states(&self, now: i64) -> Vec<CredentialState> {
        let signed = [
            (CredentialKind::Merchant, &self.merchant),
            (CredentialKind::Brand, &self.brand),
        ];
        let signed = signed
            .into_iter()
            .filter_map(|(kind, credential)| Some(credential.as_ref()?.state(kind, now)));
        let token = self.token.iter().map(|token| {
            let mut state = CredentialState::new(CredentialKind::AccessToken, token.appid());
            state.access_token = Some(token.look());
            state.problem = token.health().problem();
            state
        });
        signed.chain(token).collect()
    }

    /// Picks the credential that the operation needs.
    pub(crate) fn proof(&self, operation: &'static Operation) -> Result<Proof, Error> {
        let missing = |what: &str| {
            Error::new(
                Reason::CredentialMissing,
                format!(
                    "{} needs {what}, which this account does not have",
                    operation.id
                ),
            )
        };
        match operation.scheme {
            Scheme::Merchant => self
                .merchant
                .clone()
                .map(Proof::Signature)
                .ok_or_else(|| missing("a merchant certificate (scheme WECHATPAY2)")),
            Scheme::Brand => self
                .brand
                .clone()
                .map(Proof::Signature)
                .ok_or_else(|| missing("a brand certificate (scheme WECHATPAY-BRAND)")),
            Scheme::AccessToken => self
                .token
                .clone()
                .map(Proof::Token)
                .ok_or_else(|| missing("an AppID with its app secret")),
            Scheme::Credentials => self
                .token
                .clone()
                .map(Proof::Parameters)
                .ok_or_else(|| missing("an AppID with its app secret")),
        }
    }
}

impl SignedCredential {
    /// Returns the merchant number or the brand that signs.
    pub(crate) fn number(&self) -> String {
        // All keys of an account are of one number.
        self.keyring.signing(0).identity().id().to_owned()
    }

    fn state(&self, kind: CredentialKind, now: i64) -> CredentialState {
        let identity = self.keyring.signing(now).identity();
        let mut state = CredentialState::new(kind, identity.id());
        state.serial_number = Some(identity.serial().to_string());
        state.certificate_ends = self.keyring.ends().and_then(unix_seconds);
        state.problem = self.health.problem();
        let keys = self.keys.snapshot();
        state.trusted_keys = keys
            .iter()
            .map(|key| {
                let validity = match key {
                    TrustedKey::Certificate(certificate) => {
                        Some((certificate.not_before(), certificate.not_after()))
                    }
                    TrustedKey::PublicKey { .. } => None,
                };
                TrustedKeyState {
                    id: key.id().to_string(),
                    is_certificate: validity.is_some(),
                    valid_from: validity.and_then(|(from, _)| unix_seconds(from)),
                    valid_until: validity.and_then(|(_, until)| unix_seconds(until)),
                    usable: key.is_valid_at(now),
                }
            })
            .collect();
        state
    }
}

impl Proof {
    pub(crate) fn route(&self) -> &Route {
        match self {
            Self::Signature(credential) => &credential.route,
            Self::Token(token) | Self::Parameters(token) => token.route(),
        }
    }

    fn health(&self) -> Option<&Health> {
        match self {
            Self::Signature(credential) => Some(&credential.health),
            Self::Token(token) => Some(token.health()),
            Self::Parameters(_) => None,
        }
    }

    /// Notes that WeChat took the credential.
    pub(crate) fn accepted(&self, operation: &Operation) {
        if let Some(health) = self.health() {
            health.well(operation.encrypts);
        }
    }

    /// Notes a failure, which may be one of the credential.
    pub(crate) fn failed(&self, operation: &Operation, error: &Error, now: i64) {
        if let Some(health) = self.health() {
            health.failed(error, operation.encrypts, now);
        }
    }
}

/// Encrypts every sensitive field with the key that `Wechatpay-Serial` will name, of the kind `named` if there is one,
/// and returns its id.
pub(crate) fn encrypt(
    request: &mut dyn AnyEndpoint,
    keys: &KeySet,
    named: KeyKind,
    now: i64,
) -> Result<KeyId, Error> {
    let Some(key) = keys.encryption_key(named, now) else {
        return Err(Error::new(
            Reason::KeyUnavailable,
            "there is no key of WeChat Pay to encrypt with",
        ));
    };
    let mut failed = None;
    request.visit_sensitive(&mut |field| {
        if let Sensitive::Plain(text) = field {
            match key.public_key().encrypt(text.as_bytes()) {
                Ok(ciphertext) => *field = Sensitive::Encrypted(ciphertext),
                Err(error) => failed = Some(error),
            }
        }
    });
    match failed {
        None => Ok(key.id()),
        Some(error) => Err(Error::new(
            Reason::FieldInvalid,
            "a sensitive field cannot be encrypted",
        )
        .with_source(error)),
    }
}
