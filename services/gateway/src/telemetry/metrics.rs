//! The numbers behind `/metrics`.

use std::sync::Arc;
use std::time::Duration;

use kabao_grpc::{Bound, Load, WeakGenerations, code_name};
use kabao_reads::Cache;
use kabao_store::{StoreObserver, StoreVitals};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, Meter, MeterProvider, UpDownCounter};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::metrics::{Instrument, SdkMeterProvider, Stream};
use prometheus::{Registry, TextEncoder};
use tokio::runtime::Handle;
use tonic::Code;

use super::configuration::ReloadBoard;
use super::labels::{AccountLabels, kind_name};
use super::store::StoreCounts;
use super::traces::Parents;
use super::upstream::Upstream;
use super::vitals::LastLook;
use super::{certificates, configuration, process, runtime, store};
use crate::clients::WeakClients;
use crate::files::Reload;
use crate::memory::Memory;
use crate::tls::TlsVitals;

/// Upper bounds of the buckets of call durations, in seconds: what the gateway answers itself takes far less than a
/// millisecond, what WeChat answers a tenth of a second and more.
const SECONDS: [f64; 18] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0, 30.0, 60.0,
];

/// All instruments of the process. Clones share their values.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    /// Its instruments stop counting when it is dropped.
    pub(super) provider: SdkMeterProvider,
    started: Counter<u64>,
    duration: Histogram<f64>,
    labels: AccountLabels,
    pub(super) upstream: Upstream,
    look: LastLook,
    refused: Counter<u64>,
    connections_refused: Counter<u64>,
    connections_evicted: Counter<u64>,
    connections_open: UpDownCounter<i64>,
    handshakes_failed: Counter<u64>,
    tokens_refused: Counter<u64>,
    /// Whose traces go on here.
    pub(super) parents: Parents,
}

impl Metrics {
    /// The type of what [`render`](Self::render) returns.
    pub(crate) const CONTENT_TYPE: &'static str = prometheus::TEXT_FORMAT;

    /// Instruments that tell so many accounts apart.
    pub(crate) fn telling_apart(accounts: usize) -> Result<Self, OTelSdkError> {
        let registry = Registry::new();
        let exporter = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .without_target_info()
            .scope_info_enabled(false)
            .build()?;
        let provider = SdkMeterProvider::builder()
            .with_resource(Resource::builder_empty().build())
            .with_reader(exporter)
            .with_view(wide)
            .build();
        let meter = provider.meter("kabao");
        let labels = AccountLabels::new(accounts);
        let upstream = Upstream::new(&meter, labels.clone());
        let look = LastLook::default();
        look.watch(&meter);
        // Names of gRFC A66, which dashboards for gRPC servers know.
        let started = meter
            .u64_counter("grpc.server.call.started")
            .with_description("Calls that arrived, by method.")
            .build();
        let duration = meter
            .f64_histogram("grpc.server.call.duration")
            .with_unit("s")
            .with_description(
                "Time from the arrival of a call to its last frame, by method and status.",
            )
            .with_boundaries(SECONDS.to_vec())
            .build();
        let refused = meter
            .u64_counter("kabao.calls.refused")
            .with_description(
                "Calls that were refused because as many were in flight as there may be, by what they were after and whose bound it was.",
            )
            .build();
        let connections_refused = meter
            .u64_counter("kabao.connections.refused")
            .with_description(
                "Connections of callers that were closed because as many were open as there may be, by whose bound it was.",
            )
            .build();
        let connections_evicted = meter
            .u64_counter("kabao.connections.evicted")
            .with_description(
                "Connections of callers that were closed because of what the peer did, or because its certificate is not accepted any more, by cause.",
            )
            .build();
        process::watch(&meter);
        meter
            .u64_observable_gauge("kabao.build_info")
            .with_description("Always 1; the labels tell what runs.")
            .with_callback(|gauge| {
                gauge.observe(1, &[KeyValue::new("version", env!("CARGO_PKG_VERSION"))]);
            })
            .build();
        Ok(Self {
            registry,
            provider,
            started,
            duration,
            labels,
            upstream,
            look,
            refused,
            connections_refused,
            connections_evicted,
            connections_open: connections_open(&meter),
            handshakes_failed: handshakes_failed(&meter),
            tokens_refused: tokens_refused(&meter),
            parents: Parents::default(),
        })
    }

