//! How busy the runtime is.

use opentelemetry::metrics::Meter;
use tokio::runtime::Handle;

/// Watches a runtime by what tokio tells without unstable features.
pub(super) fn watch(meter: &Meter, runtime: &Handle) {
    let gauge = |name: &'static str, description: &'static str, value: fn(&Handle) -> usize| {
        let runtime = runtime.clone();
        meter
            .u64_observable_gauge(name)
            .with_description(description)
            .with_callback(move |gauge| {
                gauge.observe(u64::try_from(value(&runtime)).unwrap_or(u64::MAX), &[]);
            })
            .build();
    };
    gauge(
        "kabao.runtime.workers",
        "Threads that run tasks.",
        |runtime| runtime.metrics().num_workers(),
    );
    gauge(
        "kabao.runtime.tasks",
        "Tasks that have not ended.",
        |runtime| runtime.metrics().num_alive_tasks(),
    );
    gauge(
        "kabao.runtime.queue",
        "Tasks that are ready and wait for any worker.",
        |runtime| runtime.metrics().global_queue_depth(),
    );
    #[cfg(target_has_atomic = "64")]
    {
        let runtime = runtime.clone();
        meter
            .f64_observable_counter("kabao.runtime.busy")
            .with_unit("s")
            .with_description(
                "Time that the workers spent with tasks. Its rate by the number of workers is 1 when there is no more room.",
            )
            .with_callback(move |counter| {
                let metrics = runtime.metrics();
                let busy: std::time::Duration = (0..metrics.num_workers())
                    .map(|worker| metrics.worker_total_busy_duration(worker))
                    .sum();
                counter.observe(busy.as_secs_f64(), &[]);
            })
            .build();
    }
}
