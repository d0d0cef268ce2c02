//! Whether the certificate that a connection was opened with is still taken.
//!
//! A connection lives for half an hour, and its handshake does not come again. So whenever authorities or revocation lists
//! change, or a certificate between the authority and its own ends, each connection asks about its own certificate, and it
//! ends with it.
//!
//! It is asked to end, as one that is too old. A client that does as it is asked loses no call by that, and one that does
//! not makes none any more: at once if it is revoked, and after a moment if its authority is gone or its time is over,
//! since calls may be on their way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kabao_auth::Validity;
use kabao_grpc::Certified;
use rustls_pki_types::{CertificateDer, UnixTime};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::clock;
use crate::tls::{REVOKED, Snapshot, certified, kind_of};

const GONE: &str = "the client certificate is not accepted any more; open a new connection";

/// How long calls are served that were on their way when the client was asked to go.
const COURTESY: Duration = Duration::from_secs(2);

/// What calls on a connection need to know of its certificate.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    certified: Certified,
    is_lost: Arc<AtomicBool>,
}

/// What a connection waits with for the end of its certificate.
#[derive(Debug)]
pub(super) struct Trust {
    current: watch::Receiver<Arc<Snapshot>>,
    chain: Vec<CertificateDer<'static>>,
    /// Of the certificate itself.
    ends: Option<Instant>,
    /// Of those behind it, the last one first.
    ends_behind: Vec<Instant>,
    state: State,
    is_lost: Arc<AtomicBool>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// The certificate is taken.
    Good,
    /// It is not; calls are refused from then on.
    Lost(Instant),
    /// They are.
    Over,
}

impl Standing {
    /// Returns whom calls are made by.
    pub(super) fn certified(&self) -> Certified {
        match self.is_lost.load(Ordering::Relaxed) {
            false => self.certified.clone(),
            true => Certified(Err(GONE)),
        }
    }
}

impl Trust {
    /// Begins with a chain that the handshake has verified; `current` has seen what it was verified by. `None` if the
    /// peer has shown none.
    pub(super) fn new(
        current: watch::Receiver<Arc<Snapshot>>,
        chain: &[CertificateDer<'_>],
        now: i64,
    ) -> Option<(Self, Standing)> {
        let own = chain.first()?;
        let is_lost = Arc::new(AtomicBool::new(false));
        let standing = Standing {
            certified: certified(own),
            is_lost: Arc::clone(&is_lost),
        };
        let end = |certificate: &CertificateDer<'_>| end(certificate, now);
        let mut ends_behind: Vec<_> = chain.iter().skip(1).filter_map(end).collect();
        ends_behind.sort_unstable_by(|one, other| other.cmp(one));
        let trust = Self {
            current,
            chain: chain
                .iter()
                .cloned()
                .map(CertificateDer::into_owned)
                .collect(),
            ends: end(own),
            ends_behind,
            state: State::Good,
            is_lost,
        };
        Some((trust, standing))
    }

    /// Waits until the certificate is not taken any more, and says why, once. Go on waiting: calls that come too late after
    /// that are refused only then.
    pub(super) async fn lost(&mut self) -> &'static str {
        loop {
            match self.state {
                State::Good => {
                    let kind = self.verdict().await;
                    let courtesy = if kind == REVOKED {
                        Duration::ZERO
                    } else {
                        COURTESY
                    };
                    self.state = State::Lost(Instant::now() + courtesy);
                    self.is_lost.store(courtesy.is_zero(), Ordering::Relaxed);
                    return kind;
                }
                State::Lost(until) => {
                    sleep_until(until).await;
                    self.is_lost.store(true, Ordering::Relaxed);
                    self.state = State::Over;
                }
                State::Over => std::future::pending().await,
            }
        }
    }

