//! How the clients of all accounts are: one look a scrape, from which all gauges are read.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kabao_api::CredentialKind;
use kabao_client::{CredentialVitals, LimitVitals, Quotas, Vitals};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Meter};

use super::labels::{AccountLabels, kind_name};
use crate::clients::WeakClients;
use crate::clock;

/// Where the clients are, and what the last look at them showed. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct LastLook(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    clients: WeakClients,
    series: Series,
}

/// The values by metric, and by what its labels say in the order of its row.
#[derive(Debug, Default)]
struct Series(BTreeMap<&'static str, BTreeMap<Vec<String>, f64>>);

/// How accounts that share a label are put together.
#[derive(Clone, Copy)]
enum Fold {
    Sum,
    Least,
    Most,
}

/// One metric.
struct Row {
    name: &'static str,
    unit: &'static str,
    counts: bool,
    labels: &'static [&'static str],
    description: &'static str,
}

const ACCOUNT: &[&str] = &["kabao.account"];
const CREDENTIAL: &[&str] = &["kabao.account", "kabao.credential"];
const KEY: &[&str] = &["kabao.account", "kabao.credential", "kabao.key"];
const HOST: &[&str] = &["kabao.account", "server.address", "kabao.state"];

const fn gauge(
    name: &'static str,
    unit: &'static str,
    labels: &'static [&'static str],
    description: &'static str,
) -> Row {
    Row {
        name,
        unit,
        counts: false,
        labels,
        description,
    }
}

const fn counter(
    name: &'static str,
    labels: &'static [&'static str],
    description: &'static str,
) -> Row {
    Row {
        name,
        unit: "",
        counts: true,
        labels,
        description,
    }
}

const HANDSHAKE: &[&str] = &["kabao.account", "kabao.kind"];
const OPERATION: &[&str] = &["kabao.operation"];

const IN_FLIGHT: &str = "kabao.upstream.in_flight";
const QUEUED: &str = "kabao.upstream.queued";
const LIMIT: &str = "kabao.upstream.limit";
const REFUSED: &str = "kabao.upstream.calls.refused";
const RETRY_TOKENS: &str = "kabao.upstream.retry.tokens";
const RETRY_CAPACITY: &str = "kabao.upstream.retry.capacity";
const SIGNING_QUEUE: &str = "kabao.signing.queue";
const HOSTS: &str = "kabao.upstream.hosts";
const CERTIFICATE: &str = "kabao.credential.certificate.expires_in";
const PUBLIC_KEYS: &str = "kabao.wechatpay.public_keys";
const PLATFORM_CERTIFICATES: &str = "kabao.wechatpay.certificates";
const PLATFORM_CERTIFICATE: &str = "kabao.wechatpay.certificate.expires_in";
const TOKEN_AGE: &str = "kabao.access_token.age";
const TOKEN_ENDS: &str = "kabao.access_token.expires_in";
const FAILED_FETCHES: &str = "kabao.credential.fetches.failed";
const ANSWERS: &str = "kabao.wechatpay.answers";
const SIGNER_FAILURES: &str = "kabao.signer.failures";
const SIGNER_IN_FLIGHT: &str = "kabao.signer.in_flight";
const REFUSED_CERTIFICATES: &str = "kabao.wechatpay.certificate_lists.refused";
const HANDSHAKES: &str = "kabao.upstream.handshakes";
const HANDSHAKES_WAITED: &str = "kabao.upstream.handshakes.waited";
const QUOTA_CAPACITY: &str = "kabao.quota.capacity";
const QUOTA_PORTION: &str = "kabao.quota.portion";
const QUOTA_USED: &str = "kabao.quota.used";
const QUOTA_QUEUED: &str = "kabao.quota.queued";
const QUOTA_RATE: &str = "kabao.quota.rate";
const QUOTA_ALONE: &str = "kabao.quota.alone";

