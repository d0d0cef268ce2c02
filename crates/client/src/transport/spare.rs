//! Connections that are opened beside the calls, so that the next call does not wait for a handshake.
//!
//! The pool of hyper opens a connection when a call needs one. While a client is busy, one connection to each host that
//! it talks to is kept ready for that moment: from when one is lost, or says that it takes no more requests. WeChat closes
//! what is silent for eight seconds, so a spare one is not kept longer than any other, but replaced.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use http::Uri;
use hyper_rustls::HttpsConnector;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, timeout};
use tower_service::Service;

use super::error::{BoxError, ConnectTimedOut, ProxyError, ProxyFault};
use super::watched::{EndListener, Stream, Watched};
use super::way::Way;
use crate::vitals::Handshakes;

/// A client is busy that has made two calls within this time. Who calls less often would open more connections in vain
/// than it has calls.
const BUSY: Duration = Duration::from_secs(20);

type Connector = HttpsConnector<Way>;

/// The spare connections of one client, at most one to a host. Clones are the same.
#[derive(Clone)]
pub(super) struct Spares(Arc<Inner>);

struct Inner {
    connector: Connector,
    /// Whether it goes through a proxy.
    is_proxied: bool,
    /// How long connecting may take.
    limit: Duration,
    /// How long a spare connection is kept.
    kept: Duration,
    slots: Mutex<HashMap<String, Slot>>,
    calls: Mutex<Calls>,
    full: AtomicU64,
    resumed: AtomicU64,
    ahead: AtomicU64,
}

/// The last two calls.
#[derive(Clone, Copy, Default)]
struct Calls {
    last: Option<Instant>,
    before: Option<Instant>,
}

enum Slot {
    Opening,
    Ready(Box<Watched>, Instant),
}

impl Spares {
    pub(super) fn new(
        connector: Connector,
        is_proxied: bool,
        limit: Duration,
        kept: Duration,
    ) -> Self {
        Self(Arc::new(Inner {
            connector,
            is_proxied,
            limit,
            kept,
            slots: Mutex::default(),
            calls: Mutex::default(),
            full: AtomicU64::new(0),
            resumed: AtomicU64::new(0),
            ahead: AtomicU64::new(0),
        }))
    }

    /// Notes a call.
    pub(super) fn called(&self) {
        let now = Instant::now();
        let mut calls = self.0.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.before = calls.last.replace(now);
    }

    /// Opens a connection ahead of the first call, and keeps one ready for a while.
    pub(super) async fn open(&self, host: &Uri) {
        // What comes is as good as two calls.
        self.called();
        self.called();
        if self.0.begin(host) {
            let opened = self.0.open(host).await;
            tokio::spawn(keep(Arc::downgrade(&self.0), host.clone(), opened));
        }
    }

    /// A connection for a call: the spare one if there is one.
    pub(super) async fn connect(self, host: Uri) -> Result<Watched, BoxError> {
        let connection = match self.0.take(&host) {
            Some(spare) => spare,
            None => self.0.connect(&host).await?,
        };
        // The spares keep connections, so a connection keeps no spares.
        let spares = Arc::downgrade(&self.0);
        Ok(connection.tells(spares, host))
    }

    #[cfg(test)]
    pub(super) fn has(&self, host: &Uri) -> bool {
        match self.0.slots().get_mut(&name(host)) {
            Some(Slot::Ready(spare, _)) => spare.is_open(),
            _ => false,
        }
    }

    /// How many handshakes there were.
    pub(super) fn handshakes(&self) -> Handshakes {
        Handshakes {
            full: self.0.full.load(Ordering::Relaxed),
            resumed: self.0.resumed.load(Ordering::Relaxed),
            ahead: self.0.ahead.load(Ordering::Relaxed),
        }
    }
}

impl EndListener for Inner {
    /// Opens a spare connection in place of the one that has ended, if the client is busy.
    fn ended(self: Arc<Self>, host: Uri) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        if !self.is_busy() || !self.begin(&host) {
            return;
        }
        let spares = Arc::downgrade(&self);
        runtime.spawn(async move {
            let Some(strong) = spares.upgrade() else {
                return;
            };
            let opened = strong.open(&host).await;
            drop(strong);
            keep(spares, host, opened).await;
        });
    }
}

