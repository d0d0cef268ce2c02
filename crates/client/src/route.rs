//! Which host an attempt goes to, and whether it may go at all.

mod tunnel;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kabao_api::{AccountId, Error, Reason};
use tokio::time::Instant;

use self::tunnel::Toll;
pub(crate) use self::tunnel::Tunnels;
use crate::breaker::{Breaker, Change, Outcome, Pass, Probe};
use crate::clock::Clock;
use crate::origin::{Hosts, Origin};
use crate::settings::BreakerSettings;
use crate::vitals::HostVitals;

/// The way of one credential to its hosts.
#[derive(Debug)]
pub(crate) struct Route {
    account: AccountId,
    main: Host,
    backup: Option<Host>,
    /// Where the way leads through a proxy.
    tunnels: Option<Tunnels>,
}

/// One host, as this credential knows it.
#[derive(Debug)]
struct Host {
    origin: Origin,
    breaker: Mutex<Breaker>,
}

/// The right to send one attempt to a host. Dropped without a report, it showed nothing.
pub(crate) struct Leg<'r> {
    route: &'r Route,
    host: &'r Host,
    pass: Option<Pass>,
    toll: Option<Toll<'r>>,
    clock: &'r dyn Clock,
}

/// What an attempt showed of those who have a part in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) host: Outcome,
    pub(crate) proxy: Outcome,
}

impl Verdict {
    /// The host speaks for itself, and whatever leads to it works.
    pub(crate) const fn of_host(host: Outcome) -> Self {
        Self {
            host,
            proxy: Outcome::Good,
        }
    }
}

impl Route {
    pub(crate) fn new(account: AccountId, hosts: &Hosts, settings: &BreakerSettings) -> Self {
        let host = |origin: &Origin| Host {
            origin: origin.clone(),
            breaker: Mutex::new(Breaker::new(settings.clone())),
        };
        Self {
            account,
            main: host(&hosts.main),
            backup: hosts.backup.as_ref().map(host),
            tunnels: None,
        }
    }

    /// Leads through a proxy, if there is one.
    pub(crate) fn through(mut self, tunnels: Option<Tunnels>) -> Self {
        self.tunnels = tunnels;
        self
    }

    /// Fails if no host may be asked now.
    pub(crate) fn require(&self) -> Result<(), Error> {
        self.tunnels.as_ref().map_or(Ok(()), Tunnels::require)?;
        let now = Instant::now();
        let mut pauses = self.hosts().map(|host| host.lock().refusal(now));
        let first = pauses.next().flatten();
        let shortest = pauses.fold(first, |shortest, pause| Some(shortest?.min(pause?)));
        match shortest {
            None => Ok(()),
            Some(pause) => Err(closed(pause)),
        }
    }