    /// Lets the traces of these callers go on.
    pub(crate) fn below(self, parents: Parents) -> Self {
        Self { parents, ..self }
    }

    /// Watches the credentials of the accounts: one series for each that WeChat did not take the last time.
    ///
    /// Accounts hold whoever counts for them, so nothing here may hold accounts.
    pub(crate) fn watch(&self, generations: WeakGenerations) {
        let labels = self.labels.clone();
        self.identify(generations.clone());
        configuration::watch_generation(&self.provider.meter("kabao"), generations.clone());
        self.provider
            .meter("kabao")
            .u64_observable_gauge("kabao.credential.problem")
            .with_description(
                "1 for each credential that WeChat did not take, or key of WeChat that is not good any more, the last time it was used.",
            )
            .with_callback(move |gauge| {
                let Some(generation) = generations.current() else {
                    return;
                };
                for account in generation.accounts().iter() {
                    for credential in account.state.credentials() {
                        let Some(problem) = credential.problem else {
                            continue;
                        };
                        let labels = [
                            KeyValue::new("kabao.account", labels.of(&account.id)),
                            KeyValue::new("kabao.credential", kind_name(credential.kind)),
                            KeyValue::new("kabao.reason", problem.reason.as_str()),
                        ];
                        gauge.observe(1, &labels);
                    }
                }
            })
            .build();
    }

    /// Watches reloads of the configuration.
    pub(crate) fn configuration(&self, board: &ReloadBoard) {
        configuration::watch(&self.provider.meter("kabao"), board);
    }

    /// Watches which certificates and keys of WeChat the accounts have that are told apart.
    fn identify(&self, generations: WeakGenerations) {
        let labels = self.labels.clone();
        self.provider
            .meter("kabao")
            .u64_observable_gauge("kabao.credential.key")
            .with_description(
                "Always 1; the labels tell the serial number of the account's own certificate (own), and the ids of the keys of WeChat that answers are verified with (wechat).",
            )
            .with_callback(move |gauge| {
                let Some(generation) = generations.current() else {
                    return;
                };
                for account in generation.accounts().iter() {
                    let label = labels.of(&account.id);
                    if label.as_str() != account.id.as_str() {
                        continue;
                    }
                    for credential in account.state.credentials() {
                        let own = credential.serial_number.map(|id| ("own", id));
                        let wechat = credential.trusted_keys.into_iter();
                        let wechat = wechat.map(|key| ("wechat", key.id));
                        for (whose, id) in own.into_iter().chain(wechat) {
                            let labels = [
                                KeyValue::new("kabao.account", label.clone()),
                                KeyValue::new("kabao.credential", kind_name(credential.kind)),
                                KeyValue::new("kabao.owner", whose),
                                KeyValue::new("kabao.key_id", id),
                            ];
                            gauge.observe(1, &labels);
                        }
                    }
                }
            })
            .build();
    }

    /// Watches how the clients of accounts are.
    pub(crate) fn look_at(&self, clients: WeakClients) {
        self.look.at(clients);
    }

    /// Watches a runtime.
    pub(crate) fn runtime(&self, handle: &Handle) {
        runtime::watch(&self.provider.meter("kabao"), handle);
    }

    /// Watches the TLS of the listener.
    pub(crate) fn tls(&self, vitals: impl Fn() -> TlsVitals + Send + Sync + 'static) {
        certificates::watch(&self.provider.meter("kabao"), vitals);
    }

    /// Watches whether files that lie there now are refused.
    pub(crate) fn files(&self, watched: Vec<Arc<dyn Reload>>) {
        self.provider
            .meter("kabao")
            .u64_observable_gauge("kabao.files.refused")
            .with_description(
                "1 while files have changed and are faulty, so that what they were before is in use.",
            )
            .with_callback(move |gauge| {
                for one in &watched {
                    let labels = [KeyValue::new("kabao.files", one.name())];
                    gauge.observe(u64::from(one.is_refused()), &labels);
                }
            })
            .build();
    }

    /// Watches the calls in flight.
    pub(crate) fn load(&self, load: Load) {
        self.provider
            .meter("kabao")
            .u64_observable_gauge("kabao.calls.in_flight")
            .with_description("Calls in flight, by what they are after.")
            .with_callback(move |gauge| {
                for (class, count) in load.in_flight() {
                    let count = u64::try_from(count).unwrap_or(u64::MAX);
                    gauge.observe(count, &[KeyValue::new("kabao.class", class)]);
                }
            })
            .build();
    }

