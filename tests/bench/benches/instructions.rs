//! The parts of a call under valgrind: how many instructions each takes.
//!
//! `cargo run --release -p kabao-bench` runs this and compares; by hand: `cargo bench -p kabao-bench`.

#![allow(
    missing_docs,
    reason = "the macros write public items without documentation"
)]

use gungraun::{library_benchmark, library_benchmark_group, main};
use kabao_bench::{Result, Units};

/// Everything is there, and was used once, so that nothing is made for the first time.
fn prepared() -> Result<Units> {
    Units::new()
}

#[library_benchmark]
#[bench::once(prepared())]
fn reading(units: Result<Units>) -> Result<(usize, Units)> {
    let units = units?;
    Ok((units.read()?, units))
}

#[library_benchmark]
#[bench::once(prepared())]
fn writing(units: Result<Units>) -> Result<(usize, Units)> {
    let units = units?;
    Ok((units.write()?, units))
}

#[library_benchmark]
#[bench::once(prepared())]
fn converting(units: Result<Units>) -> Result<(usize, Units)> {
    let units = units?;
    Ok((units.convert()?, units))
}

library_benchmark_group!(
    name = instructions,
    benchmarks = [reading, writing, converting]
);
main!(library_benchmark_groups = instructions);