    /// Picks the main host, or the backup while that one is left alone. `may_repeat` tells whether the
    /// attempt may go to the other host as well after this one did not answer: with a host to fall
    /// back on, only such an attempt finds out whether the main one works again.
    pub(crate) fn pick<'r>(
        &'r self,
        may_repeat: bool,
        clock: &'r dyn Clock,
    ) -> Result<Leg<'r>, Error> {
        let probe = match may_repeat || self.backup.is_none() {
            true => Probe::May,
            false => Probe::MayNot,
        };
        let mut leg = self.pick_host(probe, clock).map_err(closed)?;
        leg.enter()?;
        Ok(leg)
    }

    /// Gives the backup host after the main one did not answer; none if it was the backup that did
    /// not, or if that is left alone.
    pub(crate) fn other<'r>(&'r self, clock: &'r dyn Clock) -> Option<Leg<'r>> {
        let backup = self.backup.as_ref()?;
        let mut leg = self.leg(backup, Probe::May, clock).ok()?;
        leg.enter().ok()?;
        Some(leg)
    }

    /// The same as [`pick`](Self::pick), whatever leads to the hosts; else how long there is none.
    fn pick_host<'r>(&'r self, probe: Probe, clock: &'r dyn Clock) -> Result<Leg<'r>, Duration> {
        let main = match self.leg(&self.main, probe, clock) {
            Ok(leg) => return Ok(leg),
            Err(pause) => pause,
        };
        let backup = self.backup.as_ref().ok_or(main)?;
        // If neither works, every call may find out.
        self.leg(backup, Probe::May, clock).or_else(|pause| {
            let main = self.leg(&self.main, Probe::May, clock);
            main.map_err(|main| main.min(pause))
        })
    }

    /// Leaves the main host alone, since the backup answers.
    pub(crate) fn prefer_backup(&self, clock: &dyn Clock) {
        let change = self.main.lock().trip(Instant::now(), clock.jitter());
        self.tell(&self.main, change);
    }

    /// The host that calls go to unless it does not work.
    pub(crate) fn main_origin(&self) -> &Origin {
        &self.main.origin
    }

    pub(crate) fn has_backup(&self) -> bool {
        self.backup.is_some()
    }

    fn leg<'r>(
        &'r self,
        host: &'r Host,
        probe: Probe,
        clock: &'r dyn Clock,
    ) -> Result<Leg<'r>, Duration> {
        let pass = host.lock().ask(Instant::now(), probe)?;
        Ok(Leg {
            route: self,
            host,
            pass: Some(pass),
            toll: None,
            clock,
        })
    }

    /// Whether attempts may go to each host, and through the proxy.
    pub(crate) fn vitals(&self) -> impl Iterator<Item = HostVitals> {
        let now = Instant::now();
        let hosts = self.hosts().map(move |host| {
            let breaker = host.lock().state(now);
            HostVitals::new(host.origin.name(), breaker)
        });
        hosts.chain(self.tunnels.as_ref().map(Tunnels::vitals))
    }

    fn hosts(&self) -> impl Iterator<Item = &Host> {
        [&self.main].into_iter().chain(&self.backup)
    }

    fn tell(&self, host: &Host, change: Option<Change>) {
        let (account, host) = (&self.account, &host.origin);
        match change {
            None => {}
            Some(Change::Opened) => {
                tracing::warn!(%account, ?host, "the host does not work and is left alone for a while");
            }
            Some(Change::Closed) => tracing::info!(%account, ?host, "the host works again"),
        }
    }
}

impl Host {
    /// Every change leaves the breaker whole.
    fn lock(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Leg<'_> {
    pub(crate) fn origin(&self) -> &Origin {
        &self.host.origin
    }

    /// Tells whether it goes to the main host.
    pub(crate) fn is_main(&self) -> bool {
        std::ptr::eq(self.host, &self.route.main)
    }

    /// Tells whether it finds out if the host works again.
    pub(crate) fn is_probe(&self) -> bool {
        self.pass.as_ref().is_some_and(|pass| pass.is_probe)
    }

    /// Says what the attempt showed.
    pub(crate) fn report(&mut self, verdict: Verdict) {
        if let Some(pass) = self.pass.take() {
            let (now, jitter) = (Instant::now(), self.clock.jitter());
            let change = self.host.lock().report(&pass, verdict.host, now, jitter);
            self.route.tell(self.host, change);
        }
        if let Some(toll) = &mut self.toll {
            toll.report(verdict.proxy);
        }
    }

    /// Goes through the proxy, if the way leads through one.
    fn enter(&mut self) -> Result<(), Error> {
        if let Some(tunnels) = &self.route.tunnels {
            self.toll = Some(tunnels.enter(self.clock)?);
        }
        Ok(())
    }
}

impl Drop for Leg<'_> {
    fn drop(&mut self) {
        self.report(Verdict {
            host: Outcome::Nothing,
            proxy: Outcome::Nothing,
        });
    }
}

fn closed(pause: Duration) -> Error {
    Error::new(
        Reason::UpstreamUnavailable,
        "WeChat has not worked of late; nothing is sent to it for a moment",
    )
    .with_retry_after(pause)
}

#[cfg(test)]
mod tests;