    /// Watches reads that need not be made.
    fn reads(&self, memory: &Memory) {
        let meter = self.provider.meter("kabao");
        let joined = memory.joined().clone();
        meter
            .u64_observable_counter("kabao.reads.joined")
            .with_description(
                "Reads that were answered by the call of another one that was in flight.",
            )
            .with_callback(move |counter| counter.observe(joined.count(), &[]))
            .build();
        let cache = memory.cache().cloned();
        let counts = move || cache.as_ref().map(Cache::counts).unwrap_or_default();
        let looked = counts.clone();
        meter
            .u64_observable_counter("kabao.cache.reads")
            .with_description("Reads of operations whose answers are kept, by outcome: answered out of the cache (hit) or not (miss).")
            .with_callback(move |counter| {
                let counts = looked();
                for (outcome, count) in [("hit", counts.hits), ("miss", counts.misses)] {
                    counter.observe(count, &[KeyValue::new("kabao.outcome", outcome)]);
                }
            })
            .build();
        let dropped = counts.clone();
        meter
            .u64_observable_counter("kabao.cache.dropped")
            .with_description("Kept answers that were dropped for a write, or to make room.")
            .with_callback(move |counter| counter.observe(dropped().dropped, &[]))
            .build();
        meter
            .u64_observable_gauge("kabao.cache.answers")
            .with_description("Answers that are kept.")
            .with_callback(move |gauge| {
                let answers = u64::try_from(counts().answers).unwrap_or(u64::MAX);
                gauge.observe(answers, &[]);
            })
            .build();
    }

    /// Counts what a store does.
    pub(crate) fn store_observer(&self) -> Arc<dyn StoreObserver> {
        Arc::new(StoreCounts::new(&self.provider.meter("kabao")))
    }

    /// Watches how a store is.
    pub(super) fn store(&self, vitals: impl Fn() -> StoreVitals + Send + Sync + 'static) {
        store::watch(&self.provider.meter("kabao"), vitals);
    }

    /// Watches the memory of changes.
    pub(crate) fn remember(&self, memory: Memory) {
        self.reads(&memory);
        let looked = memory.clone();
        self.store(move || looked.store());
        self.provider
            .meter("kabao")
            .u64_observable_gauge("kabao.changes")
            .with_description(
                "Changes that have not ended: all that are open; of these the unknown, those unknown for longer than the bound, those that wait for ChangeService.ResolveChange, and those whose account is not served here.",
            )
            .with_callback(move |gauge| {
                let counts = memory.counts();
                for (state, count) in [
                    ("open", counts.open),
                    ("unknown", counts.unknown),
                    ("overdue", counts.overdue),
                    ("needs_decision", counts.needs_decision),
                    ("unserved", counts.unserved),
                ] {
                    gauge.observe(count, &[KeyValue::new("kabao.state", state)]);
                }
            })
            .build();
    }

    /// All numbers in the text format of Prometheus.
    pub(crate) fn render(&self) -> Result<String, prometheus::Error> {
        self.look.renew(&self.labels);
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }

    pub(crate) fn call_started(&self, method: &'static str) {
        self.started.add(1, &[KeyValue::new("grpc.method", method)]);
    }

    pub(crate) fn call_ended(&self, method: &'static str, code: Code, took: Duration) {
        let labels = [
            KeyValue::new("grpc.method", method),
            KeyValue::new("grpc.status", code_name(code)),
        ];
        self.duration.record(took.as_secs_f64(), &labels);
    }

    pub(crate) fn call_refused(&self, class: &'static str, bound: Bound) {
        let labels = [
            KeyValue::new("kabao.class", class),
            KeyValue::new("kabao.bound", bound.as_str()),
        ];
        self.refused.add(1, &labels);
    }

    pub(crate) fn connection_refused(&self, bound: Bound) {
        let labels = [KeyValue::new("kabao.bound", bound.as_str())];
        self.connections_refused.add(1, &labels);
    }

    /// Counts a connection as open until what is returned is dropped.
    pub(crate) fn connection_opened(&self) -> OpenConnection {
        self.connections_open.add(1, &[]);
        OpenConnection(self.connections_open.clone())
    }

    pub(crate) fn handshake_failed(&self, cause: &'static str) {
        let labels = [KeyValue::new("kabao.cause", cause)];
        self.handshakes_failed.add(1, &labels);
    }

