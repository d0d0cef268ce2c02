//! The binary `kabao`; everything of it is in the library beside it.

use std::process::ExitCode;

#[cfg(kabao_bench_without_rsa)]
compile_error!("signatures without RSA prove nothing: they are for benchmarks alone");

fn main() -> ExitCode {
    kabao_gateway::run()
}
