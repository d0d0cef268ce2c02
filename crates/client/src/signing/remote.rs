//! A private key that lies elsewhere: waited for, in bounds, and left alone while it does not work.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use kabao_api::{AccountId, Error, Reason};
use kabao_auth::{Identity, RequestToSign, Signer, SignerError, authorization_by};
use kabao_models::{Record, Sensitive};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::unfit;
use crate::breaker::{Breaker, Change, Outcome, Pass, Probe};
use crate::clock::Clock;
use crate::settings::Settings;
use crate::vitals::SignerVitals;

/// Whoever left after so long has seen a signer that hangs.
const HANGING: Duration = Duration::from_secs(1);

/// A signer of one account, with what protects calls from it and it from calls.
pub(crate) struct Remote {
    account: AccountId,
    signer: Arc<dyn Signer>,
    clock: Arc<dyn Clock>,
    /// For one signature or one decryption, the wait for a place included.
    timeout: Duration,
    places: Semaphore,
    limit: usize,
    breaker: Mutex<Breaker>,
    failures: AtomicU64,
}

impl Remote {
    pub(crate) fn new(
        account: AccountId,
        signer: Arc<dyn Signer>,
        clock: Arc<dyn Clock>,
        settings: &Settings,
    ) -> Self {
        let limit = settings
            .max_concurrent_signatures
            .min(Semaphore::MAX_PERMITS);
        Self {
            account,
            signer,
            clock,
            timeout: settings.signer_timeout,
            places: Semaphore::new(limit),
            limit,
            breaker: Mutex::new(Breaker::new(settings.breaker.clone())),
            failures: AtomicU64::new(0),
        }
    }

    /// Has a request signed, and the signature verified.
    pub(super) async fn authorize(
        &self,
        identity: &Identity,
        request: &RequestToSign<'_>,
    ) -> Result<String, Error> {
        let work = authorization_by(identity, self.signer.as_ref(), request);
        match self.ask(work).await {
            Ok(header) => Ok(header),
            Err(Failed::Undecryptable) => Err(Error::new(
                Reason::Internal,
                "the signer says of a signature that it cannot be decrypted",
            )),
            Err(Failed::Told(error)) => Err(error),
        }
    }

    /// Decrypts the fields of what came encrypted for this key; others stay as they are.
    pub(super) async fn decrypt(&self, received: &mut dyn Record) -> Result<(), Error> {
        let mut fields = Vec::new();
        received.visit_sensitive(&mut |field| {
            if let Sensitive::Encrypted(text) = field {
                fields.push(text.clone());
            }
        });
        // What can be no ciphertext for the key costs no question: the documents disagree on what is encrypted.
        let decrypted = fields.iter().map(|text| async move {
            if !self.signer.public_key().may_have_encrypted(text) {
                return Ok(None);
            }
            match self.ask(self.signer.decrypt(text)).await {
                Ok(plaintext) => Ok(plaintext.to_str().ok().map(str::to_owned)),
                Err(Failed::Undecryptable) => Ok(None),
                Err(Failed::Told(error)) => Err(error),
            }
        });
        let mut decrypted = join_all(decrypted).await.into_iter();
        let mut failed = None;
        received.visit_sensitive(&mut |field| {
            if !matches!(field, Sensitive::Encrypted(_)) {
                return;
            }
            match decrypted.next() {
                Some(Ok(Some(text))) => *field = Sensitive::Plain(text),
                Some(Err(error)) => failed = Some(error),
                Some(Ok(None)) | None => {}
            }
        });
        failed.map_or(Ok(()), Err)
    }

    /// Tells whether there is a field that the key may decrypt.
    pub(super) fn may_decrypt(&self, received: &mut dyn Record) -> bool {
        let mut found = false;
        received.visit_sensitive(&mut |field| {
            if let Sensitive::Encrypted(text) = field {
                found |= self.signer.public_key().may_have_encrypted(text);
            }
        });
        found
    }

