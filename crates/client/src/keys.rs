//! The keys of WeChat Pay that an account trusts: one set, swapped as a whole.
//!
//! Platform certificates are downloaded anew beside the calls that use them, so that nobody has to
//! remember to have that done: the call that finds the set old goes on with it, and a task of its own
//! fetches the next one. The last good set is kept in the store, so that a start needs no download, and a
//! failed one harms nobody.

mod download;
mod kept;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kabao_api::{Error, Reason};
use kabao_auth::{CertificatesError, KeyId, KeyKind, KeySet};
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

pub(crate) use self::download::CertificateSource;
use self::kept::KeptCertificates;
use crate::errand::{Done, Errand};
use crate::pause::Pauses;
use crate::shelf::Shelf;

/// Forged serials must not drive traffic: an unknown one leads to a download at most this often.
const UNKNOWN_KEY_INTERVAL: Duration = Duration::from_secs(60);
/// How soon a refresh that brought nothing is tried again.
const RETRY_REFRESH: Duration = Duration::from_secs(5 * 60);
/// The part of the interval by which refreshes of many processes are spread.
const SPREAD: u32 = 10;

/// What an account trusts, and by which ways it gets more.
pub(crate) struct Trust {
    /// The keys that were configured.
    pub(crate) configured: KeySet,
    /// Downloads platform certificates.
    pub(crate) source: Option<CertificateSource>,
    /// Which kind of key requests name in `Wechatpay-Serial`. There is a way to get one.
    pub(crate) named: KeyKind,
    /// How old downloaded certificates may become.
    pub(crate) refresh: Duration,
    /// Where the last good certificates are kept.
    pub(crate) place: String,
}

/// Holds the current set and, where the account has an APIv3 key, the way to a newer one.
pub(crate) struct KeyStore {
    current: watch::Sender<Current>,
    source: Option<CertificateSource>,
    named: KeyKind,
    refresh: Duration,
    shelf: Shelf,
    /// Held by who waits for a download.
    gate: Mutex<Downloads>,
    /// Downloads that failed.
    failures: AtomicU64,
    /// Downloads whose content was not acceptable.
    refused: AtomicU64,
    by_certificate: AtomicU64,
    by_public_key: AtomicU64,
}

/// Answers that were believed, by the kind of key that signed them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signed {
    pub(crate) by_certificate: u64,
    pub(crate) by_public_key: u64,
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
    current: Errand<Result<Brought, Error>>,
    pauses: Pauses,
    /// When an unknown key last led to a download.
    looked_at: Option<Instant>,
    /// Whether the store was looked at.
    is_restored: bool,
}

/// What is done to get certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// The store alone: there is another key to go on with.
    Store,
    /// The store, and WeChat if nothing good lies there.
    StoreOrWeChat,
    WeChat,
}

/// What came of it.
enum Brought {
    /// What WeChat has given, with the certificates as they are kept.
    Downloaded(KeySet, Vec<String>),
    /// What lay in the store, and how old it is.
    Restored(KeySet, Duration),
    /// Nothing lay in the store.
    NothingKept,
    /// WeChat has no certificates for the merchant, which has a public key.
    NoneIssued,
}

impl KeyStore {
    pub(crate) fn new(trust: Trust) -> Self {
        // A set that is kept may be of use beside the public key, and costs no download.
        let looks = trust.source.is_some() && trust.named == KeyKind::PublicKey;
        Self {
            current: watch::Sender::new(Current {
                keys: trust.configured,
                refresh_at: looks.then(Instant::now),
            }),
            source: trust.source,
            named: trust.named,
            refresh: trust.refresh,
            shelf: Shelf::new(trust.place),
            gate: Mutex::default(),
            failures: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            by_certificate: AtomicU64::new(0),
            by_public_key: AtomicU64::new(0),
        }
    }

    /// Tells whether certificates can be downloaded.
    pub(crate) fn downloads(&self) -> bool {
        self.source.is_some()
    }

