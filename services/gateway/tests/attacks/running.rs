//! A gateway without accounts on free ports.

use std::net::SocketAddr;
use std::time::Duration;

use kabao_gateway::Gateway;
use kabao_gateway::config::Settings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// Longer than anything here takes; only a failure waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.grpc.listen.set_port(0);
    settings.admin.listen.set_port(0);
    settings.shutdown.pre_drain = Duration::ZERO;
    // No attack ends by itself before it was looked at.
    settings.grpc.timeouts.stall = Duration::from_secs(60);
    settings
}

pub(crate) async fn start(settings: &Settings) -> Gateway {
    let gateway = Gateway::start(settings).await.unwrap();
    gateway.ready();
    gateway
}

/// What the admin listener shows.
pub(crate) async fn page(admin: SocketAddr, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    answer(admin, &request).await
}

/// What the admin listener answers.
pub(crate) async fn answer(admin: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(admin).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut said = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut said))
        .await
        .expect("an answer")
        .unwrap();
    said
}

/// A number of `/metrics`; 0 if it is not there.
pub(crate) async fn metric(admin: SocketAddr, series: &str) -> u64 {
    let page = page(admin, "/metrics").await;
    let value = page
        .lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.map_or(0, |value| value.parse().unwrap())
}

/// Waits until a number of `/metrics` is as wanted.
pub(crate) async fn until(admin: SocketAddr, series: &str, wanted: impl Fn(u64) -> bool) {
    let reached = async {
        while !wanted(metric(admin, series).await) {
            sleep(Duration::from_millis(5)).await;
        }
    };
    let reached = timeout(PATIENCE, reached).await;
    let now = metric(admin, series).await;
    reached.unwrap_or_else(|_| panic!("{series} is {now}"));
}

/// Waits until so many calls of a method have arrived.
pub(crate) async fn arrived(admin: SocketAddr, path: &str, count: u64) {
    let method = path.trim_start_matches('/');
    let series = format!(r#"grpc_server_call_started_total{{grpc_method="{method}"}}"#);
    until(admin, &series, |calls| calls >= count).await;
}

pub(crate) const CALLS: &str = r#"kabao_calls_in_flight{kabao_class="calls"}"#;
