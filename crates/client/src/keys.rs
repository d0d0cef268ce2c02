//! The keys of WeChat Pay that an account trusts: one set, swapped as a whole.
//!
//! Platform certificates are downloaded anew beside the calls that use them, so that nobody has to
//! remember to have that done: the call that finds the set old goes on with it, and a task of its own
//! fetches the next one.

mod download;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kabao_api::{Error, Reason};
use kabao_auth::{KeyId, KeySet};
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

pub(crate) use self::download::CertificateSource;
use crate::errand::{Done, Errand};
use crate::pause::Pauses;

/// Forged serials must not drive traffic: an unknown one leads to a download at most this often.
const UNKNOWN_KEY_INTERVAL: Duration = Duration::from_secs(60);
/// How soon a refresh that brought nothing is tried again.
const RETRY_REFRESH: Duration = Duration::from_secs(5 * 60);

/// Holds the current set and, where the account has an APIv3 key, the way to a newer one.
pub(crate) struct KeyStore {
    current: watch::Sender<Current>,
    source: Option<CertificateSource>,
    /// How old downloaded certificates may become.
    refresh: Duration,
    /// Held by who waits for a download.
    gate: Mutex<Downloads>,
    /// Downloads that failed.
    failures: AtomicU64,
}

/// The keys, and when a call shall have newer ones fetched; `None` for keys that were configured.
#[derive(Clone)]
struct Current {
    keys: KeySet,
    refresh_at: Option<Instant>,
}

/// The download that is under way, and what became of those before it.
#[derive(Default)]
struct Downloads {
    current: Errand<Result<KeySet, Error>>,
    pauses: Pauses,
    last_ended: Option<Instant>,
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
            gate: Mutex::default(),
            failures: AtomicU64::new(0),
        }
    }

    /// Tells whether certificates can be downloaded.
    pub(crate) fn downloads(&self) -> bool {
        self.source.is_some()
    }

    /// How many downloads have failed.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
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
                self.refresh_aside(now);
            }
            return Ok(keys);
        }
        if !self.downloads() {
            return Err(Error::new(
                Reason::KeyUnavailable,
                "the account has neither a WeChat Pay public key nor an APIv3 key to download certificates with",
            ));
        }
        let mut downloads = self.gate.lock().await;
        if downloads.current.is_done() {
            // A failure is told by the pause, if that still lasts.
            let _ = self.settle(&mut downloads, now).await;
        }
        let keys = self.snapshot();
        if is_usable(&keys, now) {
            return Ok(keys);
        }
        if let Some(refusal) = downloads.pauses.refusal(Instant::now()) {
            return Err(refusal);
        }
        self.download(&mut downloads, now).await
    }

    /// Looks for a key that an answer names and the set lacks: one download at a time, at most one a
    /// minute. Returns a set only if it has the key.
    pub(crate) async fn look_for(self: &Arc<Self>, id: &KeyId, now: i64) -> Option<KeySet> {
        if !self.downloads() {
            return None;
        }
        let mut downloads = self.gate.lock().await;
        if downloads.current.is_done() {
            let _ = self.settle(&mut downloads, now).await;
        }
        let keys = self.snapshot();
        if keys.get(id).is_some() {
            return Some(keys);
        }
        let rests = downloads
            .last_ended
            .is_some_and(|ended| ended.elapsed() < UNKNOWN_KEY_INTERVAL);
        if rests {
            return None;
        }
        let keys = self.download(&mut downloads, now).await.ok()?;
        keys.get(id).is_some().then_some(keys)
    }

    /// Downloads the certificates anew without anybody waiting for it. Of all calls that find the set
    /// old, the one that puts the next time off starts the download.
    fn refresh_aside(self: &Arc<Self>, now: i64) {
        let present = Instant::now();
        let next = Some(present + RETRY_REFRESH.min(self.refresh));
        let mine = self.current.send_if_modified(|current| {
            let due = current.refresh_at.is_some_and(|due| due <= present);
            if due {
                current.refresh_at = next;
            }
            due
        });
        if mine {
            let store = Arc::clone(self);
            tokio::spawn(async move { store.refresh(next, now).await });
        }
    }

    /// Downloads, unless another download has brought a set since the next time was put off to `next`.
    async fn refresh(self: &Arc<Self>, next: Option<Instant>, now: i64) {
        let mut downloads = self.gate.lock().await;
        if self.current.borrow().refresh_at == next {
            // A failure is in the log.
            let _ = self.download(&mut downloads, now).await;
        }
    }

    /// Waits for the download that is under way, or starts one. It runs to its end whoever waits for it.
    async fn download(
        self: &Arc<Self>,
        downloads: &mut Downloads,
        now: i64,
    ) -> Result<KeySet, Error> {
        let store = Arc::clone(self);
        downloads.current.start(move || async move {
            match &store.source {
                Some(source) => source.download(&store.snapshot()).await,
                None => Ok(store.snapshot()),
            }
        });
        self.settle(downloads, now).await
    }

    /// Waits for the end of the download and draws the conclusions.
    async fn settle(&self, downloads: &mut Downloads, now: i64) -> Result<KeySet, Error> {
        let Some(Done { result, at }) = downloads.current.join().await else {
            let message = "no certificates were downloaded: the process ends";
            return Err(Error::new(Reason::Internal, message));
        };
        downloads.last_ended = Some(at);
        let usable = result.and_then(|keys| match is_usable(&keys, now) {
            true => Ok(keys),
            false => Err(Error::new(
                Reason::KeyUnavailable,
                "every platform certificate is outside its validity",
            )),
        });
        match usable {
            Ok(keys) => {
                downloads.pauses.succeeded();
                self.swap(keys.clone());
                Ok(keys)
            }
            Err(error) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(
                    reason = error.reason().as_str(),
                    "platform certificates could not be downloaded"
                );
                Err(downloads.pauses.failed(error, at))
            }
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
