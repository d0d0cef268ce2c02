//! A request that may not leave any more when there is a connection.

use std::sync::atomic::AtomicBool;

use kabao_api::{Entry, PlannedValue};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::*;

const BODY: &str = "{\"points\":110}";

/// Another process may have taken over.
#[derive(Default)]
struct Right {
    is_lost: AtomicBool,
}

impl Entry for Right {
    fn planned(&self) -> Option<PlannedValue> {
        None
    }

    fn plan(&self, _: PlannedValue) {}

    fn may_send(&self) -> bool {
        true
    }

    fn may_still_leave(&self) -> bool {
        !self.is_lost.load(Ordering::SeqCst)
    }
}

/// A host that makes callers wait for the handshake, and keeps all that it reads.
struct SlowHost {
    address: SocketAddr,
    ca: String,
    arrived: Arc<Notify>,
    proceed: Arc<Notify>,
    received: tokio::task::JoinHandle<Vec<u8>>,
}

async fn slow_host(protocol: Option<&[u8]>) -> SlowHost {
    let certified = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = certified.signing_key.serialize_der().try_into().unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = protocol.map(<[u8]>::to_vec).into_iter().collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (arrived, proceed) = (Arc::<Notify>::default(), Arc::<Notify>::default());
    let (reached, waiting) = (Arc::clone(&arrived), Arc::clone(&proceed));
    let received = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        reached.notify_one();
        waiting.notified().await;
        let mut tls = acceptor.accept(tcp).await.unwrap();
        let mut received = Vec::new();
        while let Ok(1..) = tls.read_buf(&mut received).await {
            let is_whole = String::from_utf8_lossy(&received).contains(BODY);
            if is_whole {
                let _ = tls.write_all(&text("204 No Content", "")).await;
                break;
            }
        }
        received
    });
    SlowHost {
        address,
        ca: certified.cert.pem(),
        arrived,
        proceed,
        received,
    }
}

/// Sends while the right is lost during the handshake, or not; what came of it, and what has arrived.
async fn sent(
    protocol: Option<&[u8]>,
    is_lost: bool,
) -> (Result<HttpResponse, TransportError>, String) {
    let host = slow_host(protocol).await;
    let (transport, request) = client(host.address, Some(&host.ca), PATIENT);
    let right = Arc::<Right>::default();
    let request = HttpRequest {
        method: Method::POST,
        body: Bytes::from_static(BODY.as_bytes()),
        entry: Some(Arc::<Right>::clone(&right)),
        ..request
    };
    let sending = tokio::spawn(async move { transport.send(request).await });
    host.arrived.notified().await;
    right.is_lost.store(is_lost, Ordering::SeqCst);
    host.proceed.notify_one();
    let answer = timeout(LONG, sending).await.unwrap().unwrap();
    let received = timeout(LONG, host.received).await.unwrap().unwrap();
    (answer, String::from_utf8_lossy(&received).into_owned())
}

#[tokio::test]
async fn a_right_that_is_lost_while_a_connection_is_made_keeps_the_request_back() {
    for protocol in [None, Some(b"h2".as_slice())] {
        let (answer, received) = sent(protocol, true).await;
        let error = answer.err().unwrap();
        assert!(matches!(error, TransportError::KeptBack), "{error:?}");
        assert!(error.nothing_sent());
        assert!(!received.contains(BODY), "{received}");
    }
}

#[tokio::test]
async fn a_right_that_still_holds_lets_the_request_leave() {
    let (answer, received) = sent(None, false).await;
    assert_eq!(answer.unwrap().status.as_u16(), 204);
    assert!(received.ends_with(BODY), "{received}");
}
