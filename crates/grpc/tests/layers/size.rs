use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use kabao_proto::kabao::v1::GetMemberRequest;
use prost::Message;
use tokio::sync::Semaphore;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_types::StatusExt;

use crate::support::{GET_MEMBER, builder, frame, member, quiet, start};

const LIMIT: usize = 4 * 1024 * 1024;

/// A request of exactly this many bytes: the openid fills it.
fn request_of(bytes: usize) -> Bytes {
    let mut request = GetMemberRequest {
        name: crate::support::NAME.to_owned(),
        ..Default::default()
    };
    request.openid = "x".repeat(bytes);
    let excess = request.encoded_len() - bytes;
    request.openid.truncate(bytes - excess);
    assert_eq!(request.encoded_len(), bytes);
    frame(&request.encode_to_vec())
}

#[tokio::test]
async fn a_request_at_the_limit_passes_and_one_byte_more_does_not() {
    let running = start(quiet()).await;
    let answer = running
        .send(running.request(GET_MEMBER), request_of(LIMIT))
        .await;
    assert_eq!(answer.code(), Code::Ok);
    let answer = running
        .send(running.request(GET_MEMBER), request_of(LIMIT + 1))
        .await;
    assert_eq!(answer.code(), Code::ResourceExhausted);
    assert_eq!(answer.reason(), "MESSAGE_TOO_LARGE");
    assert_eq!(
        answer.metadata("may_have_executed").as_deref(),
        Some("false")
    );
}

/// The largest messages in all the calls that may be in flight would hold gigabytes.
#[tokio::test]
async fn large_requests_in_flight_hold_so_much_and_no_more_and_small_ones_always_pass() {
    let (arrived, turn) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (arriving, waiting) = (Arc::clone(&arrived), Arc::clone(&turn));
    let server = builder(move |_| {
        let (arriving, waiting) = (Arc::clone(&arriving), Arc::clone(&waiting));
        Box::pin(async move {
            arriving.add_permits(1);
            waiting.acquire().await.unwrap().forget();
            Ok(member())
        })
    });
    let running = start(server.max_request_memory(1024 * 1024)).await;
    let send = |bytes| running.send(running.request(GET_MEMBER), request_of(bytes));
    // Each has nine parts of 64 KiB, of which there are sixteen.
    let first = send(600 * 1024);
    let rest = async {
        arrived.acquire().await.unwrap().forget();
        let refused = send(600 * 1024).await;
        assert_eq!(refused.code(), Code::ResourceExhausted);
        assert_eq!(refused.reason(), "OVERLOADED");
        assert!(refused.status().message().contains("max_request_memory"));
        assert!(refused.status().get_details_retry_info().is_some());
        turn.add_permits(1);
    };
    let (held, ()) = tokio::join!(first, rest);
    assert_eq!(held.code(), Code::Ok);
    // What was held is given back with the end of the call.
    turn.add_permits(2);
    assert_eq!(send(1000 * 1024).await.code(), Code::Ok);
    assert_eq!(send(60 * 1024).await.code(), Code::Ok);
}

#[tokio::test]
async fn a_question_about_health_or_methods_is_small() {
    const LARGE: usize = 16 * 1024;
    let running = start(quiet()).await;
    let service = |bytes| HealthCheckRequest {
        service: "x".repeat(bytes),
    };
    for path in [
        "/grpc.health.v1.Health/Check",
        "/grpc.health.v1.Health/Watch",
    ] {
        let question = frame(&service(LARGE).encode_to_vec());
        let answer = running.send(running.request(path), question).await;
        assert_eq!(answer.code(), Code::ResourceExhausted, "{path}");
    }
    let list = |bytes| ServerReflectionRequest {
        host: "x".repeat(bytes),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    for version in ["v1", "v1alpha"] {
        let path = format!("/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
        for (bytes, is_answered) in [(10, true), (LARGE, false)] {
            let question = frame(&list(bytes).encode_to_vec());
            let answer = running.send(running.request(&path), question).await;
            assert_eq!(!answer.body.is_empty(), is_answered, "{version} {bytes}");
        }
    }
}

#[tokio::test]
async fn a_length_that_is_announced_is_refused_before_it_is_read() {
    let running = start(quiet()).await;
    let mut prefix = BytesMut::new();
    prefix.put_u8(0);
    prefix.put_u32(1 << 30);
    let answer = running
        .send(running.request(GET_MEMBER), prefix.freeze())
        .await;
    assert_eq!(
        (answer.code(), answer.reason().as_str()),
        (Code::ResourceExhausted, "MESSAGE_TOO_LARGE")
    );
}

#[tokio::test]
async fn an_answer_that_clients_would_not_take_is_not_sent() {
    let server = builder(|_| {
        let mut member = member();
        member.level = Some("x".repeat(LIMIT));
        Box::pin(async { Ok(member) })
    });
    let answer = start(server).await.get_member(&[]).await;
    assert!(answer.body.is_empty());
    assert_eq!(
        (answer.code(), answer.reason().as_str()),
        (Code::ResourceExhausted, "MESSAGE_TOO_LARGE")
    );
    // The call itself has run.
    assert_eq!(
        answer.metadata("may_have_executed").as_deref(),
        Some("true")
    );
}
