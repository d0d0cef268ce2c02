use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use kabao_proto::kabao::v1::Member;
use tonic::Code;
use tonic_types::StatusExt;

use crate::support::{GET_MEMBER, NAME, frame, get_member, quiet, start};

#[tokio::test]
async fn what_is_not_grpc_is_415_in_plain_words() {
    let running = start(quiet()).await;
    for content_type in [Some("application/json"), Some("application/grpc-web"), None] {
        let mut request = Request::post(format!("http://{}{GET_MEMBER}", running.address));
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let answer = running.send(request, Bytes::from_static(b"{}")).await;
        assert_eq!(
            answer.http,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "{content_type:?}"
        );
        assert!(answer.status.is_none());
        assert!(
            std::str::from_utf8(&answer.body)
                .unwrap()
                .contains("application/grpc")
        );
    }
}

#[tokio::test]
async fn another_encoding_of_messages_is_unimplemented() {
    let running = start(quiet()).await;
    let request = Request::post(format!("http://{}{GET_MEMBER}", running.address))
        .header("content-type", "application/grpc+json");
    let answer = running.send(request, get_member()).await;
    assert_eq!(answer.code(), Code::Unimplemented);
    let info = answer.status().get_details_error_info().unwrap();
    assert_eq!(info.reason, "METHOD_NOT_FOUND");
}

#[tokio::test]
async fn other_methods_are_405() {
    let running = start(quiet()).await;
    let request = Request::get(format!("http://{}{GET_MEMBER}", running.address))
        .header("content-type", "application/grpc");
    let answer = running.send(request, Bytes::new()).await;
    assert_eq!(answer.http, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.headers["allow"], "POST");
}

#[tokio::test]
async fn http_1_is_told_to_use_http_2() {
    let running = start(quiet()).await;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let request = running
        .request(GET_MEMBER)
        .body(Full::new(get_member()))
        .unwrap();
    let response = client.request(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::HTTP_VERSION_NOT_SUPPORTED);
    let text = response.into_body().collect().await.unwrap().to_bytes();
    assert!(std::str::from_utf8(&text).unwrap().contains("HTTP/2"));
}

#[tokio::test]
async fn a_body_that_is_no_message_is_the_callers_fault() {
    let running = start(quiet()).await;
    let wrong_wire_type = frame(&[0x08, 0x01]);
    let truncated = frame(&[0x0a, 0x7f, b'a']);
    let compressed = {
        let mut body = get_member().to_vec();
        body[0] = 1;
        Bytes::from(body)
    };
    let no_frame = Bytes::from_static(b"\x00\x00");
    for body in [
        wrong_wire_type,
        truncated,
        compressed,
        no_frame,
        Bytes::new(),
    ] {
        let answer = running
            .send(running.request(GET_MEMBER), body.clone())
            .await;
        assert_eq!(answer.code(), Code::InvalidArgument, "{body:?}");
        assert_eq!(answer.reason(), "FIELD_INVALID");
        assert!(answer.status().get_details_request_info().is_some());
    }
}

#[tokio::test]
async fn fields_of_a_newer_version_are_ignored() {
    let running = start(quiet()).await;
    let mut message = get_member().slice(5..).to_vec();
    // Field 15000 as a varint.
    message.extend([0xc0, 0xa9, 0x07, 0x01]);
    let answer = running
        .send(running.request(GET_MEMBER), frame(&message))
        .await;
    assert_eq!(answer.code(), Code::Ok);
    assert_eq!(answer.message::<Member>().name, NAME);
}

#[tokio::test]
async fn unknown_services_and_methods_are_unimplemented_and_say_so() {
    let running = start(quiet()).await;
    for path in [
        "/kabao.v1.MemberService/Nothing",
        "/kabao.v9.Nothing/Get",
        "/",
    ] {
        let answer = running.send(running.request(path), get_member()).await;
        assert_eq!(answer.code(), Code::Unimplemented, "{path}");
        assert_eq!(answer.status().message(), "no such service or method");
        let info = answer.status().get_details_error_info().unwrap();
        assert_eq!(
            (info.reason.as_str(), info.domain.as_str()),
            ("METHOD_NOT_FOUND", "kabao")
        );
        assert!(answer.status().get_details_request_info().is_some());
    }
}
