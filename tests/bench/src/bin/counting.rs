//! The same with an allocator that counts, which would cost the measurements of time a little.

use std::alloc::System;
use std::process::ExitCode;

use kabao_bench::Allocations;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    kabao_bench::run(Some(|| {
        let stats = ALLOCATOR.stats();
        Allocations {
            count: stats.allocations.saturating_add(stats.reallocations),
            bytes: stats.bytes_allocated,
        }
    }))
}
