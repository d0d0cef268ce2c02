//! Calls that are begun and never ended.

use std::time::Duration;

use kabao_gateway::Gateway;
use kabao_gateway::config::Settings;

use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::good::{ELSEWHERE, THERE, callers_lose_nothing, channel};
use crate::raw::{
    DATA, END_STREAM, LIST_ACCOUNTS, REFLECTION, RST_STREAM, Raw, WINDOW_UPDATE, ask_for_file,
    call, frame, streams, whole_call,
};
use crate::running::{CALLS, PATIENCE, arrived, metric, settings, start, until};

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

/// Nobody keeps a gateway waiting for longer than this.
fn impatient() -> Settings {
    let mut settings = settings();
    settings.grpc.timeouts.stall = Duration::from_millis(300);
    settings
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

#[tokio::test]
async fn bodies_that_are_never_sent_end_in_time_whatever_their_deadline() {
    let gateway = start(&impatient()).await;
    let mut held = fill(&gateway, &[], |stream| call(stream, LIST_ACCOUNTS)).await;
    arrived(gateway.admin(), LIST_ACCOUNTS, 1024).await;
    until(gateway.admin(), CALLS, |calls| calls == 0).await;
    let ended = r#"grpc_server_call_duration_seconds_count{grpc_method="kabao.v1.AccountService/ListAccounts",grpc_status="DEADLINE_EXCEEDED"}"#;
    assert!(metric(gateway.admin(), ended).await >= 700);
    // The connection is as good as before.
    let first = &mut held[0];
    first.say(&whole_call(1025, LIST_ACCOUNTS)).await.unwrap();
    first.hear_end_of(1025).await;
}

#[tokio::test]
async fn answers_that_are_never_taken_are_reset_in_time() {
    let gateway = start(&impatient()).await;
    let mut held = fill(&gateway, NO_WINDOW, |stream| {
        whole_call(stream, LIST_ACCOUNTS)
    })
    .await;
    arrived(gateway.admin(), LIST_ACCOUNTS, 1024).await;
    until(gateway.admin(), CALLS, |calls| calls == 0).await;
    let first = &mut held[0];
    let reset = async {
        while let Some(frame) = first.hear().await {
            if frame.kind == RST_STREAM && frame.stream == 1 {
                return;
            }
        }
        panic!("the connection ended");
    };
    let reset = tokio::time::timeout(PATIENCE, reset).await;
    reset.expect("the stream is reset");
}

/// A window that grows byte by byte must not keep a long answer alive: reflection has one.
#[tokio::test]
async fn an_answer_that_is_taken_byte_by_byte_is_reset_in_time() {
    let gateway = start(&impatient()).await;
    let mut raw = Raw::open(gateway.grpc(), THERE, NO_WINDOW).await;
    raw.say(&call(1, REFLECTION)).await.unwrap();
    raw.say(&ask_for_file(END_STREAM, 1)).await.unwrap();
    let series = r#"kabao_calls_in_flight{kabao_class="reflection"}"#;
    until(gateway.admin(), series, |calls| calls == 1).await;
    let trickling = async {
        while metric(gateway.admin(), series).await == 1 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let more = frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1]);
            raw.say(&more).await.unwrap();
        }
    };
    let ended = tokio::time::timeout(PATIENCE, trickling).await;
    ended.expect("the call ends");
    let taken = async {
        let mut taken = 0;
        while let Some(frame) = raw.hear().await {
            match frame.kind {
                DATA => taken += frame.length,
                RST_STREAM => return taken,
                _ => {}
            }
        }
        panic!("the connection ended");
    };
    let taken = tokio::time::timeout(PATIENCE, taken).await;
    let taken = taken.expect("the stream is reset");
    assert!((1..100).contains(&taken), "{taken} bytes");
}

#[tokio::test]
async fn a_body_that_trickles_ends_in_time() {
    let gateway = start(&impatient()).await;
    let mut raw = Raw::open(gateway.grpc(), THERE, &[]).await;
    raw.say(&call(1, LIST_ACCOUNTS)).await.unwrap();
    // A byte now and then, for as long as it is taken.
    let trickling = async {
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            raw.say(&frame(DATA, 0, 1, &[0])).await.unwrap();
            if metric(gateway.admin(), CALLS).await == 0 {
                break;
            }
        }
    };
    let ended = tokio::time::timeout(PATIENCE, trickling).await;
    ended.expect("the call ends");
}

#[tokio::test]
async fn silent_streams_of_reflection_end_and_watches_live_on() {
    let gateway = start(&impatient()).await;
    let watch = HealthClient::new(channel(gateway.grpc(), ELSEWHERE).await)
        .watch(HealthCheckRequest::default())
        .await;
    let mut watch = watch.unwrap().into_inner();
    let first = watch.message().await.unwrap().unwrap();
    assert_eq!(first.status(), ServingStatus::Serving);

    let held = fill(&gateway, &[], |stream| call(stream, REFLECTION)).await;
    arrived(gateway.admin(), REFLECTION, 1024).await;
    let series = r#"kabao_calls_in_flight{kabao_class="reflection"}"#;
    until(gateway.admin(), series, |calls| calls == 0).await;
    drop(held);

    // It has been silent for longer than they have, and hears the end.
    let draining = tokio::spawn(gateway.drain());
    let last = watch.message().await.unwrap().unwrap();
    assert_eq!(last.status(), ServingStatus::NotServing);
    draining.await.unwrap();
}