    pub(crate) fn token_refused(&self, cause: &'static str) {
        let labels = [KeyValue::new("kabao.cause", cause)];
        self.tokens_refused.add(1, &labels);
    }

    pub(crate) fn connection_evicted(&self, cause: &'static str) {
        let labels = [KeyValue::new("kabao.cause", cause)];
        self.connections_evicted.add(1, &labels);
    }
}

/// One open connection.
#[derive(Debug)]
pub(crate) struct OpenConnection(UpDownCounter<i64>);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.add(-1, &[]);
    }
}

fn connections_open(meter: &Meter) -> UpDownCounter<i64> {
    meter
        .i64_up_down_counter("kabao.connections.open")
        .with_description("Connections of callers that are open.")
        .build()
}

fn handshakes_failed(meter: &Meter) -> Counter<u64> {
    meter
        .u64_counter("kabao.connections.handshakes.failed")
        .with_description(
            "Connections of callers that ended before the first call, by cause: what is wrong with the client certificate, tls, tls_timeout, preface, preface_timeout.",
        )
        .build()
}

fn tokens_refused(meter: &Meter) -> Counter<u64> {
    meter
        .u64_counter("kabao.tokens.refused")
        .with_description(
            "Calls with a bearer token that was not accepted, by what is wrong with it.",
        )
        .build()
}

/// 120 operations with a few reasons each are more series than an instrument has by default; beyond this bound
/// the rest is one series (`otel_metric_overflow`).
fn wide(instrument: &Instrument) -> Option<Stream> {
    let stream = || Stream::builder().with_cardinality_limit(8000).build().ok();
    Upstream::WIDE
        .contains(&instrument.name())
        .then(stream)
        .flatten()
}

#[cfg(test)]
mod tests {
    use kabao_api::Accounts;
    use kabao_client::Client;
    use kabao_grpc::Generations;

    use super::*;

    impl Metrics {
        pub(crate) fn new() -> Result<Self, OTelSdkError> {
            Self::telling_apart(100)
        }

        /// The numbers of one account that is like this.
        pub(crate) fn page_with(&self, account: &str, vitals: &kabao_client::Vitals) -> String {
            let limit = kabao_client::LimitVitals::new("brand.user_cards.get", 10);
            self.look.show(account, vitals, &limit);
            TextEncoder::new()
                .encode_to_string(&self.registry.gather())
                .unwrap()
        }
    }

    #[test]
    fn accounts_whose_calls_are_counted_are_not_kept_alive_by_that() {
        let metrics = Metrics::new().unwrap();
        let client = Client::official_account("a")
            .appid("wx0000000000000000")
            .app_secret("0".repeat(32))
            .build()
            .unwrap();
        client.observe(Arc::new(metrics.clone()));
        let mut accounts = Accounts::new();
        accounts.insert(client.into_account()).unwrap();
        let generations = Generations::from(accounts);
        metrics.watch(generations.downgrade());
        let generation = "kabao_config_generation 1";
        assert!(metrics.render().unwrap().contains(generation));
        let account = generations.current().accounts().iter().next().cloned();
        let account = Arc::downgrade(&account.unwrap());
        drop(generations);
        assert!(account.upgrade().is_none());
        assert!(!metrics.render().unwrap().contains(generation));
    }

    #[test]
    fn the_page_holds_calls_build_and_start() {
        let metrics = Metrics::new().unwrap();
        metrics.call_started("kabao.v1.MemberService/GetMember");
        metrics.call_ended(
            "kabao.v1.MemberService/GetMember",
            Code::NotFound,
            Duration::from_millis(7),
        );
        let page = metrics.render().unwrap();
        for line in [
            "grpc_server_call_started_total{grpc_method=\"kabao.v1.MemberService/GetMember\"} 1",
            "grpc_server_call_duration_seconds_count{grpc_method=\"kabao.v1.MemberService/GetMember\",grpc_status=\"NOT_FOUND\"} 1",
            "grpc_server_call_duration_seconds_bucket{grpc_method=\"kabao.v1.MemberService/GetMember\",grpc_status=\"NOT_FOUND\",le=\"0.01\"} 1",
            "# TYPE grpc_server_call_duration_seconds histogram",
            concat!(
                "kabao_build_info{version=\"",
                env!("CARGO_PKG_VERSION"),
                "\"} 1"
            ),
            "process_start_time_seconds ",
        ] {
            assert!(page.contains(line), "{line} in\n{page}");
        }
    }
}
