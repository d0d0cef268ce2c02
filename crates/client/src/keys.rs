//! The keys of WeChat Pay that an account trusts: one set, swapped as a whole.

mod download;

use std::time::Duration;

use kabao_api::{Error, Reason};
use kabao_auth::{KeyId, KeySet, TrustedKey};
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

pub(crate) use self::download::CertificateSource;

/// Forged serials must not drive traffic: an unknown one leads to a download at most this often.
const UNKNOWN_KEY_INTERVAL: Duration = Duration::from_secs(60);
/// After a failed first download, calls fail for this long without another one.
const BOOTSTRAP_INTERVAL: Duration = Duration::from_secs(1);

/// Holds the current set and, where the account has an APIv3 key, the way to a newer one.
pub(crate) struct KeyStore {
    current: watch::Sender<KeySet>,
    source: Option<CertificateSource>,
    /// Held during a download, so that there is only one; remembers the last one.
    gate: Mutex<Option<Last>>,
}

/// When the last download ended, and how if it failed.
struct Last {
    ended: Instant,
    failure: Option<Remembered>,
}

/// What is said again during the pause after a failure.
struct Remembered {
    reason: Reason,
    message: String,
    remedy: Option<String>,
    retryable: bool,
}

impl Last {
    fn of(result: &Result<KeySet, Error>) -> Self {
        Self {
            ended: Instant::now(),
            failure: result.as_ref().err().map(|error| Remembered {
                reason: error.reason(),
                message: error.message().to_owned(),
                remedy: error.remedy().map(str::to_owned),
                retryable: error.is_retryable(),
            }),
        }
    }
}

impl Remembered {
    /// The same failure, with the rest of the pause.
    fn again(&self, pause: Duration) -> Error {
        let mut error = Error::new(self.reason, self.message.clone());
        if let Some(remedy) = &self.remedy {
            error = error.with_remedy(remedy.clone());
        }
        if self.retryable {
            error.with_retry_after(pause).mark_retryable()
        } else {
            error
        }
    }
}

impl KeyStore {
    /// Starts with the configured keys; `source` downloads platform certificates.
    pub(crate) fn new(configured: KeySet, source: Option<CertificateSource>) -> Self {
        Self {
            current: watch::Sender::new(configured),
            source,
            gate: Mutex::new(None),
        }
    }

    /// Tells whether certificates can be downloaded.
    pub(crate) fn downloads(&self) -> bool {
        self.source.is_some()
    }

    /// Returns the current set.
    pub(crate) fn snapshot(&self) -> KeySet {
        self.current.borrow().clone()
    }

    /// Returns a set with a key that is valid now, downloading the first certificates if need be.
    pub(crate) async fn trusted(&self, now: i64) -> Result<KeySet, Error> {
        let keys = self.snapshot();
        if is_usable(&keys, now) {
            return Ok(keys);
        }
        let Some(source) = &self.source else {
            return Err(Error::new(
                Reason::KeyUnavailable,
                "the account has neither a WeChat Pay public key nor an APIv3 key to download certificates with",
            ));
        };
        let mut last = self.gate.lock().await;
        let keys = self.snapshot();
        if is_usable(&keys, now) {
            return Ok(keys);
        }
        if let Some(Last {
            ended,
            failure: Some(failure),
        }) = &*last
            && let Some(pause) = BOOTSTRAP_INTERVAL.checked_sub(ended.elapsed())
            && !pause.is_zero()
        {
            return Err(failure.again(pause));
        }
        let downloaded = source.download(&keys).await.and_then(|keys| {
            if is_usable(&keys, now) {
                Ok(keys)
            } else {
                Err(Error::new(
                    Reason::KeyUnavailable,
                    "every platform certificate is outside its validity",
                ))
            }
        });
        *last = Some(Last::of(&downloaded));
        let keys = downloaded?;
        self.swap(keys.clone());
        Ok(keys)
    }

    /// Looks for a key that an answer names and the set lacks: one download at a time, at most one a
    /// minute. Returns a set only if it has the key.
    pub(crate) async fn look_for(&self, id: &KeyId) -> Option<KeySet> {
        let source = self.source.as_ref()?;
        let mut last = self.gate.lock().await;
        let keys = self.snapshot();
        if keys.get(id).is_some() {
            return Some(keys);
        }
        if last
            .as_ref()
            .is_some_and(|last| last.ended.elapsed() < UNKNOWN_KEY_INTERVAL)
        {
            return None;
        }
        let downloaded = source.download(&keys).await;
        *last = Some(Last::of(&downloaded));
        match downloaded {
            Ok(keys) => {
                self.swap(keys.clone());
                keys.get(id).is_some().then_some(keys)
            }
            Err(error) => {
                tracing::warn!(reason = %error.reason(), "an answer names an unknown key, and no new certificates came");
                None
            }
        }
    }

    /// Downloads the certificates anew, if the account uses certificates at all.
    pub(crate) async fn refresh(&self) -> Result<(), Error> {
        let keys = self.snapshot();
        let by_public_key = keys
            .iter()
            .all(|key| matches!(key, TrustedKey::PublicKey { .. }))
            && !keys.is_empty();
        let Some(source) = self.source.as_ref().filter(|_| !by_public_key) else {
            return Ok(());
        };
        let mut last = self.gate.lock().await;
        let downloaded = source.download(&self.snapshot()).await;
        *last = Some(Last::of(&downloaded));
        self.swap(downloaded?);
        Ok(())
    }

    fn swap(&self, keys: KeySet) {
        tracing::info!(keys = keys.len(), "platform certificates refreshed");
        self.current.send_replace(keys);
    }
}

fn is_usable(keys: &KeySet, now: i64) -> bool {
    keys.iter().any(|key| key.is_valid_at(now))
}
