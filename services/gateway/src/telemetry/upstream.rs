//! Counts calls to WeChat as they end.

use std::time::Duration;

use kabao_api::{AccountId, Reason};
use kabao_client::{Discarded, End, Host, Observer};
use kabao_models::Operation;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, Meter};

use super::Metrics;
use super::labels::AccountLabels;

/// Upper bounds of the buckets of calls to WeChat, in seconds: it answers in 50 to 300 ms as a rule, and nobody waits
/// for longer than half a minute.
const SECONDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0, 30.0,
];

/// The instruments of calls to WeChat. Accounts are no label of the histograms: each would have as many series as all
/// of them together have otherwise.
#[derive(Clone, Debug)]
pub(super) struct Upstream {
    labels: AccountLabels,
    calls: Histogram<f64>,
    attempts: Histogram<f64>,
    account_calls: Counter<u64>,
    released: Counter<u64>,
    discarded: Counter<u64>,
}

impl Upstream {
    /// Histograms whose labels have more values than the default bound on series allows.
    pub(super) const WIDE: [&'static str; 2] = [
        "kabao.upstream.call.duration",
        "kabao.upstream.attempt.duration",
    ];

    pub(super) fn new(meter: &Meter, labels: AccountLabels) -> Self {
        let [call, attempt] = Self::WIDE;
        let histogram = |name, description: &'static str| {
            meter
                .f64_histogram(name)
                .with_unit("s")
                .with_description(description)
                .with_boundaries(SECONDS.to_vec())
                .build()
        };
        let counter = |name: &'static str, description: &'static str| {
            meter
                .u64_counter(name)
                .with_description(description)
                .build()
        };
        Self {
            labels,
            calls: histogram(
                call,
                "Time of a call to WeChat with its waits and repeats, by operation, family and reason (OK for a success).",
            ),
            attempts: histogram(
                attempt,
                "Time of an attempt at one host of WeChat with its signature, by operation, host, HTTP status (absent without an answer) and reason (OK for a success).",
            ),
            account_calls: counter(
                "kabao.upstream.calls",
                "Calls to WeChat that have ended, by account and reason (OK for a success).",
            ),
            released: counter(
                "kabao.upstream.calls.released",
                "Writes that went on after their callers had been told OUTCOME_UNKNOWN because their time was up, by account.",
            ),
            discarded: counter(
                "kabao.upstream.answers.discarded",
                "Answers of WeChat that were not believed, by operation and cause.",
            ),
        }
    }
}

impl Observer for Metrics {
    fn answer_discarded(&self, _: &AccountId, operation: &'static Operation, why: Discarded) {
        let labels = [
            KeyValue::new("kabao.operation", operation.id),
            KeyValue::new("kabao.cause", why.as_str()),
        ];
        self.upstream.discarded.add(1, &labels);
    }

    fn call_ended(&self, account: &AccountId, operation: &'static Operation, end: End) {
        let reason = reason(end.failure);
        let labels = [
            KeyValue::new("kabao.family", operation.family.as_str()),
            KeyValue::new("kabao.operation", operation.id),
            KeyValue::new("kabao.reason", reason),
        ];
        let upstream = &self.upstream;
        upstream.calls.record(seconds(end.took), &labels);
        let labels = [
            KeyValue::new("kabao.account", upstream.labels.of(account)),
            KeyValue::new("kabao.reason", reason),
        ];
        upstream.account_calls.add(1, &labels);
    }

    fn attempt_ended(
        &self,
        operation: &'static Operation,
        host: Host,
        status: Option<u16>,
        end: End,
    ) {
        let reason = KeyValue::new("kabao.reason", reason(end.failure));
        let host = KeyValue::new("kabao.host", host.as_str());
        let operation = KeyValue::new("kabao.operation", operation.id);
        let took = seconds(end.took);
        let attempts = &self.upstream.attempts;
        match status {
            Some(status) => {
                let status = KeyValue::new("http.response.status_code", i64::from(known(status)));
                attempts.record(took, &[status, host, operation, reason]);
            }
            None => attempts.record(took, &[host, operation, reason]),
        }
    }

    fn call_released(&self, account: &AccountId, _: &'static Operation) {
        let account = KeyValue::new("kabao.account", self.upstream.labels.of(account));
        self.upstream.released.add(1, &[account]);
    }
}

fn reason(failure: Option<Reason>) -> &'static str {
    failure.map_or("OK", Reason::as_str)
}

/// WeChat, or whoever is on the way, may write any number: those that mean nothing count as their hundred.
fn known(status: u16) -> u16 {
    match status {
        200 | 202 | 204 | 400 | 401 | 403 | 404 | 409 | 429 | 500 | 502 | 503 | 504 => status,
        other => other / 100 * 100,
    }
}

fn seconds(took: Duration) -> f64 {
    took.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use kabao_models::merchant;

    use super::*;

    #[test]
    fn calls_and_attempts_are_told_by_operation_and_reason() {
        let metrics = Metrics::telling_apart(1).unwrap();
        let operation = merchant::OPERATIONS.first().unwrap();
        let [a, b] = ["a", "b"].map(|account| AccountId::new(account).unwrap());
        let end = |failure| End::new(failure, Duration::from_millis(120));
        let observer: &dyn Observer = &metrics;
        observer.call_ended(&a, operation, end(None));
        observer.call_ended(&b, operation, end(Some(Reason::OutcomeUnknown)));
        observer.call_released(&b, operation);
        observer.attempt_ended(operation, Host::Main, Some(200), end(None));
        observer.attempt_ended(
            operation,
            Host::Backup,
            None,
            end(Some(Reason::UpstreamTimeout)),
        );
        observer.attempt_ended(
            operation,
            Host::Main,
            Some(418),
            end(Some(Reason::UpstreamMalformed)),
        );
        let page = metrics.render().unwrap();
        let id = operation.id;
        for line in [
            format!(
                "kabao_upstream_call_duration_seconds_bucket{{kabao_family=\"merchant\",kabao_operation=\"{id}\",kabao_reason=\"OK\",le=\"0.2\"}} 1"
            ),
            format!(
                "kabao_upstream_call_duration_seconds_bucket{{kabao_family=\"merchant\",kabao_operation=\"{id}\",kabao_reason=\"OK\",le=\"0.1\"}} 0"
            ),
            format!(
                "kabao_upstream_attempt_duration_seconds_count{{http_response_status_code=\"200\",kabao_host=\"main\",kabao_operation=\"{id}\",kabao_reason=\"OK\"}} 1"
            ),
            format!(
                "kabao_upstream_attempt_duration_seconds_count{{http_response_status_code=\"400\",kabao_host=\"main\",kabao_operation=\"{id}\",kabao_reason=\"UPSTREAM_MALFORMED\"}} 1"
            ),
            format!(
                "kabao_upstream_attempt_duration_seconds_count{{kabao_host=\"backup\",kabao_operation=\"{id}\",kabao_reason=\"UPSTREAM_TIMEOUT\"}} 1"
            ),
            r#"kabao_upstream_calls_total{kabao_account="a",kabao_reason="OK"} 1"#.to_owned(),
            r#"kabao_upstream_calls_total{kabao_account="other",kabao_reason="OUTCOME_UNKNOWN"} 1"#
                .to_owned(),
            r#"kabao_upstream_calls_released_total{kabao_account="other"} 1"#.to_owned(),
        ] {
            assert!(page.contains(&line), "{line} in\n{page}");
        }
    }
}
