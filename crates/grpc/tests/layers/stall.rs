#![expect(clippy::unwrap_used, reason = "a helper of tests")]

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::time::Instant;
use tokio_stream::StreamExt;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::support::{GET_MEMBER, Running, get_member, quiet, start};

const STALL: Duration = Duration::from_millis(100);

/// Begins a call of `path` with `said`, and says nothing more. Returns what came of it, and when.
async fn half_a_call(running: &Running, path: &str, said: Bytes) -> (Status, Duration) {
    let body = tokio_stream::once(Ok::<_, Infallible>(Frame::data(said)));
    let body = StreamBody::new(body.chain(tokio_stream::pending()));
    let client = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http();
    let request = running
        .request(path)
        .header("grpc-timeout", "60S")
        .header("x-request-id", "half-a-call");
    let start = Instant::now();
    let response = client.request(request.body(body).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap();
    let trailers = body.trailers().cloned().unwrap_or_default();
    let status =
        Status::from_header_map(&parts.headers).or_else(|| Status::from_header_map(&trailers));
    (status.unwrap(), start.elapsed())
}

#[tokio::test]
async fn a_request_that_does_not_come_is_told_so_long_before_its_deadline() {
    let running = start(quiet().stall(STALL)).await;
    let whole = get_member();
    for (path, said) in [
        // Nothing, half a message, and a message without an end.
        (GET_MEMBER, Bytes::new()),
        (GET_MEMBER, whole.slice(..9)),
        (GET_MEMBER, whole),
        ("/kabao.v1.MediaService/UploadImage", Bytes::new()),
        ("/kabao.merchant.v1.MediaService/UploadImage", Bytes::new()),
    ] {
        let (status, took) = half_a_call(&running, path, said).await;
        assert_eq!(status.code(), Code::DeadlineExceeded, "{path}: {status:?}");
        assert!(status.message().contains("100 ms (stall)"), "{status:?}");
        let info = status.get_details_error_info().unwrap();
        assert_eq!(info.reason, "DEADLINE_EXCEEDED");
        assert_eq!(info.metadata["may_have_executed"], "false");
        let request = status.get_details_request_info().unwrap();
        assert_eq!(request.request_id, "half-a-call");
        assert!(took >= STALL, "{took:?}");
    }
}
