//! The sandbox's own account of what really happened.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::gateway::Gateway;

/// Counts the applied effects that hold `text` anywhere: a request number, an address, a name.
#[track_caller]
pub(crate) fn effects_with(gateway: &Gateway, text: &str) -> usize {
    let ledger = get(gateway.address("control"), "/ledger");
    entries(&ledger)
        .iter()
        .filter(|entry| mentions(entry, text))
        .count()
}

/// Counts the applied effects of one request number.
#[track_caller]
pub(crate) fn effects_of_request(gateway: &Gateway, number: &str) -> usize {
    let ledger = get(gateway.address("control"), "/ledger");
    entries(&ledger)
        .iter()
        .filter(|entry| entry["out_request_no"] == number)
        .count()
}

#[track_caller]
fn entries(ledger: &Value) -> &[Value] {
    ledger
        .as_array()
        .or_else(|| ledger.get("entries")?.as_array())
        .unwrap_or_else(|| panic!("the ledger is no list of entries: {ledger}"))
}

fn mentions(value: &Value, text: &str) -> bool {
    match value {
        Value::String(string) => string == text,
        Value::Array(items) => items.iter().any(|item| mentions(item, text)),
        Value::Object(members) => members.values().any(|member| mentions(member, text)),
        _ => false,
    }
}

/// One GET in HTTP/1.0, whose answer ends with the connection.
#[track_caller]
fn get(address: &str, path: &str) -> Value {
    let mut stream = TcpStream::connect(address).expect("the control API listens");
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a timeout above zero");
    write!(stream, "GET {path} HTTP/1.0\r\nhost: {address}\r\n\r\n").expect("the request is sent");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .expect("the answer arrives");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
    assert!(
        head.lines()
            .next()
            .is_some_and(|line| line.contains(" 200 ")),
        "GET {path}: {head}"
    );
    serde_json::from_str(body).expect("the control API answers JSON")
}

#[test]
fn a_number_is_found_at_any_depth_and_only_as_a_whole() {
    let entry = serde_json::json!({"sequence": 1, "changes": [{"after": "go42"}]});
    assert!(mentions(&entry, "go42"));
    assert!(!mentions(&entry, "go4"));
}
