#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use prost::Message;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1alpha;

use crate::support::{Running, frame, quiet, start};

async fn ask(running: &Running, request: MessageRequest) -> MessageResponse {
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(request),
    };
    let mut answers = ServerReflectionClient::new(running.channel().await)
        .server_reflection_info(tokio_stream::once(request))
        .await
        .unwrap()
        .into_inner();
    answers
        .message()
        .await
        .unwrap()
        .unwrap()
        .message_response
        .unwrap()
}

async fn listed(running: &Running) -> Vec<String> {
    let MessageResponse::ListServicesResponse(list) =
        ask(running, MessageRequest::ListServices(String::new())).await
    else {
        panic!("not a list")
    };
    list.service
        .into_iter()
        .map(|service| service.name)
        .collect()
}

#[tokio::test]
async fn exactly_the_services_that_are_served_are_listed() {
    let running = start(quiet()).await;
    let names = listed(&running).await;
    for name in [
        "kabao.v1.MemberService",
        "kabao.v1.TemplateService",
        "kabao.merchant.v1.UserCardService",
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
    ] {
        assert!(
            names.iter().any(|listed| listed == name),
            "{name} in {names:?}"
        );
    }
    // A listed service exists: an unknown method of it is all that can be wrong.
    for name in names.iter().filter(|name| name.starts_with("kabao.")) {
        let health = running
            .send(
                running.request("/grpc.health.v1.Health/Check"),
                frame(
                    &tonic_health::pb::HealthCheckRequest {
                        service: name.clone(),
                    }
                    .encode_to_vec(),
                ),
            )
            .await;
        assert_eq!(health.code(), tonic::Code::Ok, "{name}");
    }
}

#[tokio::test]
async fn descriptors_are_served_byte_for_byte() {
    let running = start(quiet()).await;
    let MessageResponse::FileDescriptorResponse(files) = ask(
        &running,
        MessageRequest::FileContainingSymbol("kabao.v1.MemberService".to_owned()),
    )
    .await
    else {
        panic!("not a file")
    };
    let file = files.file_descriptor_proto.first().unwrap();
    assert!(
        kabao_proto::DESCRIPTOR_SET
            .windows(file.len())
            .any(|window| window == file.as_slice())
    );
    // Decoding through prost would have dropped the options of google.api; the comments are there too.
    for text in ["name,openid", "Members of the templates of any account."] {
        let holds = |window: &[u8]| window == text.as_bytes();
        assert!(file.windows(text.len()).any(holds), "{text}");
    }
}

#[tokio::test]
async fn the_details_of_errors_can_be_looked_up() {
    let running = start(quiet()).await;
    let answer = ask(
        &running,
        MessageRequest::FileContainingSymbol("google.rpc.ErrorInfo".to_owned()),
    )
    .await;
    assert!(matches!(answer, MessageResponse::FileDescriptorResponse(_)));
}

#[tokio::test]
async fn older_tools_find_the_older_version() {
    let running = start(quiet()).await;
    let request = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(
            v1alpha::server_reflection_request::MessageRequest::ListServices(String::new()),
        ),
    };
    let mut answers =
        v1alpha::server_reflection_client::ServerReflectionClient::new(running.channel().await)
            .server_reflection_info(tokio_stream::once(request))
            .await
            .unwrap()
            .into_inner();
    let answer = answers
        .message()
        .await
        .unwrap()
        .unwrap()
        .message_response
        .unwrap();
    let v1alpha::server_reflection_response::MessageResponse::ListServicesResponse(list) = answer
    else {
        panic!("not a list")
    };
    assert!(
        list.service
            .iter()
            .any(|service| service.name == "kabao.v1.MemberService")
    );
}

#[tokio::test]
async fn reflection_can_be_left_out() {
    let running = start(quiet().without_reflection()).await;
    let path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    let answer = running.send(running.request(path), frame(&[])).await;
    assert_eq!(answer.code(), tonic::Code::Unimplemented);
}
