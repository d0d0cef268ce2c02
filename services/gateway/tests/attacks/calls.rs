//! Calls that are begun and never ended.

use kabao_gateway::Gateway;

use crate::good::{THERE, callers_lose_nothing};
use crate::raw::{LIST_ACCOUNTS, REFLECTION, Raw, call, streams, whole_call};
use crate::running::{CALLS, metric, settings, start, until};

/// As many streams as a connection may have, on each of four connections.
async fn fill(gateway: &Gateway, settings: &[u8], begin: fn(u32) -> Vec<u8>) -> Vec<Raw> {
    let mut held = Vec::new();
    for _ in 0..4 {
        let mut raw = Raw::open(gateway.grpc(), THERE, settings).await;
        let all: Vec<u8> = streams(256).flat_map(begin).collect();
        raw.say(&all).await.unwrap();
        held.push(raw);
    }
    held
}

/// `SETTINGS_INITIAL_WINDOW_SIZE` of 0: no answer is taken.
const NO_WINDOW: &[u8] = &[0, 4, 0, 0, 0, 0];

#[tokio::test]
async fn bodies_that_are_never_sent_leave_room_for_everybody_else() {
    let gateway = start(&settings()).await;
    let _held = fill(&gateway, &[], |stream| call(stream, LIST_ACCOUNTS)).await;
    until(gateway.admin(), CALLS, |calls| calls >= 700).await;
    callers_lose_nothing(gateway.grpc()).await;
    // The attack was still on.
    assert!(metric(gateway.admin(), CALLS).await >= 700);
    let refused = r#"kabao_calls_refused_total{kabao_bound="caller",kabao_class="calls"}"#;
    until(gateway.admin(), refused, |calls| calls > 0).await;
}

#[tokio::test]
async fn answers_that_are_never_taken_leave_room_for_everybody_else() {
    let gateway = start(&settings()).await;
    let _held = fill(&gateway, NO_WINDOW, |stream| {
        whole_call(stream, LIST_ACCOUNTS)
    })
    .await;
    until(gateway.admin(), CALLS, |calls| calls >= 700).await;
    callers_lose_nothing(gateway.grpc()).await;
    assert!(metric(gateway.admin(), CALLS).await >= 700);
}

#[tokio::test]
async fn silent_streams_of_reflection_are_none_of_the_calls() {
    let gateway = start(&settings()).await;
    let _held = fill(&gateway, &[], |stream| call(stream, REFLECTION)).await;
    let series = r#"kabao_calls_in_flight{kabao_class="reflection"}"#;
    until(gateway.admin(), series, |calls| calls >= 24).await;
    assert_eq!(metric(gateway.admin(), CALLS).await, 0);
    callers_lose_nothing(gateway.grpc()).await;
}
