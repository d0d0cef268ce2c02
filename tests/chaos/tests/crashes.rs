//! The bounded form of the histories: every case at least once.

use std::path::Path;
use std::time::Duration;

use kabao_chaos::Violation;
use kabao_chaos::crash::{self, Case};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "kills processes for a minute; CI runs it as a step of its own"]
async fn the_promise_holds_when_the_gateway_is_killed() {
    let executable = Path::new(env!("CARGO_BIN_EXE_kabao-chaos-gateway"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("crashes");
    let tell = |seed: u64, history: &crash::History| println!("history {seed}: {history}");
    let bad = crash::run(&Case::ALL, 0..20, 4, executable, &folder, tell)
        .await
        .unwrap();
    assert_eq!(bad, 0, "see {}", folder.display());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL and kills processes for a minute; CI runs it as a step of its own"]
async fn the_promise_holds_when_one_of_two_gateways_or_their_database_is_killed() {
    let executable = Path::new(env!("CARGO_BIN_EXE_kabao-chaos-gateway"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("replicas");
    let tell = |seed: u64, history: &crash::History| println!("history {seed}: {history}");
    let bad = crash::run(&Case::SHARED, 0..4, 4, executable, &folder, tell)
        .await
        .unwrap();
    assert_eq!(bad, 0, "see {}", folder.display());
}

/// Nobody repeats the call: the reconciler of the other gateway finds the change, and proves it by a read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL and kills processes; CI runs it as a step of its own"]
async fn another_gateway_ends_what_a_killed_one_has_left_open_within_ten_seconds() {
    let executable = Path::new(env!("CARGO_BIN_EXE_kabao-chaos-gateway"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("takeover");
    let _ = std::fs::remove_dir_all(&folder);
    let (took, effects) = crash::takeover(executable, &folder).await.unwrap();
    println!("taken over and proved after {took:?}");
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(effects, 1);
}

/// A gateway without its memory adds twice, and the judge sees it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "kills processes; CI runs it as a step of its own"]
async fn a_lost_memory_is_found() {
    let executable = Path::new(env!("CARGO_BIN_EXE_kabao-chaos-gateway"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("memory-lost");
    let history = crash::run_case(Case::MemoryLost, 1, executable, &folder).await;
    let history = history.unwrap();
    let is_doubled = |violation: &Violation| matches!(violation, Violation::Doubled(..));
    assert!(
        history.is_met && history.violations.iter().any(is_doubled),
        "{history}"
    );
}
