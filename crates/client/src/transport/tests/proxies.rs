//! Tunnels through proxies.

use std::sync::Mutex;

use kabao_models::Secret;
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;

use super::*;

/// What the proxy does once it was asked.
#[derive(Clone)]
enum Conduct {
    /// Makes a tunnel to the host behind it, whatever host it is asked for.
    Tunnel(SocketAddr),
    /// Writes these bytes and closes.
    Say(&'static str),
    Hang,
}

/// A proxy, and what it was asked for.
struct Asked {
    url: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Asked {
    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    fn proxy(&self) -> Option<Proxy> {
        Some(Proxy::new(&self.url, None).unwrap())
    }
}

async fn proxy(conduct: Conduct) -> Asked {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&heads);
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            let (conduct, seen) = (conduct.clone(), Arc::clone(&seen));
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(tcp.read_u8().await.unwrap());
                }
                let text = String::from_utf8(head).unwrap();
                seen.lock().unwrap().push(text);
                match conduct {
                    Conduct::Tunnel(to) => {
                        let mut host = TcpStream::connect(to).await.unwrap();
                        let said = b"HTTP/1.1 200 Connection established\r\nvia: x\r\n\r\n";
                        tcp.write_all(said).await.unwrap();
                        let _ = copy_bidirectional(&mut tcp, &mut host).await;
                    }
                    Conduct::Say(text) => {
                        let _ = tcp.write_all(text.as_bytes()).await;
                    }
                    Conduct::Hang => std::future::pending().await,
                }
            });
        }
    });
    Asked { url, heads }
}

fn answer() -> Manner {
    Manner::Answer(text("200 OK\r\ncontent-length: 1", "x"))
}

#[tokio::test]
async fn a_proxy_learns_the_host_and_nothing_of_the_call() {
    let server = server(answer()).await;
    let proxy = proxy(Conduct::Tunnel(server.address)).await;
    // Nobody but the proxy knows that name.
    let (transport, request) = client_at(
        &Connections::default(),
        "wechat.invalid",
        Some(&server.ca),
        proxy.proxy(),
        PATIENT,
    );
    for _ in 0..3 {
        let answer = transport.send(request.clone()).await.unwrap();
        assert_eq!(answer.body.as_ref(), b"x");
    }
    let head = "CONNECT wechat.invalid:443 HTTP/1.1\r\nHost: wechat.invalid:443\r\n\r\n";
    assert_eq!(proxy.heads(), [head], "and the connection is kept");
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_user_is_named_in_each_request_for_a_tunnel_and_not_to_the_host() {
    let server = server(Manner::Echo).await;
    let proxy = proxy(Conduct::Tunnel(server.address)).await;
    let url = proxy.url.replace("//", "//Aladdin@");
    let password = Secret::new("open sesame");
    let (transport, request) = client_at(
        &Connections::default(),
        &server.address.to_string(),
        Some(&server.ca),
        Some(Proxy::new(&url, Some(&password)).unwrap()),
        PATIENT,
    );
    let answer = transport.send(request).await.unwrap();
    let told = String::from_utf8_lossy(&answer.body).to_lowercase();
    assert!(!told.contains("authorization"), "{told}");
    let shown = "\r\nProxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n";
    let heads = proxy.heads();
    let host = format!("CONNECT {} HTTP/1.1\r\n", server.address);
    assert!(
        matches!(heads.as_slice(), [head] if head.ends_with(shown) && head.starts_with(&host)),
        "{heads:?}"
    );
}

#[tokio::test]
async fn a_proxy_belongs_to_one_client_of_those_that_share_the_rest() {
    let server = server(answer()).await;
    let proxy = proxy(Conduct::Tunnel(server.address)).await;
    let common = Connections::default();
    let host = server.address.to_string();
    for (through, asked) in [(None, 0), (proxy.proxy(), 1), (None, 1)] {
        let (transport, request) = client_at(&common, &host, Some(&server.ca), through, PATIENT);
        transport.send(request).await.unwrap();
        assert_eq!(proxy.heads().len(), asked);
    }
}

#[tokio::test]
async fn a_proxy_that_makes_no_tunnel_has_the_call_fail_before_anything_of_it_is_sent() {
    let rows = [
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\n\r\nwho?",
            ProxyFault::Credentials,
        ),
        ("HTTP/1.1 403 Forbidden\r\n\r\nno", ProxyFault::Refused(403)),
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", ProxyFault::Refused(502)),
        ("HTTP/1.1 200 OK\r\n\r\nearly", ProxyFault::Unreadable),
        ("SSH-2.0-x\r\n\r\n", ProxyFault::Unreadable),
        ("HTTP/1.1 200 OK\r\nvia: ", ProxyFault::Broken),
        ("", ProxyFault::Broken),
    ];
    for (said, expected) in rows {
        let proxy = proxy(Conduct::Say(said)).await;
        let connections = Connections::default();
        let (transport, request) =
            client_at(&connections, "wechat.invalid", None, proxy.proxy(), PATIENT);
        let error = transport.send(request).await.err().unwrap();
        assert!(
            matches!(error, TransportError::Proxy(fault, _) if fault == expected),
            "{said:?}: {error:?}"
        );
        assert!(error.nothing_sent());
        let heads = proxy.heads();
        assert!(heads.iter().all(|head| head.starts_with("CONNECT ")));
        assert!(!heads.is_empty());
    }
}

#[tokio::test]
async fn the_head_of_a_proxys_answer_has_a_bound() {
    let endless = format!("HTTP/1.1 200 OK\r\nvia: {}", "x".repeat(100_000)).leak();
    let proxy = proxy(Conduct::Say(endless)).await;
    let connections = Connections::default();
    let (transport, request) =
        client_at(&connections, "wechat.invalid", None, proxy.proxy(), PATIENT);
    let error = transport.send(request).await.err().unwrap();
    assert!(
        matches!(error, TransportError::Proxy(ProxyFault::Unreadable, _)),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_proxy_that_is_away_or_says_nothing_costs_no_more_than_connecting_may() {
    let hanging = proxy(Conduct::Hang).await;
    let short = Bounds {
        connect: SHORT,
        ..PATIENT
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let away = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let rows = [
        (hanging.url, ProxyFault::TimedOut, short),
        (away, ProxyFault::Unreachable, PATIENT),
    ];
    for (url, expected, bounds) in rows {
        let through = Some(Proxy::new(&url, None).unwrap());
        let connections = Connections::default();
        let (transport, request) = client_at(&connections, "wechat.invalid", None, through, bounds);
        let error = transport.send(request).await.err().unwrap();
        assert!(
            matches!(error, TransportError::Proxy(fault, _) if fault == expected),
            "{url}: {error:?}"
        );
        assert!(error.nothing_sent());
    }
}

#[tokio::test]
async fn whoever_a_tunnel_leads_to_has_to_prove_to_be_the_host() {
    let server = server(answer()).await;
    let proxy = proxy(Conduct::Tunnel(server.address)).await;
    let connections = Connections::default();
    let (transport, request) = client_at(
        &connections,
        "other.invalid",
        Some(&server.ca),
        proxy.proxy(),
        PATIENT,
    );
    let error = transport.send(request).await.err().unwrap();
    assert!(matches!(error, TransportError::Tls(_)), "{error:?}");
    assert_eq!(server.connections.load(Ordering::SeqCst), 0);
}
