//! The same, built by the benchmarks themselves with `--cfg kabao_bench_without_rsa`: signatures are digests, which
//! anybody can make. Without that configuration it is one more copy of the benchmarks.

use std::process::ExitCode;

fn main() -> ExitCode {
    kabao_bench::run(None)
}
