//! The transport against raw bytes on loopback: what a server can do to a client below HTTP.

mod departures;
mod proxies;
mod spares;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::interval;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{HandshakeKind, ServerConfig};

use super::*;
use crate::connections::Connections;
use crate::origin::Hosts;
use crate::proxy::Proxy;
use crate::settings::Settings;

/// What the server does with a request.
#[derive(Clone)]
enum Manner {
    /// Writes these bytes and keeps the connection.
    Answer(Vec<u8>),
    /// Writes these bytes and closes.
    AnswerAndClose(Vec<u8>),
    /// Writes these bytes, and then one byte after the other for ever.
    Trickle(Vec<u8>),
    /// Answers the first request of a connection, and closes it when the second one has come.
    AnswerOne(Vec<u8>),
    /// Answers with the head of the request.
    Echo,
    /// Never answers.
    Silence,
    /// Closes every connection at once.
    Refuse,
}

struct Server {
    address: SocketAddr,
    ca: String,
    connections: Arc<AtomicUsize>,
    /// Those whose handshake was short.
    resumed: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
}

async fn server(manner: Manner) -> Server {
    let certified =
        rcgen::generate_simple_self_signed(["127.0.0.1", "wechat.invalid"].map(str::to_owned))
            .unwrap();
    let key = certified.signing_key.serialize_der().try_into().unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let resumed = Arc::new(AtomicUsize::new(0));
    let requests = Arc::new(AtomicUsize::new(0));
    let (count, short) = (Arc::clone(&connections), Arc::clone(&resumed));
    let all = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let (acceptor, manner) = (acceptor.clone(), manner.clone());
            let (count, short) = (Arc::clone(&count), Arc::clone(&short));
            let all = Arc::clone(&all);
            tokio::spawn(async move {
                let Ok(mut tls) = acceptor.accept(tcp).await else {
                    return;
                };
                count.fetch_add(1, Ordering::SeqCst);
                if tls.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed) {
                    short.fetch_add(1, Ordering::SeqCst);
                }
                if matches!(manner, Manner::Refuse) {
                    let _ = tls.shutdown().await;
                    return;
                }
                let mut received = Vec::new();
                let mut asked = 0;
                while let Ok(1..) = tls.read_buf(&mut received).await {
                    if !received.ends_with(b"\r\n\r\n") {
                        continue;
                    }
                    let head = String::from_utf8_lossy(&received).into_owned();
                    received.clear();
                    asked += 1;
                    all.fetch_add(1, Ordering::SeqCst);
                    match &manner {
                        Manner::Echo => {
                            let length = format!("200 OK\r\ncontent-length: {}", head.len());
                            tls.write_all(&text(&length, &head)).await.unwrap();
                        }
                        Manner::Answer(bytes) => tls.write_all(bytes).await.unwrap(),
                        Manner::AnswerAndClose(bytes) => {
                            tls.write_all(bytes).await.unwrap();
                            tls.shutdown().await.unwrap();
                            return;
                        }
                        Manner::AnswerOne(bytes) if asked == 1 => {
                            tls.write_all(bytes).await.unwrap();
                        }
                        Manner::AnswerOne(_) => return,
                        Manner::Trickle(bytes) => {
                            tls.write_all(bytes).await.unwrap();
                            let mut pace = interval(SHORT / 20);
                            while tls.write_all(b"x").await.is_ok() && tls.flush().await.is_ok() {
                                pace.tick().await;
                            }
                            return;
                        }
                        Manner::Silence | Manner::Refuse => {}
                    }
                }
            });
        }
    });
    Server {
        address,
        ca: certified.cert.pem(),
        connections,
        resumed,
        requests,
    }
}

/// How long connecting and answering may take; long ones are for a busy machine.
#[derive(Clone, Copy)]
struct Bounds {
    connect: Duration,
    answer: Duration,
}

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(300);
const PATIENT: Bounds = Bounds {
    connect: LONG,
    answer: LONG,
};

fn settings(bounds: Bounds) -> Settings {
    Settings {
        connect_timeout: bounds.connect,
        headers_timeout: bounds.answer,
        body_timeout: bounds.answer,
        attempt_timeout: LONG,
        max_answer_bytes: 4096,
        ..Settings::default()
    }
}

fn client(
    address: SocketAddr,
    ca: Option<&str>,
    bounds: Bounds,
) -> (Arc<HttpsTransport>, HttpRequest) {
    client_of(&Connections::default(), address, ca, bounds)
}

