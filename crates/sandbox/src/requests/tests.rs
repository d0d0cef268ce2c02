use http::Method;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};

use super::*;
use crate::trail::Trail;

fn received(body: impl Into<Bytes>) -> Received {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer hush"));
    Received {
        method: Method::POST,
        target: "/card/get?access_token=hush&x=1".to_owned(),
        headers,
        body: body.into(),
        trail: Trail::default(),
    }
}

fn exchange(body: impl Into<Bytes>) -> Exchange {
    record(Timestamp::UNIX_EPOCH, &received(body))
}

#[test]
fn a_record_holds_no_secret() {
    let exchange = exchange(r#"{"appid":"wx1", "secret" : "hush","a":{"b":1.50}}"#);
    let json = serde_json::to_string(&exchange).unwrap();
    assert!(!json.contains("hush"), "{json}");
    assert_eq!(
        exchange.query.as_deref(),
        Some("access_token=[redacted]&x=1")
    );
    let request = exchange.request.as_ref().unwrap();
    assert_eq!(request.headers["authorization"], "Bearer [redacted]");
    assert_eq!(
        request.body.as_deref(),
        Some(r#"{"appid":"wx1", "secret" : "[redacted]","a":{"b":1.50}}"#)
    );
    assert!(!format!("{exchange:?} {request:?}").contains("wx1"));
}

#[test]
fn long_bodies_are_cut_and_bytes_are_base64() {
    let long = exchange("会".repeat(BODY)).request.unwrap();
    assert!(long.cut && long.body_bytes == 3 * BODY);
    assert_eq!(long.body.unwrap().len(), BODY - BODY % 3);
    let bytes = exchange(&b"\xff\xd8"[..]).request.unwrap();
    assert_eq!(
        (bytes.body, bytes.body_base64.as_deref(), bytes.cut),
        (None, Some("/9g="), false)
    );
}

#[test]
fn memory_is_bounded_by_number_and_by_bytes() {
    let mut requests = Requests::default();
    for _ in 0..CAPACITY + 5 {
        requests.add(Timestamp::UNIX_EPOCH, exchange("{}"));
    }
    let all = ExchangeFilter::default();
    let ids: Vec<_> = requests.find(&all).map(|exchange| exchange.id).collect();
    assert_eq!((ids.len(), ids[0]), (CAPACITY, 6));
    requests.clear();
    for _ in 0..1_100 {
        requests.add(Timestamp::UNIX_EPOCH, exchange("x".repeat(BODY)));
    }
    assert!(requests.find(&all).count() < 1_030 && requests.bytes <= BYTES);
    let sum: usize = requests.find(&all).map(size).sum();
    assert_eq!(sum, requests.bytes);
}

#[test]
fn an_answer_is_judged_by_status_and_errcode() {
    for (status, body, outcome, code) in [
        (200, r#"{"errcode":0}"#, ExchangeOutcome::Ok, None),
        (204, "", ExchangeOutcome::Ok, None),
        (200, r#"{"code":"478515832665"}"#, ExchangeOutcome::Ok, None),
        (
            200,
            r#"{"errcode":40073,"errmsg":"x"}"#,
            ExchangeOutcome::Refused,
            Some("40073"),
        ),
        (
            404,
            r#"{"code":"NOT_FOUND"}"#,
            ExchangeOutcome::Refused,
            Some("NOT_FOUND"),
        ),
        (502, "<html>", ExchangeOutcome::Refused, None),
    ] {
        let verdict = Verdict::of(status, body.as_bytes());
        assert_eq!(
            (verdict.outcome, verdict.code.as_deref()),
            (outcome, code),
            "{body}"
        );
    }
}
