//! What the numbers were measured on.

use std::fs;

/// One line about the machine, for whoever compares runs.
pub(crate) fn describe() -> String {
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        processor
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(key, _)| key.trim() == name)
            .map_or("", |(_, value)| value.trim())
    };
    // Signing with it takes half the time.
    let ifma = match field("flags").split(' ').any(|flag| flag == "avx512ifma") {
        true => "with",
        false => "without",
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // aws-lc leaves out what its user takes away.
    let masked = std::env::var("OPENSSL_ia32cap");
    let masked = masked.map_or_else(
        |_| String::new(),
        |mask| format!(", OPENSSL_ia32cap={mask}"),
    );
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?");
    format!(
        "{} family {} model {}, {cores} cores, {ifma} AVX512-IFMA{masked}; load {load} before the run",
        field("model name"),
        field("cpu family"),
        field("model"),
    )
}
