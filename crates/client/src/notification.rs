//! What WeChat Pay tells a merchant or a brand by a request of its own: believed, opened and read.
//!
//! The order is that of answers: nothing is read before its signature was verified over the bytes that were received.

#[cfg(test)]
mod tests;

use std::time::Duration;

use kabao_api::{Error, Reason};
use kabao_auth::{Plaintext, Sealed, SignatureHeaders, VerificationError, Verified, verify};
use kabao_models::{DecodeError, Family, Record, brand, merchant};
use serde::Deserialize;
use tokio::time::timeout;

use crate::client::Client;
use crate::pipeline::credentials::{Credentials, SignedCredential};
use crate::signing::decrypt_fields;

/// A notification of WeChat Pay, which nobody else can have made.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Notification {
    /// Its own name, the same each time that it is sent again: whoever has acted on it acts no more.
    pub id: String,
    /// Its type, such as `MEMBERCARD.ACTIVATE_CARD`.
    pub event_type: String,
    /// When it was made, in RFC 3339.
    pub create_time: Option<String>,
    /// What has happened, in a few words.
    pub summary: Option<String>,
    /// What has happened.
    pub event: Event,
}

/// What has happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// To a card of a merchant.
    Merchant(merchant::Notification),
    /// To a card of a brand.
    Brand(brand::Notification),
    /// Something of a type that the family does not have: as JSON, which may hold personal data.
    Other(Plaintext),
}

impl Client {
    /// Reads a notification of WeChat Pay: verifies its signature and its time over the body as it was received, with
    /// the keys of the account; opens it with the APIv3 key, or the API key of a brand; and decrypts its fields. What
    /// does not decrypt stays as it was received.
    ///
    /// Answer it with 200 or 204 once what it says is safe, a repeat too, and with 401 or 500 if this fails: then
    /// WeChat Pay sends it again.
    ///
    /// # Errors
    ///
    /// - `UPSTREAM_UNVERIFIED` for what WeChat Pay has not signed within the last five minutes, with a
    ///   [`VerificationError`] as its source.
    /// - `CREDENTIAL_MISSING` without an APIv3 key, and `CREDENTIAL_REJECTED` with another one than WeChat Pay has.
    /// - `UPSTREAM_MALFORMED` for what is not as documented.
    /// - `KEY_UNAVAILABLE` if the signer that decrypts does not work.
    /// - `NOT_SUPPORTED_BY_FAMILY` for official accounts, whose messages are others.
    pub async fn read_notification(
        &self,
        headers: &SignatureHeaders<'_>,
        body: &[u8],
    ) -> Result<Notification, Error> {
        let pipeline = self.pipeline();
        let now = pipeline.clock().unix_seconds();
        let patience = pipeline.settings().call_timeout;
        let received = Received { headers, body, now };
        received
            .read(self.family(), pipeline.credentials(), patience)
            .await
    }
}

/// What was received, and when.
struct Received<'r> {
    headers: &'r SignatureHeaders<'r>,
    body: &'r [u8],
    now: i64,
}