/// Replaces a spare connection that nobody has taken for so long that the host may close it, as long as the client is
/// busy.
async fn keep(spares: Weak<Inner>, host: Uri, mut opened: Option<Instant>) {
    while let Some(since) = opened {
        let Some(kept) = spares.upgrade().map(|spares| spares.kept) else {
            return;
        };
        sleep(kept).await;
        let Some(spares) = spares.upgrade() else {
            return;
        };
        if !spares.give_up(&host, since) {
            return;
        }
        opened = spares.open(&host).await;
    }
}

impl Inner {
    fn is_busy(&self) -> bool {
        let calls = *self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.before.is_some_and(|before| before.elapsed() < BUSY)
    }

    /// Connects, within the time that it may take.
    async fn connect(&self, host: &Uri) -> Result<Watched, BoxError> {
        let mut connector = self.connector.clone();
        let connecting = async {
            std::future::poll_fn(|context| connector.poll_ready(context)).await?;
            connector.call(host.clone()).await
        };
        let stream: Stream = match timeout(self.limit, connecting).await {
            Ok(connected) => connected?,
            Err(_) if self.is_proxied => {
                return Err(ProxyError::from(ProxyFault::TimedOut).into());
            }
            Err(_) => return Err(ConnectTimedOut.into()),
        };
        let connection = Watched::new(stream);
        match connection.is_resumed() {
            true => &self.resumed,
            false => &self.full,
        }
        .fetch_add(1, Ordering::Relaxed);
        Ok(connection)
    }

    /// Takes the place of a spare connection; false if there is one.
    fn begin(&self, host: &Uri) -> bool {
        let mut slots = self.slots();
        let name = name(host);
        if slots.contains_key(&name) {
            return false;
        }
        slots.insert(name, Slot::Opening);
        true
    }

    /// Opens the spare connection whose place was taken. Returns when; `None` if that has failed, which the next call
    /// finds out.
    async fn open(&self, host: &Uri) -> Option<Instant> {
        let place = Place { inner: self, host };
        let opened = self.connect(host).await.ok()?;
        let now = Instant::now();
        self.ahead.fetch_add(1, Ordering::Relaxed);
        self.slots()
            .insert(name(host), Slot::Ready(Box::new(opened), now));
        drop(place);
        Some(now)
    }

    fn take(&self, host: &Uri) -> Option<Watched> {
        let slot = {
            let mut slots = self.slots();
            let name = name(host);
            match slots.get(&name) {
                Some(Slot::Ready(..)) => slots.remove(&name),
                _ => None,
            }
        };
        match slot {
            Some(Slot::Ready(mut spare, _)) => spare.is_open().then_some(*spare),
            _ => None,
        }
    }

    /// Closes a spare connection that nobody has taken. Tells whether its place is taken for the next one.
    fn give_up(&self, host: &Uri, opened: Instant) -> bool {
        let is_busy = self.is_busy();
        let mut slots = self.slots();
        let name = name(host);
        match slots.get(&name) {
            Some(Slot::Ready(_, since)) if *since == opened => {}
            _ => return false,
        }
        let old = match is_busy {
            true => slots.insert(name, Slot::Opening),
            false => slots.remove(&name),
        };
        drop(slots);
        drop(old);
        is_busy
    }

    /// Every change leaves the map whole.
    fn slots(&self) -> MutexGuard<'_, HashMap<String, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of a connection that is being opened; free again if it is not.
struct Place<'i> {
    inner: &'i Inner,
    host: &'i Uri,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut slots = self.inner.slots();
        let name = name(self.host);
        if matches!(slots.get(&name), Some(Slot::Opening)) {
            slots.remove(&name);
        }
    }
}

fn name(host: &Uri) -> String {
    host.authority()
        .map(ToString::to_string)
        .unwrap_or_default()
}
