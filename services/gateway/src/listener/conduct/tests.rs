use super::*;

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

const PRIORITY: u8 = 2;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const UNKNOWN: u8 = 0x77;
const END_STREAM: u8 = 1;

fn head(kind: u8, flags: u8, stream: u32, length: u32) -> Head {
    Head {
        length,
        kind,
        flags,
        stream,
    }
}

/// How long a peer lasts that sends `frames` over and over, `rate` rounds a second; at most a minute.
fn lasts(rate: u32, frames: impl Fn(u32) -> Vec<Head>) -> Option<Duration> {
    let start = Instant::now();
    let mut conduct = Conduct::new(start);
    for round in 0..60 * rate {
        let now = start + round * SECOND / rate;
        for frame in frames(round) {
            if conduct.heard(frame, now).is_err() {
                return Some(now - start);
            }
        }
    }
    None
}

#[test]
fn every_flood_is_thrown_out_within_five_seconds() {
    for (name, frame) in [
        ("PING", head(PING, 0, 0, 8)),
        ("PING that is an answer", head(PING, 1, 0, 8)),
        ("SETTINGS", head(Head::SETTINGS, 0, 0, 6)),
        ("WINDOW_UPDATE", head(WINDOW_UPDATE, 0, 0, 4)),
        ("PRIORITY", head(PRIORITY, 0, 1, 5)),
        ("unknown", head(UNKNOWN, 0, 0, 0)),
        ("empty DATA", head(Head::DATA, 0, 1, 0)),
        ("CONTINUATION", head(CONTINUATION, 0, 1, 100)),
        ("RST_STREAM", head(Head::RST_STREAM, 0, 1, 4)),
    ] {
        for rate in [1000, 10_000] {
            let lasted = lasts(rate, |_| vec![frame]).unwrap_or(SECOND * 60);
            assert!(lasted < 5 * SECOND, "{name} at {rate}: {lasted:?}");
        }
    }
}

#[test]
fn a_flood_is_read_with_pauses_and_ends_within_two_seconds() {
    let start = Instant::now();
    let mut conduct = Conduct::new(start);
    let (mut read, mut paused) = (0, Duration::ZERO);
    while conduct.heard(head(PING, 0, 0, 8), start + paused).is_ok() {
        read += 1;
        if let Some(pause) = conduct.pause() {
            assert!(read >= UNSUSPICIOUS);
            paused += pause;
        }
    }
    assert!((SECOND / 2..2 * SECOND).contains(&paused), "{paused:?}");
}

#[test]
fn rapid_resets_are_thrown_out_within_five_seconds() {
    let lasted = lasts(1000, |round| {
        let stream = 2 * round + 1;
        vec![
            head(Head::HEADERS, 4, stream, 60),
            head(Head::RST_STREAM, 0, stream, 4),
        ]
    });
    assert!(lasted.unwrap() < 5 * SECOND, "{lasted:?}");
}

#[test]
fn calls_that_are_given_up_after_their_deadline_are_none() {
    // 256 calls at a time, each given up after 125 ms: 2048 a second.
    const AT_ONCE: u32 = 256;
    let lasted = lasts(2048, |round| {
        let mut frames = vec![
            head(Head::HEADERS, 4, 2 * round + 1, 60),
            head(Head::DATA, END_STREAM, 2 * round + 1, 100),
        ];
        if let Some(given_up) = round.checked_sub(AT_ONCE) {
            frames.push(head(Head::RST_STREAM, 0, 2 * given_up + 1, 4));
        }
        frames
    });
    assert_eq!(lasted, None);
}

#[test]
fn old_streams_are_reset_once_each() {
    let start = Instant::now();
    let mut conduct = Conduct::new(start);
    conduct.heard(head(Head::HEADERS, 4, 1, 60), start).unwrap();
    let later = start + SECOND;
    let again = (0..2 * BURST).find(|_| {
        conduct
            .heard(head(Head::RST_STREAM, 0, 1, 4), later)
            .is_err()
    });
    assert_eq!(again, Some(BURST + 1));
}

#[test]
fn a_client_that_keeps_alive_and_waits_is_no_flood() {
    assert_eq!(lasts(10, |_| vec![head(PING, 0, 0, 8)]), None);
}

/// What grpc-java does at worst: window of stream and connection, and a ping, after each frame of an answer.
#[test]
fn a_client_that_reads_fast_is_no_flood() {
    let start = Instant::now();
    let mut conduct = Conduct::new(start);
    for stream in 0..100_000 {
        let stream = 2 * stream + 1;
        for frame in [
            head(Head::HEADERS, 4, stream, 60),
            head(Head::DATA, END_STREAM, stream, 20),
        ] {
            conduct.heard(frame, start).unwrap();
        }
        conduct.said(head(Head::HEADERS, 4, stream, 60));
        conduct.said(head(Head::DATA, 0, stream, 300));
        conduct.said(head(Head::HEADERS, 5, stream, 30));
        for frame in [
            head(WINDOW_UPDATE, 0, stream, 4),
            head(WINDOW_UPDATE, 0, 0, 4),
            head(PING, 0, 0, 8),
            head(Head::SETTINGS, 0, 0, 6),
        ] {
            conduct.heard(frame, start).unwrap();
            assert_eq!(conduct.pause(), None);
        }
    }
    // A long stream of small messages.
    for _ in 0..100_000 {
        conduct.said(head(Head::DATA, 0, 1, 20));
        for frame in [
            head(WINDOW_UPDATE, 0, 1, 4),
            head(WINDOW_UPDATE, 0, 0, 4),
            head(PING, 0, 0, 8),
        ] {
            conduct.heard(frame, start).unwrap();
        }
    }
}

#[test]
fn a_window_that_opens_by_a_byte_at_a_time_is_a_flood() {
    let start = Instant::now();
    let mut conduct = Conduct::new(start);
    let lasted = (0..2 * BURST).find(|_| {
        conduct.said(head(Head::DATA, 0, 1, 1));
        conduct.heard(head(WINDOW_UPDATE, 0, 1, 4), start).is_err()
    });
    assert_eq!(lasted, Some(BURST));
}

#[test]
fn an_upload_in_small_pieces_costs_nothing() {
    assert_eq!(lasts(10_000, |_| vec![head(Head::DATA, 0, 1, 1)]), None);
}

#[test]
fn time_refills_the_budget_however_often_one_looks() {
    let start = Instant::now();
    for (every, budget) in [(1, 20), (3, 19), (7, 19), (9, 19)] {
        let mut conduct = Conduct::new(start);
        conduct.budget = 0;
        for tick in (every..=99).step_by(usize::try_from(every).unwrap()) {
            conduct.refill(start + tick * MILLISECOND);
        }
        assert!(
            conduct.budget.abs_diff(budget) <= 1,
            "{every}: {}",
            conduct.budget
        );
    }
    let mut conduct = Conduct::new(start);
    conduct.budget = 0;
    conduct.refill(start + 3600 * SECOND);
    assert_eq!(conduct.budget, BURST);
}