    /// Which kind of key requests name in `Wechatpay-Serial`, if there is one.
    pub(crate) fn named(&self) -> KeyKind {
        self.named
    }

    /// Where the last good certificates are kept.
    pub(crate) fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    /// How many downloads have failed.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// How many downloads held what cannot be trusted.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Notes which key an answer was believed for.
    pub(crate) fn believed(&self, id: &KeyId) {
        let count = match id {
            KeyId::Certificate(_) => &self.by_certificate,
            KeyId::PublicKey(_) => &self.by_public_key,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// How many answers were believed.
    pub(crate) fn signed(&self) -> Signed {
        Signed {
            by_certificate: self.by_certificate.load(Ordering::Relaxed),
            by_public_key: self.by_public_key.load(Ordering::Relaxed),
        }
    }

    /// Downloads certificates whatever is there, and returns the set that comes of it.
    pub(crate) async fn download_now(self: &Arc<Self>, now: i64) -> Result<KeySet, Error> {
        let mut downloads = self.gate.lock().await;
        downloads.is_restored = true;
        self.fetch(&mut downloads, now, Way::WeChat).await
    }

    /// Returns the current set.
    pub(crate) fn snapshot(&self) -> KeySet {
        self.current.borrow().keys.clone()
    }

    /// Returns a set with a key that is valid now, fetching the first certificates if need be. An
    /// old set is refreshed on the side.
    ///
    /// Where requests name certificates and none can be had, a public key goes on in their place.
    pub(crate) async fn trusted(self: &Arc<Self>, now: i64) -> Result<KeySet, Error> {
        let Current { keys, refresh_at } = self.current.borrow().clone();
        if keys.has(self.named, now) {
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
        if keys.has(self.named, now) {
            return Ok(keys);
        }
        let fetched = match downloads.pauses.refusal(Instant::now()) {
            Some(refusal) => Err(refusal),
            None => self.fetch(&mut downloads, now, Way::WeChat).await,
        };
        match fetched {
            Err(_) if is_usable(&keys, now) => Ok(keys),
            fetched => fetched,
        }
    }

    /// Looks for a key that an answer names and the set lacks: one download at a time, at most one a
    /// minute for that reason, and none for what no download brings. Returns a set only if it has the key.
    pub(crate) async fn look_for(self: &Arc<Self>, id: &KeyId, now: i64) -> Option<KeySet> {
        if !self.downloads() || matches!(id, KeyId::PublicKey(_)) {
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
        // Whoever comes while one is under way waits for that one.
        if downloads.current.is_idle() {
            let rests = downloads
                .looked_at
                .is_some_and(|looked| looked.elapsed() < UNKNOWN_KEY_INTERVAL);
            if rests {
                return None;
            }
            // Before it begins: who leaves meanwhile has driven it all the same.
            downloads.looked_at = Some(Instant::now());
            downloads.is_restored = true;
        }
        let keys = self.fetch(&mut downloads, now, Way::WeChat).await.ok()?;
        keys.get(id).is_some().then_some(keys)
    }

    /// Fetches the certificates anew without anybody waiting for it. Of all calls that find the set
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

    /// Fetches, unless another fetch has brought a set since the next time was put off to `next`.
    async fn refresh(self: &Arc<Self>, next: Option<Instant>, now: i64) {
        let mut downloads = self.gate.lock().await;
        if self.current.borrow().refresh_at == next {
            let way = match self.named {
                KeyKind::PublicKey if !downloads.is_restored => Way::Store,
                _ => Way::WeChat,
            };
            // A failure is in the log.
            let _ = self.fetch(&mut downloads, now, way).await;
        }
    }

    /// Waits for the fetch that is under way, or starts one. It runs to its end whoever waits for it. The first one
    /// looks into the store.
    async fn fetch(
        self: &Arc<Self>,
        downloads: &mut Downloads,
        now: i64,
        way: Way,
    ) -> Result<KeySet, Error> {
        let way = match way {
            Way::WeChat if !downloads.is_restored => Way::StoreOrWeChat,
            way => way,
        };
        downloads.is_restored = true;
        let store = Arc::clone(self);
        downloads
            .current
            .start(move || async move { store.bring(way, now).await });
        self.settle(downloads, now).await
    }

    async fn bring(&self, way: Way, now: i64) -> Result<Brought, Error> {
        let Some(source) = &self.source else {
            return Ok(Brought::NothingKept);
        };
        let trusted = self.snapshot();
        if way != Way::WeChat {
            match self.restore(source, &trusted, now).await {
                Some((keys, age)) => return Ok(Brought::Restored(keys, age)),
                None if way == Way::Store => return Ok(Brought::NothingKept),
                None => {}
            }
        }
        match source.download(&trusted).await? {
            Some((keys, certificates)) => Ok(Brought::Downloaded(keys, certificates)),
            None => Ok(Brought::NoneIssued),
        }
    }

    /// Waits for the end of the fetch and draws the conclusions.
    async fn settle(
        self: &Arc<Self>,
        downloads: &mut Downloads,
        now: i64,
    ) -> Result<KeySet, Error> {
        let Some(Done { result, at }) = downloads.current.join().await else {
            let message = "no certificates were downloaded: the process ends";
            return Err(Error::new(Reason::Internal, message));
        };
        let usable = result.and_then(|brought| match &brought {
            Brought::Downloaded(keys, _) if !keys.has(KeyKind::Certificate, now) => {
                Err(Error::new(
                    Reason::KeyUnavailable,
                    "every platform certificate is outside its validity",
                ))
            }
            _ => Ok(brought),
        });
        match usable {
            Ok(brought) => {
                downloads.pauses.succeeded();
                self.take(brought, now);
                Ok(self.snapshot())
            }
            Err(error) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                let refusal = std::error::Error::source(&error)
                    .and_then(|source| source.downcast_ref::<CertificatesError>());
                if refusal.is_some() {
                    self.refused.fetch_add(1, Ordering::Relaxed);
                }
                tracing::warn!(
                    reason = error.reason().as_str(),
                    cause = refusal.map(tracing::field::display),
                    "platform certificates could not be downloaded"
                );
                Err(downloads.pauses.failed(error, at))
            }
        }
    }

    /// Goes on with what was brought.
    fn take(self: &Arc<Self>, brought: Brought, now: i64) {
        let (keys, wait) = match brought {
            Brought::Downloaded(keys, certificates) => {
                tracing::info!(keys = keys.len(), "platform certificates refreshed");
                self.keep(KeptCertificates {
                    certificates,
                    downloaded_at: now,
                });
                (keys, Some(self.interval()))
            }
            Brought::Restored(keys, age) => {
                tracing::info!(
                    keys = keys.len(),
                    age_s = age.as_secs(),
                    "platform certificates taken from the store"
                );
                (keys, Some(self.interval().saturating_sub(age)))
            }
            Brought::NothingKept => (self.snapshot(), None),
            Brought::NoneIssued => {
                tracing::info!("WeChat Pay has no platform certificates for the merchant any more");
                (self.snapshot(), Some(self.interval()))
            }
        };
        let refresh_at = wait.map(|wait| Instant::now() + wait);
        self.current.send_replace(Current { keys, refresh_at });
    }

    /// How long certificates serve before they are refreshed: not all processes do that at one moment.
    fn interval(&self) -> Duration {
        let jitter = self.source.as_ref().map_or(0, CertificateSource::jitter);
        self.refresh - self.refresh / SPREAD * jitter.min(1000) / 1000
    }
}

fn is_usable(keys: &KeySet, now: i64) -> bool {
    keys.iter().any(|key| key.is_valid_at(now))
}
