//! The listener of operators.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::running::{answer, page, settings, start};

/// Kubernetes gives a probe a second.
const PROBE: Duration = Duration::from_secs(1);

/// Opens a hundred connections that say `said`, and then asks how the gateway is while they stay.
async fn is_answered_beside(said: &[u8]) {
    let gateway = start(&settings()).await;
    let mut held = Vec::new();
    for _ in 0..100 {
        let mut stream = TcpStream::connect(gateway.admin()).await.unwrap();
        // It may have had to make room already.
        let _ = stream.write_all(said).await;
        held.push(stream);
    }
    for path in ["/healthz", "/readyz", "/metrics"] {
        let answer = timeout(PROBE, page(gateway.admin(), path)).await;
        let answer = answer.unwrap_or_else(|_| panic!("{path} is late"));
        assert!(answer.starts_with("HTTP/1.1 200 "), "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_hundred_silent_connections_do_not_delay_a_probe() {
    is_answered_beside(b"").await;
}

#[tokio::test]
async fn a_hundred_unfinished_requests_do_not_delay_a_probe() {
    is_answered_beside(b"GET /healthz HTTP/1.1\r\nhost: ").await;
}

/// A browser asks for whatever a page of a stranger wants, and says whose page it is.
#[tokio::test]
async fn pages_of_strangers_are_refused_on_every_path() {
    let gateway = start(&settings()).await;
    for path in ["/healthz", "/readyz", "/metrics", "/reload", "/elsewhere"] {
        for (host, origin) in [
            ("evil.example:9464", None),
            ("localhost", Some("https://evil.example")),
            ("localhost", Some("null")),
        ] {
            let origin = origin.map(|origin| format!("origin: {origin}\r\n"));
            let request = format!(
                "GET {path} HTTP/1.1\r\nhost: {host}\r\n{}\r\n",
                origin.unwrap_or_default()
            );
            let answer = answer(gateway.admin(), &request).await;
            assert!(answer.starts_with("HTTP/1.1 403 "), "{request}{answer}");
            assert!(!answer.contains("kabao_build_info"), "{answer}");
        }
    }
}

#[tokio::test]
async fn a_name_of_the_settings_is_no_stranger() {
    let mut settings = settings();
    let asked = "GET /healthz HTTP/1.1\r\nhost: metrics.acme.example:9464\r\n\r\n";
    let gateway = start(&settings).await;
    let refused = answer(gateway.admin(), asked).await;
    assert!(refused.starts_with("HTTP/1.1 403 "), "{refused}");
    let told = "none of this listener: use an address, localhost, or a name in admin.hosts\n";
    assert!(refused.ends_with(told), "{refused}");
    settings.admin.hosts = vec!["Metrics.Acme.example".parse().unwrap()];
    let gateway = start(&settings).await;
    let answer = answer(gateway.admin(), asked).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}
