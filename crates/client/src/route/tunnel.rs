//! The proxy of an account, as its calls know it: while it makes no tunnels it is left alone, and no host of WeChat is
//! blamed for it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kabao_api::{AccountId, Error, Reason};
use tokio::time::Instant;

use crate::breaker::{Breaker, Change, Outcome, Pass, Probe};
use crate::clock::Clock;
use crate::proxy::Proxy;
use crate::settings::BreakerSettings;
use crate::vitals::HostVitals;

/// What all credentials of an account have come to know of its proxy. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Tunnels(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    account: AccountId,
    proxy: String,
    breaker: Mutex<Breaker>,
}

/// The right to go through the proxy once. Dropped without a report, it showed nothing.
pub(super) struct Toll<'r> {
    tunnels: &'r Tunnels,
    pass: Option<Pass>,
    clock: &'r dyn Clock,
}

impl Tunnels {
    pub(crate) fn new(account: AccountId, proxy: &Proxy, settings: &BreakerSettings) -> Self {
        Self(Arc::new(Inner {
            account,
            proxy: proxy.address().to_owned(),
            breaker: Mutex::new(Breaker::new(settings.clone())),
        }))
    }

    /// Fails if nothing may go through the proxy now.
    pub(super) fn require(&self) -> Result<(), Error> {
        match self.lock().refusal(Instant::now()) {
            None => Ok(()),
            Some(pause) => Err(closed(pause)),
        }
    }

    /// Lets one attempt go through the proxy.
    pub(super) fn enter<'r>(&'r self, clock: &'r dyn Clock) -> Result<Toll<'r>, Error> {
        let pass = self.lock().ask(Instant::now(), Probe::May);
        let pass = Some(pass.map_err(closed)?);
        Ok(Toll {
            tunnels: self,
            pass,
            clock,
        })
    }

    pub(super) fn vitals(&self) -> HostVitals {
        let breaker = self.lock().state(Instant::now());
        HostVitals::new(self.0.proxy.as_str(), breaker)
    }

    fn tell(&self, change: Option<Change>) {
        let (account, proxy) = (&self.0.account, self.0.proxy.as_str());
        match change {
            None => {}
            Some(Change::Opened) => {
                tracing::warn!(%account, proxy, "the proxy makes no tunnels and is left alone for a while");
            }
            Some(Change::Closed) => {
                tracing::info!(%account, proxy, "the proxy makes tunnels again")
            }
        }
    }

    /// Every change leaves the breaker whole.
    fn lock(&self) -> MutexGuard<'_, Breaker> {
        let breaker = self.0.breaker.lock();
        breaker.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Toll<'_> {
    /// Says what the attempt showed of the proxy.
    pub(super) fn report(&mut self, outcome: Outcome) {
        if let Some(pass) = self.pass.take() {
            let (now, jitter) = (Instant::now(), self.clock.jitter());
            let change = self.tunnels.lock().report(&pass, outcome, now, jitter);
            self.tunnels.tell(change);
        }
    }
}

impl Drop for Toll<'_> {
    fn drop(&mut self) {
        self.report(Outcome::Nothing);
    }
}

fn closed(pause: Duration) -> Error {
    Error::new(
        Reason::UpstreamUnavailable,
        "the proxy of the account has not worked of late; nothing is sent through it for a moment",
    )
    .with_remedy("the operator checks proxy_url, and whether the proxy works")
    .with_retry_after(pause)
}