const ROWS: [Row; 27] = [
    gauge(
        IN_FLIGHT,
        "",
        ACCOUNT,
        "Calls to WeChat that have a permit, by account.",
    ),
    gauge(
        QUEUED,
        "",
        ACCOUNT,
        "Calls that wait for a permit, by account.",
    ),
    gauge(
        LIMIT,
        "",
        ACCOUNT,
        "How many calls of an account may be in flight at present; it follows what WeChat's latency shows.",
    ),
    counter(
        REFUSED,
        ACCOUNT,
        "Calls that were refused before anything was sent because too many of the account were in flight, by account.",
    ),
    gauge(
        RETRY_TOKENS,
        "",
        ACCOUNT,
        "What is left of the budget for repeats, by account: a repeat takes 14 of it, 5 after a rate limit.",
    ),
    gauge(
        RETRY_CAPACITY,
        "",
        ACCOUNT,
        "The whole budget for repeats, by account.",
    ),
    gauge(
        SIGNING_QUEUE,
        "",
        &[],
        "Signatures and decryptions that wait for a thread.",
    ),
    gauge(
        HOSTS,
        "",
        HOST,
        "Hosts of WeChat by account and state of their circuit breaker: closed (all calls pass), half_open (one finds out), open (none).",
    ),
    gauge(
        CERTIFICATE,
        "s",
        CREDENTIAL,
        "Time until the account's own certificate ends, if the configuration names one.",
    ),
    gauge(
        PUBLIC_KEYS,
        "",
        CREDENTIAL,
        "Public keys of WeChat Pay that are trusted; they have no end.",
    ),
    gauge(
        PLATFORM_CERTIFICATES,
        "",
        CREDENTIAL,
        "Platform certificates of WeChat Pay that are trusted.",
    ),
    gauge(
        PLATFORM_CERTIFICATE,
        "s",
        CREDENTIAL,
        "Time until the last of the trusted platform certificates ends.",
    ),
    gauge(
        TOKEN_AGE,
        "s",
        ACCOUNT,
        "Time since the access token was fetched.",
    ),
    gauge(
        TOKEN_ENDS,
        "s",
        ACCOUNT,
        "Time until the access token ends.",
    ),
    counter(
        FAILED_FETCHES,
        CREDENTIAL,
        "Fetches of access tokens or platform certificates that failed, by account and credential.",
    ),
    counter(
        SIGNER_FAILURES,
        CREDENTIAL,
        "Signatures and decryptions by a signer outside the process that failed or were late, by account and credential.",
    ),
    gauge(
        SIGNER_IN_FLIGHT,
        "",
        CREDENTIAL,
        "Signatures and decryptions that a signer outside the process is asked for at present.",
    ),
    counter(
        REFUSED_CERTIFICATES,
        CREDENTIAL,
        "Lists of platform certificates that were downloaded and not trusted, by account and credential.",
    ),
    counter(
        ANSWERS,
        KEY,
        "Answers whose signature was good, by account, credential and kind of key.",
    ),
    counter(
        HANDSHAKES,
        HANDSHAKE,
        "Handshakes of TLS with WeChat, by account and kind: full, or resumed from an earlier session.",
    ),
    counter(
        HANDSHAKES_WAITED,
        ACCOUNT,
        "Handshakes of TLS with WeChat that a call waited for, because no connection was open beside the calls, by account.",
    ),
    gauge(
        QUOTA_CAPACITY,
        "",
        OPERATION,
        "How many calls a second WeChat takes of all credentials that have called, by operation.",
    ),
    gauge(
        QUOTA_PORTION,
        "",
        OPERATION,
        "How many of them this process may send; replicas that share a store share them.",
    ),
    gauge(
        QUOTA_USED,
        "",
        OPERATION,
        "How many calls this process has sent in the present second, by operation that has a limit.",
    ),
    gauge(
        QUOTA_QUEUED,
        "",
        OPERATION,
        "Calls that wait for their turn within WeChat's limit, by operation.",
    ),
    gauge(
        QUOTA_RATE,
        "",
        OPERATION,
        "What is left of the documented rate after WeChat's refusals, 0.1 to 1: the least of all credentials, by operation.",
    ),
    gauge(
        QUOTA_ALONE,
        "",
        OPERATION,
        "Credentials whose portion is not renewed by the store, so that an equal part is used, by operation.",
    ),
];

