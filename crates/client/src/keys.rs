//! The keys of WeChat Pay that an account trusts: one set, swapped as a whole.
//!
//! Platform certificates are downloaded anew beside the calls that use them, so that nobody has to
//! remember to have that done: the call that finds the set old goes on with it, and a task of its own
//! fetches the next one.

mod download;

use std::sync::Arc;
use std::time::Duration;

use kabao_api::{Error, Reason};
use kabao_auth::{KeyId, KeySet};
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

pub(crate) use self::download::CertificateSource;

/// Forged serials must not drive traffic: an unknown one leads to a download at most this often.
const UNKNOWN_KEY_INTERVAL: Duration = Duration::from_secs(60);
/// After a failed first download, calls fail for this long without another one.
const BOOTSTRAP_INTERVAL: Duration = Duration::from_secs(1);
/// How soon a refresh that brought nothing is tried again.
const RETRY_REFRESH: Duration = Duration::from_secs(5 * 60);

/// Holds the current set and, where the account has an APIv3 key, the way to a newer one.
pub(crate) struct KeyStore {
    current: watch::Sender<Current>,
    source: Option<CertificateSource>,
    /// How old downloaded certificates may become.
    refresh: Duration,
    /// Held during a download, so that there is only one; remembers the last one.
    gate: Mutex<Option<Last>>,
}

/// The keys, and when a call shall have newer ones fetched; `None` for keys that were configured.
#[derive(Clone)]
struct Current {
    keys: KeySet,
    refresh_at: Option<Instant>,
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
    /// Starts with the configured keys; `source` downloads platform certificates, which are good for
    /// `refresh`.
    pub(crate) fn new(
        configured: KeySet,
        source: Option<CertificateSource>,
        refresh: Duration,
    ) -> Self {
        Self {
            current: watch::Sender::new(Current {
                keys: configured,
                refresh_at: None,
            }),
            source,
            refresh,
            gate: Mutex::new(None),
        }
    }

    /// Tells whether certificates can be downloaded.
    pub(crate) fn downloads(&self) -> bool {
        self.source.is_some()
    }

    /// Returns the current set.
    pub(crate) fn snapshot(&self) -> KeySet {
        self.current.borrow().keys.clone()
    }

    /// Returns a set with a key that is valid now, downloading the first certificates if need be. An
    /// old set is refreshed on the side.
    pub(crate) async fn trusted(self: &Arc<Self>, now: i64) -> Result<KeySet, Error> {
        let Current { keys, refresh_at } = self.current.borrow().clone();
        if is_usable(&keys, now) {
            if refresh_at.is_some_and(|due| due <= Instant::now()) {
                self.refresh_aside();
            }
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

    /// Downloads the certificates anew without anybody waiting for it. Of all calls that find the set
    /// old, the one that puts the next time off starts the download.
    fn refresh_aside(self: &Arc<Self>) {
        let now = Instant::now();
        let next = Some(now + RETRY_REFRESH.min(self.refresh));
        let mine = self.current.send_if_modified(|current| {
            let due = current.refresh_at.is_some_and(|due| due <= now);
            if due {
                current.refresh_at = next;
            }
            due
        });
        if mine {
            let store = Arc::clone(self);
            tokio::spawn(async move { store.refresh(next).await });
        }
    }

    /// Downloads, unless another download has brought a set since the next time was put off to `next`.
    async fn refresh(&self, next: Option<Instant>) {
        let Some(source) = &self.source else { return };
        let mut last = self.gate.lock().await;
        if self.current.borrow().refresh_at != next {
            return;
        }
        let downloaded = source.download(&self.snapshot()).await;
        *last = Some(Last::of(&downloaded));
        match downloaded {
            Ok(keys) => self.swap(keys),
            Err(error) => tracing::warn!(
                reason = error.reason().as_str(),
                "platform certificates could not be refreshed"
            ),
        }
    }

    fn swap(&self, keys: KeySet) {
        tracing::info!(keys = keys.len(), "platform certificates refreshed");
        let refresh_at = Some(Instant::now() + self.refresh);
        self.current.send_replace(Current { keys, refresh_at });
    }
}

fn is_usable(keys: &KeySet, now: i64) -> bool {
    keys.iter().any(|key| key.is_valid_at(now))
}
