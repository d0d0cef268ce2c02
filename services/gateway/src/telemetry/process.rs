//! What the process takes from the machine, under the names that Prometheus has for it.

use std::fs;

use opentelemetry::metrics::Meter;

use crate::clock;

/// Clock ticks a second in `/proc/self/stat`: part of what Linux promises to programs, whatever the kernel's own are.
const TICKS: f64 = 100.0;

/// Watches the process. What the system does not tell (anything but Linux) is left out.
pub(super) fn watch(meter: &Meter) {
    let start = clock::unix_seconds();
    meter
        .i64_observable_gauge("process.start_time")
        .with_unit("s")
        .with_description("When the process started, in seconds since 1970.")
        .with_callback(move |gauge| gauge.observe(start, &[]))
        .build();
    meter
        .f64_observable_counter("process.cpu")
        .with_unit("s")
        .with_description("Processor time, in the process and in the system for it.")
        .with_callback(|counter| {
            let stat = fs::read_to_string("/proc/self/stat").ok();
            if let Some(seconds) = stat.as_deref().and_then(processor_time) {
                counter.observe(seconds, &[]);
            }
        })
        .build();
    let gauge = |name: &'static str,
                 unit: &'static str,
                 description: &'static str,
                 value: fn() -> Option<u64>| {
        meter
            .u64_observable_gauge(name)
            .with_unit(unit)
            .with_description(description)
            .with_callback(move |gauge| {
                if let Some(value) = value() {
                    gauge.observe(value, &[]);
                }
            })
            .build();
    };
    gauge(
        "process.resident_memory",
        "By",
        "Memory of the process that is in the machine's memory.",
        || status("VmRSS:").map(|kib| kib.saturating_mul(1024)),
    );
    gauge(
        "process.virtual_memory",
        "By",
        "Addresses that the process has reserved.",
        || status("VmSize:").map(|kib| kib.saturating_mul(1024)),
    );
    gauge("process.threads", "", "Threads of the process.", || {
        status("Threads:")
    });
    gauge(
        "process.open_fds",
        "",
        "File descriptors that are open; every connection is one.",
        || {
            let open = fs::read_dir("/proc/self/fd").ok()?.count();
            // One of them is the directory itself.
            u64::try_from(open.saturating_sub(1)).ok()
        },
    );
    gauge(
        "process.max_fds",
        "",
        "How many file descriptors may be open.",
        || {
            let limits = fs::read_to_string("/proc/self/limits").ok()?;
            let line = limits
                .lines()
                .find_map(|line| line.strip_prefix("Max open files"))?;
            line.split_whitespace().next()?.parse().ok()
        },
    );
}

/// Reads seconds of processor time from `/proc/self/stat`.
fn processor_time(stat: &str) -> Option<f64> {
    // The second field is the name of the program, in parentheses, and may hold anything.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS)
}

/// A number of `/proc/self/status`.
fn status(key: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_read_behind_whatever_the_program_is_called() {
        let line = "42 (a) b (c) S 1 42 42 0 -1 4194304 500 0 0 0 1234 66 0 0 20 0 9 0 100 0";
        let cpu = processor_time(line).unwrap();
        assert!((cpu - 13.0).abs() < 1e-9, "{cpu}");
        assert!(processor_time("nonsense").is_none());
    }
}