/// One that has something in common with others.
fn client_of(
    connections: &Connections,
    address: SocketAddr,
    ca: Option<&str>,
    bounds: Bounds,
) -> (Arc<HttpsTransport>, HttpRequest) {
    client_at(connections, &address.to_string(), ca, None, bounds)
}

/// One of a host that is reached through a proxy, if there is one.
fn client_at(
    connections: &Connections,
    host: &str,
    ca: Option<&str>,
    proxy: Option<Proxy>,
    bounds: Bounds,
) -> (Arc<HttpsTransport>, HttpRequest) {
    let origin = Origin::parse(&format!("https://{host}")).unwrap();
    let mut roots = Roots::public();
    if let Some(ca) = ca {
        roots.add_pem(ca).unwrap();
    }
    let transport = {
        let hosts = Hosts {
            main: origin.clone(),
            backup: None,
        };
        let extra: Vec<_> = ca.map(str::to_owned).into_iter().collect();
        let opened = connections.open(&hosts, &extra, roots, proxy, &settings(bounds));
        opened.unwrap()
    };
    let request = HttpRequest {
        origin,
        method: Method::GET,
        target: "/v3/certificates".to_owned(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
        entry: None,
    };
    (transport, request)
}

async fn exchange(manner: Manner, bounds: Bounds) -> Result<HttpResponse, TransportError> {
    let server = server(manner).await;
    let (transport, request) = client(server.address, Some(&server.ca), bounds);
    transport.send(request).await
}

fn text(head: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {head}\r\n\r\n{body}").into_bytes()
}

#[tokio::test]
async fn clients_share_sessions_and_no_connection() {
    let server = server(Manner::Answer(text("200 OK\r\ncontent-length: 1", "x"))).await;
    let common = Connections::default();
    let mut clients = Vec::new();
    for round in 1..=3 {
        let (client, request) = client_of(&common, server.address, Some(&server.ca), PATIENT);
        for _ in 0..2 {
            client.send(request.clone()).await.unwrap();
        }
        let count = |count: &AtomicUsize| count.load(Ordering::SeqCst);
        assert_eq!(count(&server.connections), round);
        assert_eq!(count(&server.resumed), round - 1);
        clients.push(client);
    }
}

#[tokio::test]
async fn a_whole_answer_is_returned_and_the_connection_is_kept() {
    let answer = Manner::Answer(text(
        "200 OK\r\ncontent-length: 5\r\nRequest-ID: 08F5",
        "hello",
    ));
    let server = server(answer).await;
    let (transport, request) = client(server.address, Some(&server.ca), PATIENT);
    for _ in 0..3 {
        let answer = transport.send(request.clone()).await.unwrap();
        assert_eq!(
            (answer.status.as_u16(), answer.body.as_ref()),
            (200, b"hello".as_ref())
        );
        assert_eq!(answer.header("request-id"), Some("08F5"));
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_request_that_could_have_a_body_tells_that_it_has_none() {
    let server = server(Manner::Echo).await;
    let (transport, request) = client(server.address, Some(&server.ca), PATIENT);
    let rows = [
        (Method::POST, true),
        (Method::PUT, true),
        (Method::PATCH, true),
        (Method::GET, false),
        (Method::DELETE, false),
    ];
    for (method, told) in rows {
        let request = HttpRequest {
            method: method.clone(),
            ..request.clone()
        };
        let answer = transport.send(request).await.unwrap();
        let head = String::from_utf8_lossy(&answer.body).to_lowercase();
        let lengths = head.matches("\r\ncontent-length: 0\r\n").count();
        assert_eq!(lengths, usize::from(told), "{method}: {head}");
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_like_any_other() {
    let head = "302 Found\r\nlocation: https://evil.example/\r\ncontent-length: 0";
    let answer = exchange(Manner::Answer(text(head, "")), PATIENT)
        .await
        .unwrap();
    assert_eq!(answer.status, StatusCode::FOUND);
}

#[tokio::test]
async fn half_an_answer_is_none() {
    let rows = [
        text("200 OK\r\ncontent-length: 10", "hello"),
        text("200 OK\r\ntransfer-encoding: chunked", "5\r\nhello\r\n"),
        b"HTTP/1.1 200 OK\r\ncontent-len".to_vec(),
        b"not HTTP\r\n\r\n".to_vec(),
        Vec::new(),
    ];
    for bytes in rows {
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        let error = exchange(Manner::AnswerAndClose(bytes), PATIENT)
            .await
            .err()
            .unwrap();
        assert!(
            matches!(error, TransportError::Broken(_)),
            "{shown:?}: {error:?}"
        );
        assert!(!error.nothing_sent());
    }
}

#[tokio::test]
async fn an_answer_above_the_bound_is_not_read() {
    let rows = [
        text("200 OK\r\ncontent-length: 5000", &"x".repeat(5000)),
        text(
            "200 OK\r\ntransfer-encoding: chunked",
            &format!("1388\r\n{}\r\n0\r\n\r\n", "x".repeat(5000)),
        ),
        text("200 OK\r\nconnection: close", &"x".repeat(100_000)),
    ];
    for bytes in rows {
        let error = exchange(Manner::AnswerAndClose(bytes), PATIENT)
            .await
            .err()
            .unwrap();
        assert!(
            matches!(error, TransportError::TooLarge { limit: 4096 }),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn silence_ends_at_the_bound() {
    let rows = [
        Manner::Silence,
        Manner::Answer(b"HTTP/1.1 200 OK\r\n".to_vec()),
        Manner::Answer(text("200 OK\r\ncontent-length: 10", "hello")),
    ];
    for manner in rows {
        let error = exchange(
            manner,
            Bounds {
                answer: SHORT,
                ..PATIENT
            },
        )
        .await
        .err()
        .unwrap();
        assert!(matches!(error, TransportError::Timeout), "{error:?}");
    }
}

#[tokio::test]
async fn what_trickles_ends_at_the_bound_as_well() {
    for head in [
        b"HTTP/1.1 200 OK\r\nrequest-id: ".to_vec(),
        text("200 OK\r\ncontent-length: 4000", ""),
    ] {
        let bounds = Bounds {
            answer: SHORT,
            ..PATIENT
        };
        let error = exchange(Manner::Trickle(head), bounds).await.err().unwrap();
        assert!(matches!(error, TransportError::Timeout), "{error:?}");
    }
}

#[tokio::test]
async fn a_connection_that_closes_under_a_request_may_have_carried_it_and_it_is_not_sent_again() {
    let answer = text("200 OK\r\ncontent-length: 1", "x");
    let server = server(Manner::AnswerOne(answer)).await;
    let (transport, request) = client(server.address, Some(&server.ca), PATIENT);
    transport.send(request.clone()).await.unwrap();
    let error = transport.send(request).await.err().unwrap();
    assert!(matches!(error, TransportError::Broken(_)), "{error:?}");
    assert!(!error.nothing_sent());
    assert_eq!(server.requests.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn nothing_is_sent_to_a_server_that_cannot_prove_its_name() {
    let server = server(Manner::Silence).await;
    let (transport, request) = client(server.address, None, PATIENT);
    let error = transport.send(request).await.err().unwrap();
    assert!(matches!(error, TransportError::Tls(_)), "{error:?}");
    assert_eq!(server.connections.load(Ordering::SeqCst), 0);

    // Trusted, but under another name.
    let (_, request) = client(server.address, None, PATIENT);
    let origin = Origin::parse(&format!("https://localhost:{}", server.address.port())).unwrap();
    let mut roots = Roots::public();
    roots.add_pem(&server.ca).unwrap();
    let hosts = Hosts {
        main: origin.clone(),
        backup: None,
    };
    let transport = Connections::default()
        .open(&hosts, &[], roots, None, &settings(PATIENT))
        .unwrap();
    let error = transport
        .send(HttpRequest { origin, ..request })
        .await
        .err()
        .unwrap();
    assert!(
        matches!(error, TransportError::Tls(_)) && error.nothing_sent(),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_port_that_is_closed_or_does_not_speak_is_no_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (transport, request) = client(
        address,
        None,
        Bounds {
            connect: SHORT,
            ..PATIENT
        },
    );
    // The port accepts (the backlog does), and nobody answers the handshake.
    let error = transport.send(request.clone()).await.err().unwrap();
    assert!(matches!(error, TransportError::ConnectTimeout), "{error:?}");
    drop(listener);
    let error = transport.send(request).await.err().unwrap();
    assert!(
        matches!(error, TransportError::Connect(_)) && error.nothing_sent(),
        "{error:?}"
    );
}

#[tokio::test]
async fn only_configured_hosts_are_talked_to() {
    let server = server(Manner::Silence).await;
    let (transport, mut request) = client(server.address, Some(&server.ca), PATIENT);
    request.target = "//evil.example/".to_owned();
    let error = transport.send(request.clone()).await.err().unwrap();
    assert!(matches!(error, TransportError::ForeignHost), "{error:?}");
    request.origin = Origin::parse("https://evil.example").unwrap();
    let error = transport.send(request).await.err().unwrap();
    assert!(matches!(error, TransportError::ForeignHost), "{error:?}");
    assert_eq!(server.connections.load(Ordering::SeqCst), 0);
}