impl LastLook {
    /// Makes the gauges.
    pub(super) fn watch(&self, meter: &Meter) {
        for row in &ROWS {
            let (look, labels, name) = (self.clone(), row.labels, row.name);
            let tell = move |instrument: &dyn AsyncInstrument<f64>| {
                look.lock().series.tell(name, labels, instrument);
            };
            if row.counts {
                meter
                    .f64_observable_counter(name)
                    .with_description(row.description)
                    .with_callback(tell)
                    .build();
            } else {
                meter
                    .f64_observable_gauge(name)
                    .with_unit(row.unit)
                    .with_description(row.description)
                    .with_callback(tell)
                    .build();
            }
        }
    }

    /// Looks at these clients from now on.
    pub(super) fn at(&self, clients: WeakClients) {
        self.lock().clients = clients;
    }

    /// Looks once more.
    pub(super) fn renew(&self, labels: &AccountLabels) {
        let clients = self.lock().clients.list();
        let mut series = Series::default();
        let now = clock::unix_seconds();
        let mut quotas: Vec<Quotas> = Vec::new();
        for client in clients {
            let account = labels.of(client.account());
            series.add(account.as_str(), &client.vitals(), now);
            if !quotas.contains(client.quotas()) {
                quotas.push(client.quotas().clone());
            }
        }
        for limit in quotas.iter().flat_map(Quotas::vitals) {
            series.add_limit(&limit);
        }
        self.lock().series = series;
    }

    /// Every change leaves the state whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Series {
    fn add(&mut self, account: &str, vitals: &Vitals, now: i64) {
        use Fold::Sum;
        let one = &[account];
        self.put(IN_FLIGHT, one, Sum, whole(vitals.in_flight));
        self.put(QUEUED, one, Sum, whole(vitals.queued));
        self.put(LIMIT, one, Sum, whole(vitals.limit));
        self.put(REFUSED, one, Sum, counted(vitals.refused));
        self.put(RETRY_TOKENS, one, Sum, f64::from(vitals.retry_tokens));
        self.put(RETRY_CAPACITY, one, Sum, f64::from(vitals.retry_capacity));
        self.put(SIGNING_QUEUE, &[], Sum, whole(vitals.signing_queue));
        let handshakes = vitals.handshakes;
        for (kind, number) in [("full", handshakes.full), ("resumed", handshakes.resumed)] {
            self.put(HANDSHAKES, &[account, kind], Sum, counted(number));
        }
        let waited = handshakes.full + handshakes.resumed;
        let waited = counted(waited.saturating_sub(handshakes.ahead));
        self.put(HANDSHAKES_WAITED, one, Sum, waited);
        for host in &vitals.hosts {
            let labels = [account, &host.host, host.breaker.as_str()];
            self.put(HOSTS, &labels, Sum, 1.0);
        }
        for credential in &vitals.credentials {
            self.add_credential(account, credential, now);
        }
    }

    fn add_limit(&mut self, limit: &LimitVitals) {
        use Fold::{Least, Sum};
        let labels = &[limit.operation];
        self.put(QUOTA_CAPACITY, labels, Sum, whole(limit.capacity));
        self.put(QUOTA_PORTION, labels, Sum, whole(limit.portion));
        self.put(QUOTA_USED, labels, Sum, whole(limit.used));
        self.put(QUOTA_QUEUED, labels, Sum, whole(limit.waiting));
        self.put(QUOTA_RATE, labels, Least, f64::from(limit.rate) / 1000.0);
        self.put(QUOTA_ALONE, labels, Sum, whole(limit.is_alone.into()));
    }

