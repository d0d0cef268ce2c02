//! The benchmarks; everything of them is in the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    kabao_bench::run(None)
}
