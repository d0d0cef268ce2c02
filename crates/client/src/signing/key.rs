//! A private key of an account: what WeChat knows it by, and where it lies.

use http::HeaderValue;
use kabao_api::{Error, Reason};
use kabao_auth::{Identity, PrivateKey, RequestToSign, authorization};
use kabao_models::{Record, Sensitive};

use super::remote::Remote;
use super::{Unsigned, text_header, unfit};
use crate::clock::Clock;
use crate::origin::Hosts;

/// Where a private key lies.
pub(crate) enum Key {
    /// In this process: it takes a processor.
    Here(PrivateKey),
    /// Elsewhere: it is waited for.
    Elsewhere(Box<Remote>),
}

/// The first and the last second of a certificate, in Unix time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) from: i64,
    pub(crate) until: i64,
}

/// Signs with one key of an account, and only requests to the account's own hosts.
pub(crate) struct RequestSigner {
    identity: Identity,
    key: Key,
    /// `None` if the certificate is known by its serial number alone.
    validity: Option<Validity>,
    hosts: Hosts,
}

impl RequestSigner {
    pub(crate) fn new(
        identity: Identity,
        key: Key,
        validity: Option<Validity>,
        hosts: Hosts,
    ) -> Self {
        Self {
            identity,
            key,
            validity,
            hosts,
        }
    }

    /// Makes the `Authorization` header with a fresh time and nonce, where it is called or elsewhere.
    pub(crate) async fn authorize(
        &self,
        clock: &dyn Clock,
        request: &Unsigned<'_>,
    ) -> Result<HeaderValue, Error> {
        match &self.key {
            Key::Here(key) => self.authorize_here(key, clock, request),
            Key::Elsewhere(remote) => {
                let nonce = self.nonce(clock, request)?;
                let request = to_sign(request, clock, &nonce);
                finish(&remote.authorize(&self.identity, &request).await?)
            }
        }
    }

    /// The same at once, with a key of this process.
    pub(crate) fn authorize_here(
        &self,
        key: &PrivateKey,
        clock: &dyn Clock,
        request: &Unsigned<'_>,
    ) -> Result<HeaderValue, Error> {
        let nonce = self.nonce(clock, request)?;
        let header = authorization(&self.identity, key, &to_sign(request, clock, &nonce));
        finish(&header.map_err(unfit)?)
    }

    fn nonce(&self, clock: &dyn Clock, request: &Unsigned<'_>) -> Result<String, Error> {
        if !self.hosts.iter().any(|host| host == request.origin) {
            return Err(Error::new(
                Reason::Internal,
                "refused to sign for a host that is not the account's",
            ));
        }
        clock
            .nonce()
            .ok_or_else(|| Error::new(Reason::Internal, "the system gives no randomness"))
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    pub(crate) fn validity(&self) -> Option<Validity> {
        self.validity
    }

    pub(crate) fn hosts(&self) -> &Hosts {
        &self.hosts
    }
}

impl Validity {
    pub(crate) fn contains(self, now: i64) -> bool {
        (self.from..=self.until).contains(&now)
    }
}

/// Decrypts every sensitive field that is ciphertext for a key of this process.
///
/// The documents disagree on whether some fields are encrypted at all, so a field that does not
/// decrypt stays as it was received: still marked as encrypted, never taken for clear text.
pub(super) fn decrypt(received: &mut dyn Record, private_key: &PrivateKey) {
    received.visit_sensitive(&mut |field| {
        if let Sensitive::Encrypted(text) = field
            && let Ok(plaintext) = private_key.decrypt(text)
            && let Ok(text) = plaintext.to_str()
        {
            *field = Sensitive::Plain(text.to_owned());
        }
    });
}

fn to_sign<'r>(request: &'r Unsigned<'_>, clock: &dyn Clock, nonce: &'r str) -> RequestToSign<'r> {
    RequestToSign {
        method: request.method.as_str(),
        target: request.target,
        timestamp: clock.unix_seconds(),
        nonce,
        body: request.signed,
    }
}

fn finish(header: &str) -> Result<HeaderValue, Error> {
    let mut value = text_header(header)?;
    value.set_sensitive(true);
    Ok(value)
}