    /// Waits for the signer, unless it has not worked of late.
    async fn ask<T>(
        &self,
        work: impl Future<Output = Result<T, SignerError>>,
    ) -> Result<T, Failed> {
        let mut question = self.begin()?;
        let work = async {
            // The semaphore is never closed.
            let _place = self.places.acquire().await;
            work.await
        };
        let (outcome, failed) = match timeout(self.timeout, work).await {
            Ok(Ok(done)) => {
                question.answered(Outcome::Good);
                return Ok(done);
            }
            Ok(Err(SignerError::Undecryptable)) => (Outcome::Good, Failed::Undecryptable),
            Ok(Err(SignerError::Request(error))) => (Outcome::Nothing, unfit(error).into()),
            // It answered: a key that may sign and not decrypt shall go on signing.
            Ok(Err(error @ SignerError::Refused(_))) => (Outcome::Good, described(error).into()),
            Ok(Err(error)) => (Outcome::Bad, described(error).into()),
            Err(_) => (Outcome::Bad, late().into()),
        };
        question.answered(outcome);
        if matches!(failed, Failed::Told(_)) {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
        Err(failed)
    }

    fn begin(&self) -> Result<Question<'_>, Error> {
        let begun = Instant::now();
        let pass = self.lock().ask(begun, Probe::May).map_err(|pause| {
            Error::new(
                Reason::KeyUnavailable,
                "the signer of the account's private key has not worked of late; it is not asked for a moment",
            )
            .mark_retryable()
            .with_retry_after(pause)
        })?;
        Ok(Question {
            remote: self,
            pass: Some(pass),
            begun,
        })
    }

    pub(crate) fn vitals(&self) -> SignerVitals {
        SignerVitals::new(
            self.limit.saturating_sub(self.places.available_permits()),
            self.failures.load(Ordering::Relaxed),
            self.lock().state(Instant::now()),
        )
    }

    fn report(&self, pass: &Pass, outcome: Outcome) {
        let (now, jitter) = (Instant::now(), self.clock.jitter());
        let change = self.lock().report(pass, outcome, now, jitter);
        let account = &self.account;
        match change {
            None => {}
            Some(Change::Opened) => {
                tracing::warn!(%account, "the signer of the private key does not work and is not asked for a while");
            }
            Some(Change::Closed) => {
                tracing::info!(%account, "the signer of the private key works again");
            }
        }
    }

    /// Every change leaves the breaker whole.
    fn lock(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Remote").field(&self.signer).finish()
    }
}

/// Something that the signer was asked for. Dropped without an answer, it was given up.
struct Question<'r> {
    remote: &'r Remote,
    pass: Option<Pass>,
    begun: Instant,
}

impl Question<'_> {
    fn answered(&mut self, outcome: Outcome) {
        if let Some(pass) = self.pass.take() {
            self.remote.report(&pass, outcome);
        }
    }
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        if self.pass.is_none() {
            return;
        }
        if self.begun.elapsed() < HANGING {
            return self.answered(Outcome::Nothing);
        }
        self.remote.failures.fetch_add(1, Ordering::Relaxed);
        self.answered(Outcome::Bad);
    }
}

enum Failed {
    /// The signer works, and the field is not for its key.
    Undecryptable,
    Told(Error),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Told(error)
    }
}

fn late() -> Error {
    let message = "the signer of the account's private key did not answer in time";
    Error::new(Reason::KeyUnavailable, message).mark_retryable()
}

/// Nothing was sent, so each is a clean failure.
fn described(error: SignerError) -> Error {
    let unavailable = |message: &str| Error::new(Reason::KeyUnavailable, message);
    let described = match &error {
        SignerError::Refused(_) => {
            unavailable("the signer of the account's private key does not let the key be used")
                .with_remedy("look at the signer's key, its rights and its password")
        }
        SignerError::WrongSignature => {
            unavailable("the signer of the account's private key signs with another key")
                .with_remedy("configure the certificate of the key that the signer holds")
        }
        _ => unavailable("the signer of the account's private key does not work at present")
            .mark_retryable(),
    };
    described.with_source(error)
}