impl<'r> Received<'r> {
    async fn read(
        &self,
        family: Family,
        credentials: &Credentials,
        patience: Duration,
    ) -> Result<Notification, Error> {
        if family == Family::OfficialAccount {
            return Err(Error::new(
                Reason::NotSupportedByFamily,
                "messages of official accounts are no notifications of WeChat Pay",
            ));
        }
        let (credential, proof) = self.believe(credentials, patience).await?;
        let envelope: Envelope = serde_json::from_slice(proof.body()).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            // The text of the error may quote what was received.
            malformed(format!(
                "the notification is not as documented at line {line}, column {column}"
            ))
        })?;
        let plaintext = open(credential, &proof, &envelope.resource)?;
        let mut event = Event::read(family, &envelope.event_type, plaintext)?;
        if let Some(payload) = event.payload_mut() {
            let keys = credential.keyring.decrypting(self.now);
            decrypt_fields(payload, keys).await?;
        }
        Ok(Notification {
            id: envelope.id,
            event_type: envelope.event_type,
            create_time: envelope.create_time,
            summary: envelope.summary,
            event,
        })
    }

    /// Verifies it by the credential whose key it names: a brand may have keys of its own and those of its service
    /// provider.
    async fn believe<'c>(
        &self,
        credentials: &'c Credentials,
        patience: Duration,
    ) -> Result<(&'c SignedCredential, Verified<&'r [u8]>), Error> {
        let mut unknown = None;
        for credential in [&credentials.merchant, &credentials.brand]
            .into_iter()
            .flatten()
        {
            match self.verify(credential, patience).await {
                Ok(proof) => return Ok((credential, proof)),
                Err(error @ VerificationError::UnknownKey(_)) => unknown = Some(error),
                Err(error) => return Err(unbelievable().with_source(error)),
            }
        }
        Err(match unknown {
            Some(error) => unbelievable().with_source(error),
            None => missing("the account has no keys of WeChat Pay"),
        })
    }

    async fn verify(
        &self,
        credential: &SignedCredential,
        patience: Duration,
    ) -> Result<Verified<&'r [u8]>, VerificationError> {
        let keys = credential.keys.snapshot();
        let checked = verify(self.headers, self.body, &keys, self.now);
        if let Err(VerificationError::UnknownKey(id)) = &checked
            && let looking = credential.keys.look_for(id, self.now)
            && let Ok(Some(keys)) = timeout(patience, looking).await
        {
            return verify(self.headers, self.body, &keys, self.now);
        }
        checked
    }
}

/// What stands around the sealed event.
#[derive(Deserialize)]
struct Envelope {
    id: String,
    event_type: String,
    create_time: Option<String>,
    summary: Option<String>,
    resource: Resource,
}

#[derive(Deserialize)]
struct Resource {
    algorithm: String,
    nonce: String,
    associated_data: Option<String>,
    ciphertext: String,
}

fn open(
    credential: &SignedCredential,
    proof: &Verified<&[u8]>,
    resource: &Resource,
) -> Result<Plaintext, Error> {
    let Some(key) = &credential.api_v3_key else {
        return Err(missing(
            "the account has no APIv3 key, which opens notifications",
        ));
    };
    let sealed = Sealed {
        algorithm: &resource.algorithm,
        nonce: &resource.nonce,
        associated_data: resource.associated_data.as_deref().unwrap_or_default(),
        ciphertext: &resource.ciphertext,
    };
    key.open(proof, &sealed).map_err(|error| match error {
        kabao_auth::Error::AeadTagMismatch => Error::new(
            Reason::CredentialRejected,
            "the notification is sealed with another APIv3 key than the account has",
        )
        .with_remedy("configure the APIv3 key that is set on the merchant platform")
        .with_source(error),
        error => malformed("the notification is not sealed as documented").with_source(error),
    })
}

impl Event {
    fn read(family: Family, event_type: &str, plaintext: Plaintext) -> Result<Self, Error> {
        let bytes = plaintext.as_bytes();
        let unread = |error: DecodeError| {
            malformed("what the notification says is not as documented").with_source(error)
        };
        let known = match family {
            Family::Brand => brand::Notification::parse(event_type, bytes)
                .map_err(unread)?
                .map(Self::Brand),
            _ => merchant::Notification::parse(event_type, bytes)
                .map_err(unread)?
                .map(Self::Merchant),
        };
        Ok(known.unwrap_or(Self::Other(plaintext)))
    }

    fn payload_mut(&mut self) -> Option<&mut dyn Record> {
        match self {
            Self::Merchant(notification) => Some(notification.payload_mut()),
            Self::Brand(notification) => Some(notification.payload_mut()),
            Self::Other(_) => None,
        }
    }
}

fn unbelievable() -> Error {
    Error::new(
        Reason::UpstreamUnverified,
        "the notification is not proved to come from WeChat Pay and was discarded",
    )
}

fn missing(what: &str) -> Error {
    Error::new(Reason::CredentialMissing, what)
}

fn malformed(what: impl Into<String>) -> Error {
    Error::new(Reason::UpstreamMalformed, what)
}
