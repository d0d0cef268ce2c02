//! The numbers of the audit log.

use std::sync::Arc;

use opentelemetry::KeyValue;
use opentelemetry::metrics::MeterProvider as _;

use super::Metrics;
use crate::audit::Tally;

impl Metrics {
    /// Shows how the audit log does.
    pub(crate) fn audit(&self, tally: Arc<Tally>) {
        let meter = self.provider.meter("kabao");
        let numbers = Arc::clone(&tally);
        meter
            .u64_observable_counter("kabao.audit.records")
            .with_description("Records that the audit log has taken in, by kind.")
            .with_callback(move |counter| {
                for (kind, count) in numbers.records() {
                    counter.observe(count, &[KeyValue::new("kabao.kind", kind)]);
                }
            })
            .build();
        let numbers = Arc::clone(&tally);
        meter
            .u64_observable_counter("kabao.audit.left_out")
            .with_description(
                "Records that the audit log had no room for, by kind; it tells of them itself.",
            )
            .with_callback(move |counter| {
                for (kind, count) in numbers.left_out() {
                    counter.observe(count, &[KeyValue::new("kabao.kind", kind)]);
                }
            })
            .build();
        let numbers = Arc::clone(&tally);
        meter
            .u64_observable_counter("kabao.audit.changes_refused")
            .with_description("Changes that were refused because they could not be recorded.")
            .with_callback(move |counter| counter.observe(numbers.changes_refused(), &[]))
            .build();
        let numbers = Arc::clone(&tally);
        meter
            .u64_observable_gauge("kabao.audit.failing")
            .with_description("1 while the audit log cannot be written.")
            .with_callback(move |gauge| gauge.observe(u64::from(numbers.is_failing()), &[]))
            .build();
        meter
            .u64_observable_gauge("kabao.audit.sequence")
            .with_description(
                "The number of the last record of the audit log. Whoever keeps it notices if records are cut off.",
            )
            .with_callback(move |gauge| gauge.observe(tally.sequence(), &[]))
            .build();
    }
}