    async fn verdict(&mut self) -> &'static str {
        loop {
            tokio::select! {
                () = reached(self.ends) => return "expired",
                () = reached(self.ends_behind.last().copied()) => drop(self.ends_behind.pop()),
                changed = self.current.changed() => if changed.is_err() {
                    // The listener is gone, and what it served goes with it.
                    return std::future::pending().await;
                },
            }
            let clients = self.current.borrow_and_update().clients.clone();
            let Some(clients) = clients else {
                continue;
            };
            let since = u64::try_from(clock::unix_seconds()).unwrap_or_default();
            let now = UnixTime::since_unix_epoch(Duration::from_secs(since));
            if let Err(error) = clients.judge(&self.chain, now) {
                return kind_of(&error);
            }
        }
    }
}

/// When a certificate ends, whose last second still counts; `None` if that is beyond any clock. It may be over already:
/// a client can make a handshake last until then.
fn end(certificate: &CertificateDer<'_>, now: i64) -> Option<Instant> {
    let ends = Validity::of_certificate(certificate).ok()?.not_after;
    let left = ends.saturating_sub(now).saturating_add(1);
    Instant::now().checked_add(Duration::from_secs(u64::try_from(left).unwrap_or(0)))
}

async fn reached(end: Option<Instant>) {
    match end {
        Some(end) => sleep_until(end).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;
    use crate::tls::snapshot_of;

    /// A certificate that ends with the year 2049, and what a listener has that shows it.
    fn certificate() -> (CertificateDer<'static>, Arc<Snapshot>) {
        let mut parameters = CertificateParams::new(vec!["till".to_owned()]).unwrap();
        parameters.not_after = date_time_ymd(2050, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        let snapshot = snapshot_of(&certificate.pem(), &key.serialize_pem());
        (certificate.der().clone(), Arc::new(snapshot))
    }

    #[tokio::test(start_paused = true)]
    async fn from_the_end_of_a_certificate_on_no_call_is_anybodys() {
        let (certificate, snapshot) = certificate();
        let current = watch::Sender::new(snapshot);
        let ends = Validity::of_certificate(&certificate).unwrap().not_after;
        let made = Trust::new(current.subscribe(), &[certificate], ends - 10);
        let (mut trust, standing) = made.unwrap();
        let calls_for = || standing.certified().0.map(|caller| caller.to_string());
        assert_eq!(calls_for(), Ok("till".to_owned()));
        let begun = Instant::now();
        assert_eq!(trust.lost().await, "expired");
        assert_eq!(begun.elapsed(), Duration::from_secs(11));
        // What was on its way is served.
        assert_eq!(calls_for(), Ok("till".to_owned()));
        let again = tokio::time::timeout(2 * COURTESY, trust.lost()).await;
        assert!(again.is_err(), "{again:?}");
        assert_eq!(calls_for(), Err(GONE));
    }

    #[tokio::test(start_paused = true)]
    async fn a_certificate_that_ends_during_the_handshake_has_ended_after_it() {
        let (certificate, snapshot) = certificate();
        let current = watch::Sender::new(snapshot);
        let ends = Validity::of_certificate(&certificate).unwrap().not_after;
        let made = Trust::new(current.subscribe(), &[certificate], ends + 3);
        let (mut trust, standing) = made.unwrap();
        let lost = tokio::time::timeout(Duration::from_secs(1), trust.lost()).await;
        assert_eq!(lost, Ok("expired"));
        let again = tokio::time::timeout(2 * COURTESY, trust.lost()).await;
        assert!(again.is_err(), "{again:?}");
        assert!(standing.certified().0.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_that_asks_for_no_certificates_takes_nothing_away() {
        let (certificate, snapshot) = certificate();
        let current = watch::Sender::new(Arc::clone(&snapshot));
        let (mut trust, _) = Trust::new(current.subscribe(), &[certificate], 0).unwrap();
        current.send_replace(snapshot);
        let lost = tokio::time::timeout(Duration::from_secs(1), trust.lost()).await;
        assert!(lost.is_err(), "{lost:?}");
    }
}
