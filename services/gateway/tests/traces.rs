//! Spans leave the process over OTLP and go on with the caller's trace.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a step that fails fails the test"
)]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use kabao_gateway::config::{LogSettings, TelemetrySettings};
use kabao_gateway::{Dev, DevOptions, Telemetry};
use kabao_proto::kabao::v1::member_service_client::MemberServiceClient;
use kabao_proto::kabao::v1::{GetMemberRequest, Member, UpdateMemberRequest};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

/// What a caller sends and nobody may find in a span: a code, an openid, a name, a header.
const CANARIES: [&str; 4] = [
    "903175284460",
    "obLatCanaryCanaryCanary_0417",
    "王金丝雀",
    "canary-header-8841",
];

const TRACE: [u8; 16] = *b"\x0a\xf7\x65\x19\x16\xcd\x43\xdd\x84\x48\xeb\x21\x1c\x80\x31\x9c";

/// A collector that hands on what it gets, path and body.
async fn collector() -> (SocketAddr, mpsc::Receiver<(String, Bytes)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, receiver) = mpsc::channel(16);
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let service = service_fn(move |request: Request<Incoming>| {
            let sender = sender.clone();
            async move {
                let path = request.uri().path().to_owned();
                let body = request.into_body().collect().await.unwrap().to_bytes();
                sender.send((path, body)).await.unwrap();
                let mut trailers = HeaderMap::new();
                trailers.insert("grpc-status", "0".parse().unwrap());
                let message = Full::new(Bytes::from_static(&[0; 5]));
                let body = message.with_trailers(async move { Some(Ok(trailers)) });
                let answer = Response::builder().header("content-type", "application/grpc");
                Ok::<_, Infallible>(answer.body(body).unwrap())
            }
        });
        hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(stream), service)
            .await
    });
    (address, receiver)
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_exported_below_its_callers_span() {
    let (address, mut exported) = collector().await;
    let telemetry = TelemetrySettings {
        otlp_endpoint: Some(format!("http://{address}")),
        ..TelemetrySettings::default()
    };
    let quiet = LogSettings {
        level: "off".to_owned(),
        ..LogSettings::default()
    };
    let telemetry = Telemetry::install(&quiet, &telemetry).unwrap();
    let dev = Dev::start(DevOptions::default()).await.unwrap();
    let url = format!("http://{}", dev.gateway().grpc());
    let endpoint = Endpoint::from_shared(url).unwrap();
    let channel = endpoint.connect().await.unwrap();
    let mut health = HealthClient::new(channel.clone());
    let mut request = tonic::Request::new(HealthCheckRequest::default());
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    request
        .metadata_mut()
        .insert("traceparent", parent.parse().unwrap());
    health.check(request).await.unwrap();
    let [code, openid, name, header] = CANARIES;
    let member =
        format!("accounts/demo-merchant/templates/pbLatjvWOibDc5-TBnbUk1pD12o0/members/{code}");
    let mut members = MemberServiceClient::new(channel);
    let mut request = tonic::Request::new(GetMemberRequest {
        name: member.clone(),
        openid: openid.to_owned(),
        ..GetMemberRequest::default()
    });
    let metadata = request.metadata_mut();
    metadata.insert("traceparent", parent.parse().unwrap());
    metadata.insert("x-canary", header.parse().unwrap());
    members.get_member(request).await.unwrap_err();
    let update = UpdateMemberRequest {
        member: Some(Member {
            name: member,
            openid: openid.to_owned(),
            nickname: name.to_owned(),
            ..Member::default()
        }),
        ..UpdateMemberRequest::default()
    };
    members.update_member(update).await.unwrap_err();

    telemetry.flush().await;
    let received = tokio::time::timeout(Duration::from_secs(20), exported.recv());
    let (path, body) = received.await.expect("the collector is asked").unwrap();
    assert_eq!(
        path,
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
    );
    let mut body = body.to_vec();
    while let Ok((_, more)) = exported.try_recv() {
        body.extend(more);
    }
    for canary in CANARIES {
        assert!(!contains(&body, canary.as_bytes()), "{canary} is exported");
    }
    let traced = body.windows(TRACE.len()).filter(|window| *window == TRACE);
    // One for the check, one for the read, and one for the attempt of the read.
    assert_eq!(traced.count(), 3);
    for part in [
        &TRACE[..],
        b"merchant.user_cards.get",
        b"server.address",
        b"error.type",
        b"MEMBER_NOT_FOUND",
        b"grpc.health.v1.Health/Check",
        b"kabao",
        b"rpc.response.status_code",
    ] {
        assert!(contains(&body, part), "{part:?} in {body:?}");
    }
}
