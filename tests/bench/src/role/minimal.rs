//! A gRPC server with mTLS and nothing else: what an idle connection takes at least.

use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tonic::body::Body;
use tower_service::Service as _;

use super::{Arguments, questions, say};
use crate::{Result, tls};

pub(super) async fn run() -> Result<()> {
    let acceptor = TlsAcceptor::from(tls::server(&Arguments::of_process().path(0)?)?);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (_reporter, health) = tonic_health::server::health_reporter();
    say(&format!("ready {}", listener.local_addr()?))?;
    let _end_with_parent = questions();
    loop {
        let (tcp, _) = listener.accept().await?;
        let (acceptor, health) = (acceptor.clone(), health.clone());
        tokio::spawn(async move {
            tcp.set_nodelay(true)?;
            let stream = acceptor.accept(tcp).await?;
            let service = hyper::service::service_fn(move |request: http::Request<Incoming>| {
                health.clone().call(request.map(Body::new))
            });
            http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await?;
            Ok::<_, crate::Error>(())
        });
    }
}
