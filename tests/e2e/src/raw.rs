//! A caller that is no stub: sends what it likes, and sees everything that comes back.

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tonic::Status;

use crate::world::World;

/// What came back; headers and trailers are one.
pub(crate) struct Answer {
    pub(crate) http_status: StatusCode,
    pub(crate) headers: HeaderMap,
}

impl Answer {
    /// The gRPC status.
    pub(crate) fn status(&self) -> Status {
        Status::from_header_map(&self.headers).expect("a grpc-status")
    }
}

/// Calls a method, such as `kabao.v1.MemberService/GetMember`, on a connection of its own.
pub(crate) async fn post(
    world: &World,
    method: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Answer {
    let stream = TcpStream::connect(world.gateway().grpc()).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    let connection = tokio::spawn(connection);
    let mut request = Request::post(format!("http://gateway/{method}")).header("te", "trailers");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(body.into())).unwrap();
    let (head, body) = sender.send_request(request).await.unwrap().into_parts();
    let mut headers = head.headers;
    if let Some(trailers) = body.collect().await.unwrap().trailers() {
        headers.extend(trailers.clone());
    }
    connection.abort();
    Answer {
        http_status: head.status,
        headers,
    }
}

/// A message as gRPC frames it.
pub(crate) fn frame(message: &impl prost::Message) -> Vec<u8> {
    let message = message.encode_to_vec();
    let length = u32::try_from(message.len()).unwrap();
    let mut frame = vec![0];
    frame.extend(length.to_be_bytes());
    frame.extend(message);
    frame
}

pub(crate) const GRPC: (&str, &str) = ("content-type", "application/grpc");
