//! What happens to connections before and after the calls on them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a step that fails fails the test"
)]

use std::net::SocketAddr;
use std::time::Duration;

use kabao_client::{Client, OfficialAccountBuilder};
use kabao_gateway::Gateway;
use kabao_gateway::config::{AccountSettings, Settings};
use kabao_sandbox::Sandbox;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

/// Longer than anything here takes; only a failure waits for it.
const PATIENCE: Duration = Duration::from_secs(20);
const SOON: Duration = Duration::from_millis(150);

/// A gateway without accounts on free ports.
fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.grpc.listen.set_port(0);
    settings.admin.listen.set_port(0);
    settings.shutdown.pre_drain = Duration::ZERO;
    settings
}

async fn start(settings: &Settings) -> Gateway {
    let gateway = Gateway::start(settings).await.unwrap();
    gateway.ready();
    gateway
}

async fn channel(address: SocketAddr) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    endpoint.connect().await.unwrap()
}

async fn health(channel: &Channel) -> ServingStatus {
    let request = HealthCheckRequest::default();
    let answer = HealthClient::new(channel.clone())
        .check(request)
        .await
        .unwrap();
    answer.into_inner().status()
}

/// Everything that the peer says until it hangs up.
async fn rest(mut stream: TcpStream) -> Vec<u8> {
    let mut said = Vec::new();
    let reading = stream.read_to_end(&mut said);
    // A reset counts as hanging up.
    let _ = tokio::time::timeout(PATIENCE, reading)
        .await
        .expect("the connection ends");
    said
}

async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    String::from_utf8(rest(stream).await).unwrap()
}

#[tokio::test]
async fn health_and_readiness_agree() {
    let gateway = Gateway::start(&settings()).await.unwrap();
    let channel = channel(gateway.grpc()).await;
    assert_eq!(health(&channel).await, ServingStatus::NotServing);
    assert!(
        get(gateway.admin(), "/readyz")
            .await
            .starts_with("HTTP/1.1 503 ")
    );
    assert!(
        get(gateway.admin(), "/healthz")
            .await
            .starts_with("HTTP/1.1 200 ")
    );
    gateway.ready();
    assert_eq!(health(&channel).await, ServingStatus::Serving);
    assert!(
        get(gateway.admin(), "/readyz")
            .await
            .starts_with("HTTP/1.1 200 ")
    );
}

fn official_account(id: &str, base_url: &str) -> OfficialAccountBuilder {
    Client::official_account(id)
        .base_url(base_url)
        .appid("wx0000000000000000")
        .app_secret("0".repeat(32))
}

#[tokio::test]
async fn readiness_waits_for_connections_to_wechat_and_tells_of_those_that_there_are_not() {
    let sandbox = Sandbox::builder().demo(true).start().await.unwrap();
    let account = sandbox.account("demo-official-account").unwrap();
    let there = official_account("there", &account.base_url).root_certificates(sandbox.ca_pem());
    // Nobody listens there.
    let away = official_account("away", "https://127.0.0.1:1");
    let mut settings = settings();
    let clients = [there, away].map(|builder| builder.build().unwrap());
    settings.accounts = clients.map(AccountSettings::new).into();
    let gateway = Gateway::start(&settings).await.unwrap();
    let said = async || {
        let page = get(gateway.admin(), "/readyz").await;
        page.split_once("\r\n\r\n").unwrap().1.to_owned()
    };
    assert_eq!(said().await, "starting\n");
    gateway.connect().await;
    let cold = "accounts without a connection to WeChat yet: 1\n";
    assert_eq!(said().await, format!("starting\n{cold}"));
    gateway.ready();
    assert_eq!(said().await, format!("ready\n{cold}"));
    gateway.roster().remove(&"away".parse().unwrap());
    assert_eq!(said().await, "ready\n");
}

#[tokio::test]
async fn calls_show_up_in_the_metrics() {
    let gateway = start(&settings()).await;
    let channel = channel(gateway.grpc()).await;
    for _ in 0..3 {
        health(&channel).await;
    }
    let page = get(gateway.admin(), "/metrics").await;
    let line = r#"grpc_server_call_started_total{grpc_method="grpc.health.v1.Health/Check"} 3"#;
    assert!(page.contains(line), "{page}");
    let line = r#"grpc_server_call_duration_seconds_count{grpc_method="grpc.health.v1.Health/Check",grpc_status="OK"}"#;
    assert!(page.contains(line), "{page}");
}

#[tokio::test]
async fn a_peer_that_says_nothing_is_cut_off() {
    let mut settings = settings();
    settings.grpc.timeouts.preface = SOON;
    let gateway = start(&settings).await;
    let silent = TcpStream::connect(gateway.grpc()).await.unwrap();
    assert_eq!(rest(silent).await, b"");
    let mut half = TcpStream::connect(gateway.grpc()).await.unwrap();
    half.write_all(b"PRI * HTTP/2.0\r\n").await.unwrap();
    assert_eq!(rest(half).await, b"");
    assert_eq!(
        health(&channel(gateway.grpc()).await).await,
        ServingStatus::Serving
    );
}

