//! Frames that do nothing, as fast as they are taken.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::good::{THERE, callers_lose_nothing};
use crate::raw::{
    CONTINUATION, DATA, EMPTY, END_HEADERS, END_STREAM, HEADERS, LIST_ACCOUNTS, PING, PREFACE,
    PRIORITY, REFLECTION, RST_STREAM, Raw, SETTINGS, WINDOW_UPDATE, ask_for_file, call, frame,
    whole_call,
};
use crate::running::{settings, start, until};

/// Who floods is thrown out within this.
const BOUND: Duration = Duration::from_secs(5);

/// Says `round` over and over, from four connections, until each is thrown out; meanwhile, the others lose nothing.
async fn is_thrown_out(begin: Vec<u8>, round: impl Fn(u32) -> Vec<u8>) {
    let gateway = start(&settings()).await;
    let rounds: Vec<u8> = (0..400).flat_map(round).collect();
    let mut attacks = Vec::new();
    for _ in 0..4 {
        let mut raw = Raw::open(gateway.grpc(), THERE, &[]).await;
        raw.say(&begin).await.unwrap();
        let (mut hear, mut say) = raw.split();
        let rounds = rounds.clone();
        attacks.push(tokio::spawn(async move {
            let start = Instant::now();
            let saying = async {
                loop {
                    if say.say(&rounds).await.is_err() {
                        return;
                    }
                }
            };
            // What comes back is taken, so that the attack does not end by itself.
            let hearing = async { while hear.hear().await.is_some() {} };
            let ended = timeout(BOUND, async { tokio::join!(saying, hearing) }).await;
            ended.expect("the connection ends");
            start.elapsed()
        }));
    }
    callers_lose_nothing(gateway.grpc()).await;
    for attack in attacks {
        let lasted = attack.await.unwrap();
        assert!(lasted < BOUND, "{lasted:?}");
    }
    callers_lose_nothing(gateway.grpc()).await;
}

#[tokio::test]
async fn floods_of_pings_are_thrown_out() {
    is_thrown_out(Vec::new(), |_| frame(PING, 0, 0, b"8 bytes.")).await;
}

#[tokio::test]
async fn floods_of_settings_are_thrown_out() {
    is_thrown_out(Vec::new(), |_| {
        frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 255, 255])
    })
    .await;
}

#[tokio::test]
async fn floods_of_window_updates_are_thrown_out() {
    // They are so small that the window does not overflow before.
    is_thrown_out(Vec::new(), |_| frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1])).await;
}

#[tokio::test]
async fn floods_of_priorities_are_thrown_out() {
    is_thrown_out(Vec::new(), |_| frame(PRIORITY, 0, 1, &[0, 0, 0, 3, 1])).await;
}

#[tokio::test]
async fn floods_of_unknown_frames_are_thrown_out() {
    is_thrown_out(Vec::new(), |_| frame(0x77, 0, 0, b"nothing")).await;
}

#[tokio::test]
async fn floods_of_empty_data_are_thrown_out() {
    is_thrown_out(call(1, LIST_ACCOUNTS), |_| frame(DATA, 0, 1, &[])).await;
}

#[tokio::test]
async fn floods_of_data_for_a_stream_that_is_over_are_thrown_out() {
    for payload in [EMPTY, b""] {
        is_thrown_out(whole_call(1, LIST_ACCOUNTS), |_| {
            frame(DATA, END_STREAM, 1, payload)
        })
        .await;
    }
}

#[tokio::test]
async fn floods_of_headers_for_a_stream_that_is_over_are_thrown_out() {
    is_thrown_out(whole_call(1, LIST_ACCOUNTS), |_| {
        whole_call(1, LIST_ACCOUNTS)
    })
    .await;
}

#[tokio::test]
async fn floods_of_data_for_a_call_that_was_refused_are_thrown_out() {
    is_thrown_out(whole_call(1, "/no.such.Service/Method"), |round| {
        let more = frame(DATA, 0, 2 * round + 3, b"x");
        [call(2 * round + 3, "/no.such.Service/Method"), more].concat()
    })
    .await;
}

#[tokio::test]
async fn headers_without_an_end_are_thrown_out() {
    let begun = frame(HEADERS, 0, 1, &[0x83]);
    is_thrown_out(begun, |_| frame(CONTINUATION, 0, 1, &[])).await;
}

#[tokio::test]
async fn calls_that_are_reset_at_once_are_thrown_out() {
    // The rounds come again with the same streams, which then are resets of what is not there.
    is_thrown_out(Vec::new(), |round| {
        let stream = 2 * round + 1;
        let reset = frame(RST_STREAM, 0, stream, &[0, 0, 0, 8]);
        [call(stream, LIST_ACCOUNTS), reset].concat()
    })
    .await;
}

#[tokio::test]
async fn a_flood_is_counted() {
    let gateway = start(&settings()).await;
    let mut raw = Raw::open(gateway.grpc(), THERE, &[]).await;
    let flood = frame(PING, 0, 0, b"8 bytes.").repeat(5000);
    // It may be thrown out before it has said everything.
    let _ = raw.say(&flood).await;
    let evicted = r#"kabao_connections_evicted_total{kabao_cause="flood"}"#;
    until(gateway.admin(), evicted, |count| count == 1).await;
}

#[tokio::test]
async fn a_peer_that_never_sends_settings_is_thrown_out() {
    let mut settings = settings();
    settings.grpc.timeouts.preface = Duration::from_millis(300);
    let gateway = start(&settings).await;
    for said in [PREFACE.to_vec(), [PREFACE, &[0, 0, 6, SETTINGS]].concat()] {
        let mut raw = Raw::silent(gateway.grpc(), THERE).await;
        raw.say(&said).await.unwrap();
        let ended = timeout(BOUND, raw.hear()).await;
        assert!(ended.expect("the connection ends").is_none());
    }
    // Whoever says something else first, is not waited for.
    let mut raw = Raw::silent(gateway.grpc(), THERE).await;
    let said = [PREFACE, &frame(HEADERS, END_HEADERS, 1, &[0x83])].concat();
    raw.say(&said).await.unwrap();
    let ended = timeout(BOUND, raw.hear()).await;
    assert!(ended.expect("the connection ends").is_none());
}

/// A peer with an endless window that reads nothing from its socket.
#[tokio::test]
async fn a_peer_that_reads_nothing_is_thrown_out() {
    let mut settings = settings();
    settings.grpc.timeouts.stall = Duration::from_millis(300);
    let gateway = start(&settings).await;
    let endless = [0x7f, 0xff, 0xff, 0xff];
    let window = [&[0, 4], &endless[..]].concat();
    let mut raw = Raw::open(gateway.grpc(), THERE, &window).await;
    let more = frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0, 0, 0]);
    let asked = ask_for_file(0, 1).repeat(1000);
    let asking = [more, call(1, REFLECTION), asked].concat();
    // It may be thrown out before it has said everything.
    let _ = raw.say(&asking).await;
    let evicted = r#"kabao_connections_evicted_total{kabao_cause="stall"}"#;
    until(gateway.admin(), evicted, |count| count == 1).await;
    callers_lose_nothing(gateway.grpc()).await;
}
