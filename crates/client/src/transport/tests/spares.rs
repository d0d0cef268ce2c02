//! Connections that are opened beside the calls.

use tokio::time::{Instant, sleep, timeout};

use super::*;

fn answer() -> Vec<u8> {
    text("200 OK\r\ncontent-length: 1", "x")
}

/// Waits until the host has so many connections behind it.
async fn connections(server: &Server, number: usize) {
    let reached = async {
        while server.connections.load(Ordering::SeqCst) < number {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, reached).await.expect("it is opened");
}

/// Waits until so many were opened beside the calls, and are ready.
async fn ahead(transport: &HttpsTransport, number: u64) {
    let reached = async {
        while transport.handshakes().ahead < number {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, reached).await.expect("it is opened");
}

#[tokio::test]
async fn a_first_call_uses_the_connection_that_was_opened_ahead_of_it() {
    let server = server(Manner::Answer(answer())).await;
    let (transport, request) = client(server.address, Some(&server.ca), PATIENT);
    transport.warm(&request.origin).await;
    // One is enough.
    transport.warm(&request.origin).await;
    connections(&server, 1).await;
    for _ in 0..3 {
        transport.send(request.clone()).await.unwrap();
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
    let handshakes = transport.handshakes();
    assert_eq!((handshakes.full, handshakes.ahead), (1, 1));
}

#[tokio::test]
async fn while_there_are_calls_a_lost_connection_is_replaced_beside_them_by_a_short_handshake() {
    let server = server(Manner::AnswerAndClose(answer())).await;
    let (transport, request) = client(server.address, Some(&server.ca), PATIENT);
    // Two calls make a busy client, and wait for their handshakes.
    for _ in 0..2 {
        transport.send(request.clone()).await.unwrap();
    }
    for number in 1..=5 {
        ahead(&transport, number).await;
        transport.send(request.clone()).await.unwrap();
    }
    let handshakes = transport.handshakes();
    let waited = handshakes.full + handshakes.resumed - handshakes.ahead;
    assert!(waited <= 2, "{handshakes:?}");
    assert!(handshakes.full <= 2, "{handshakes:?}");
    let resumed = u64::try_from(server.resumed.load(Ordering::SeqCst)).unwrap();
    assert!(resumed >= handshakes.resumed && handshakes.resumed >= 5);
}

#[tokio::test]
async fn a_client_that_calls_once_opens_nothing_beside() {
    let server = server(Manner::AnswerAndClose(answer())).await;
    let (transport, request) = client(server.address, Some(&server.ca), PATIENT);
    transport.send(request).await.unwrap();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(100) {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
    assert_eq!(transport.handshakes().ahead, 0);
}

#[tokio::test]
async fn a_spare_connection_that_the_host_has_closed_is_not_used() {
    let server = server(Manner::Refuse).await;
    let (transport, request) = client(server.address, Some(&server.ca), PATIENT);
    transport.warm(&request.origin).await;
    let closed = async {
        while transport.has_spare(&request.origin) {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, closed).await.expect("it is closed");
    // The call opens one of its own, which the server closes as well.
    assert!(transport.send(request).await.is_err());
    assert_eq!(server.connections.load(Ordering::SeqCst), 2);
}