    fn add_credential(&mut self, account: &str, credential: &CredentialVitals, now: i64) {
        use Fold::{Least, Most, Sum};
        let labels = &[account, kind_name(credential.kind)];
        let left = |end: i64| seconds(end.saturating_sub(now));
        if let Some(end) = credential.certificate_ends {
            self.put(CERTIFICATE, labels, Least, left(end));
        }
        if credential.public_keys > 0 {
            self.put(PUBLIC_KEYS, labels, Sum, whole(credential.public_keys));
        }
        if let Some(last) = credential.platform_certificates_end.iter().max() {
            let number = credential.platform_certificates_end.len();
            self.put(PLATFORM_CERTIFICATES, labels, Sum, whole(number));
            self.put(PLATFORM_CERTIFICATE, labels, Least, left(*last));
        }
        if let Some(token) = credential.access_token {
            self.put(TOKEN_AGE, &[account], Most, token.age.as_secs_f64());
            self.put(TOKEN_ENDS, &[account], Least, token.ends_in.as_secs_f64());
        }
        let failed = counted(credential.failed_fetches);
        self.put(FAILED_FETCHES, labels, Sum, failed);
        for signer in &credential.signers {
            self.put(SIGNER_FAILURES, labels, Sum, counted(signer.failures));
            self.put(SIGNER_IN_FLIGHT, labels, Sum, whole(signer.in_flight));
        }
        if credential.kind != CredentialKind::AccessToken {
            let refused = counted(credential.refused_certificates);
            self.put(REFUSED_CERTIFICATES, labels, Sum, refused);
            for (key, count) in [
                ("certificate", credential.signed_by_certificate),
                ("public_key", credential.signed_by_public_key),
            ] {
                let labels = [account, kind_name(credential.kind), key];
                self.put(ANSWERS, &labels, Sum, counted(count));
            }
        }
    }

    fn put(&mut self, name: &'static str, labels: &[&str], fold: Fold, value: f64) {
        let labels = labels.iter().map(|&label| label.to_owned()).collect();
        self.0
            .entry(name)
            .or_default()
            .entry(labels)
            .and_modify(|known| {
                *known = match fold {
                    Fold::Sum => *known + value,
                    Fold::Least => known.min(value),
                    Fold::Most => known.max(value),
                };
            })
            .or_insert(value);
    }

    fn tell(
        &self,
        name: &str,
        keys: &'static [&'static str],
        instrument: &dyn AsyncInstrument<f64>,
    ) {
        for (labels, value) in self.0.get(name).into_iter().flatten() {
            let labels: Vec<_> = keys
                .iter()
                .zip(labels)
                .map(|(key, value)| KeyValue::new(*key, value.clone()))
                .collect();
            instrument.observe(*value, &labels);
        }
    }
}

fn whole(number: usize) -> f64 {
    counted(u64::try_from(number).unwrap_or(u64::MAX))
}

#[expect(
    clippy::cast_precision_loss,
    clippy::as_conversions,
    reason = "metrics are floating point numbers, exact to 2^53"
)]
fn counted(number: u64) -> f64 {
    number as f64
}

#[expect(
    clippy::cast_precision_loss,
    clippy::as_conversions,
    reason = "metrics are floating point numbers, exact to 2^53"
)]
fn seconds(number: i64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    impl LastLook {
        pub(in crate::telemetry) fn show(
            &self,
            account: &str,
            vitals: &Vitals,
            limit: &LimitVitals,
        ) {
            let mut series = Series::default();
            series.add(account, vitals, clock::unix_seconds());
            series.add_limit(limit);
            self.lock().series = series;
        }
    }

    fn put_twice(fold: Fold) -> f64 {
        let mut series = Series::default();
        series.put(LIMIT, &["other"], fold, 3.0);
        series.put(LIMIT, &["other"], fold, 5.0);
        series.0[LIMIT][&vec!["other".to_owned()]]
    }

    #[test]
    fn accounts_that_share_a_label_are_put_together() {
        let folded = [Fold::Sum, Fold::Least, Fold::Most].map(put_twice);
        assert_eq!(folded.map(f64::to_bits), [8.0, 3.0, 5.0].map(f64::to_bits));
    }

    #[test]
    fn every_metric_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> = ROWS.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), ROWS.len());
    }
}
