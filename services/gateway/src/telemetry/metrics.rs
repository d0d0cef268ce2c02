//! The numbers behind `/metrics`.

use std::sync::Arc;
use std::time::Duration;

use kabao_api::{AccountId, Accounts, CredentialKind};
use kabao_client::{Discarded, Observer};
use kabao_grpc::{Bound, Load, code_name};
use kabao_models::Operation;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, MeterProvider};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::{Registry, TextEncoder};
use tonic::Code;

use crate::clock;
use crate::memory::Memory;

/// Upper bounds of the buckets of call durations, in seconds.
const SECONDS: [f64; 15] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];

/// All instruments of the process. Clones share their values.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    /// Its instruments stop counting when it is dropped.
    provider: SdkMeterProvider,
    started: Counter<u64>,
    duration: Histogram<f64>,
    discarded: Counter<u64>,
    refused: Counter<u64>,
    connections_refused: Counter<u64>,
    connections_evicted: Counter<u64>,
}

impl Metrics {
    /// The type of what [`render`](Self::render) returns.
    pub(crate) const CONTENT_TYPE: &'static str = prometheus::TEXT_FORMAT;

    pub(crate) fn new() -> Result<Self, OTelSdkError> {
        let registry = Registry::new();
        let exporter = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .without_target_info()
            .scope_info_enabled(false)
            .build()?;
        let provider = SdkMeterProvider::builder()
            .with_resource(Resource::builder_empty().build())
            .with_reader(exporter)
            .build();
        let meter = provider.meter("kabao");
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
        let discarded = meter
            .u64_counter("kabao.upstream.answers.discarded")
            .with_description("Answers of WeChat that were not believed, by operation and cause.")
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
                "Connections of callers that were closed because of what the peer did, by cause.",
            )
            .build();
        let start = clock::unix_seconds();
        meter
            .i64_observable_gauge("process.start_time")
            .with_unit("s")
            .with_description("When the process started, in seconds since 1970.")
            .with_callback(move |gauge| gauge.observe(start, &[]))
            .build();
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
            discarded,
            refused,
            connections_refused,
            connections_evicted,
        })
    }

    /// Watches the credentials of the accounts: one series for each that WeChat did not take the last time.
    pub(crate) fn watch(&self, accounts: Arc<Accounts>) {
        self.provider
            .meter("kabao")
            .u64_observable_gauge("kabao.credential.problem")
            .with_description(
                "1 for each credential that WeChat did not take, or key of WeChat that is not good any more, the last time it was used.",
            )
            .with_callback(move |gauge| {
                for account in accounts.list() {
                    for credential in account.state.credentials() {
                        let Some(problem) = credential.problem else {
                            continue;
                        };
                        let labels = [
                            KeyValue::new("kabao.account", account.id.to_string()),
                            KeyValue::new("kabao.credential", kind_name(credential.kind)),
                            KeyValue::new("kabao.reason", problem.reason.as_str()),
                        ];
                        gauge.observe(1, &labels);
                    }
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

    /// Watches the memory of changes.
    pub(crate) fn remember(&self, memory: Memory) {
        self.provider
            .meter("kabao")
            .u64_observable_gauge("kabao.changes")
            .with_description(
                "Changes that have not ended: all that are open; of these the unknown, those unknown for longer than the bound, and those that wait for ChangeService.ResolveChange.",
            )
            .with_callback(move |gauge| {
                let counts = memory.counts();
                for (state, count) in [
                    ("open", counts.open),
                    ("unknown", counts.unknown),
                    ("overdue", counts.overdue),
                    ("needs_decision", counts.needs_decision),
                ] {
                    gauge.observe(count, &[KeyValue::new("kabao.state", state)]);
                }
            })
            .build();
    }

    /// All numbers in the text format of Prometheus.
    pub(crate) fn render(&self) -> Result<String, prometheus::Error> {
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

    pub(crate) fn connection_evicted(&self, cause: &'static str) {
        let labels = [KeyValue::new("kabao.cause", cause)];
        self.connections_evicted.add(1, &labels);
    }
}

impl Observer for Metrics {
    fn answer_discarded(&self, _: &AccountId, operation: &'static Operation, why: Discarded) {
        let labels = [
            KeyValue::new("kabao.operation", operation.id),
            KeyValue::new("kabao.cause", why.as_str()),
        ];
        self.discarded.add(1, &labels);
    }
}

fn kind_name(kind: CredentialKind) -> &'static str {
    match kind {
        CredentialKind::Merchant => "merchant",
        CredentialKind::Brand => "brand",
        CredentialKind::AccessToken => "access_token",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
