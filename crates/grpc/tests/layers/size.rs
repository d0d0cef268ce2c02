use bytes::{BufMut, Bytes, BytesMut};
use kabao_proto::kabao::v1::GetMemberRequest;
use prost::Message;
use tonic::Code;

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