#[tokio::test]
async fn http1_on_the_grpc_port_is_told_so() {
    let gateway = start(&settings()).await;
    let said = get(gateway.grpc(), "/").await;
    assert!(said.starts_with("HTTP/1.1 505 "), "{said}");
    assert!(said.contains("gRPC over HTTP/2"), "{said}");
}

#[tokio::test]
async fn a_connection_above_the_limit_is_closed_and_the_others_live_on() {
    let mut settings = settings();
    settings.grpc.limits.max_connections = 1;
    let gateway = start(&settings).await;
    let first = channel(gateway.grpc()).await;
    assert_eq!(health(&first).await, ServingStatus::Serving);
    let second = TcpStream::connect(gateway.grpc()).await.unwrap();
    assert_eq!(rest(second).await, b"");
    assert_eq!(health(&first).await, ServingStatus::Serving);
}

#[tokio::test]
async fn an_old_connection_keeps_its_calls_for_the_grace_period_only() {
    let mut settings = settings();
    settings.grpc.timeouts.max_connection_age = SOON;
    settings.grpc.timeouts.max_connection_age_grace = SOON;
    let gateway = start(&settings).await;
    let connected = Instant::now();
    let mut watch = HealthClient::new(channel(gateway.grpc()).await)
        .watch(HealthCheckRequest::default())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        watch.message().await.unwrap().unwrap().status(),
        ServingStatus::Serving
    );
    let cut = tokio::time::timeout(PATIENCE, watch.message())
        .await
        .expect("the connection is cut");
    assert!(cut.is_err(), "{cut:?}");
    assert!(
        connected.elapsed() > SOON + SOON / 2,
        "{:?}",
        connected.elapsed()
    );
    assert_eq!(
        health(&channel(gateway.grpc()).await).await,
        ServingStatus::Serving
    );
}

#[tokio::test]
async fn a_silent_peer_and_an_open_watch_do_not_hold_up_a_drain() {
    let gateway = start(&settings()).await;
    let (grpc, admin) = (gateway.grpc(), gateway.admin());
    let silent = TcpStream::connect(grpc).await.unwrap();
    let channel = channel(grpc).await;
    let mut watch = HealthClient::new(channel)
        .watch(HealthCheckRequest::default())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        watch.message().await.unwrap().unwrap().status(),
        ServingStatus::Serving
    );

    let draining = tokio::spawn(gateway.drain());
    let mut last: Option<HealthCheckResponse> = None;
    while let Some(message) = watch.message().await.unwrap() {
        last = Some(message);
    }
    assert_eq!(last.unwrap().status(), ServingStatus::NotServing);
    let cut = tokio::time::timeout(PATIENCE, draining)
        .await
        .expect("the drain ends");
    assert_eq!(cut.unwrap(), 0);
    assert_eq!(rest(silent).await, b"");
    assert!(TcpStream::connect(grpc).await.is_err());
    assert!(TcpStream::connect(admin).await.is_err());
}

#[tokio::test]
async fn a_drain_cuts_what_does_not_end() {
    let mut settings = settings();
    settings.shutdown.drain_deadline = SOON;
    let gateway = start(&settings).await;
    // A peer that begins a call and never sends its message.
    let mut stuck = TcpStream::connect(gateway.grpc()).await.unwrap();
    let mut said = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    let headers = b"\x83\x86\x44\x1c/grpc.health.v1.Health/Check\x5f\x10application/grpc";
    for (kind, flags, stream, payload) in [
        (SETTINGS, 0, 0, &b""[..]),
        (HEADERS, END_HEADERS, 1, headers),
        (PING, 0, 0, b"8 bytes."),
    ] {
        let length = u8::try_from(payload.len()).unwrap();
        said.extend([0, 0, length, kind, flags, 0, 0, 0, stream]);
        said.extend(payload);
    }
    stuck.write_all(&said).await.unwrap();
    // The answer to the ping proves that the call has arrived.
    loop {
        let mut head = [0; 9];
        stuck.read_exact(&mut head).await.unwrap();
        let length = usize::from(head[1]) << 8 | usize::from(head[2]);
        stuck.read_exact(&mut vec![0; length]).await.unwrap();
        if head[3] == PING {
            break;
        }
    }
    let cut = tokio::time::timeout(PATIENCE, gateway.drain())
        .await
        .expect("the drain ends");
    assert_eq!(cut, 1);
    rest(stuck).await;
}

#[tokio::test]
async fn a_dropped_gateway_leaves_nothing_behind() {
    let gateway = start(&settings()).await;
    let (grpc, admin) = (gateway.grpc(), gateway.admin());
    let silent = TcpStream::connect(grpc).await.unwrap();
    drop(gateway);
    assert_eq!(rest(silent).await, b"");
    for address in [grpc, admin] {
        let closed = async { while TcpStream::connect(address).await.is_ok() {} };
        tokio::time::timeout(PATIENCE, closed)
            .await
            .expect("the port is closed");
    }
}

const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const END_HEADERS: u8 = 4;
