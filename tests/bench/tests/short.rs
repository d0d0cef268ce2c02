//! The short form, as CI runs it.

use std::process::Command;

#[test]
#[ignore = "takes half a minute and prints what it measures: .ci/run asks for it"]
fn no_call_allocates_more_than_it_did() {
    let status = Command::new(env!("CARGO_BIN_EXE_kabao-bench"))
        .arg("--short")
        .args(["--counting", env!("CARGO_BIN_EXE_kabao-bench-counting")])
        .status()
        .expect("the benchmarks start");
    assert!(status.success(), "what is over stands above");
}
