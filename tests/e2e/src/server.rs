//! The manners of the server that callers of any language rely on.

use kabao_sandbox::Fault;
use prost::Message;
use prost_types::FileDescriptorSet;
use tokio::time::timeout;
use tokio_stream::StreamExt;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;

use crate::demo::MERCHANT;
use crate::raw;
use crate::world::{PATIENCE, World, get_member};

/// Asks one version of the reflection service for all services and for one file.
macro_rules! reflect {
    ($world:expr, $version:ident) => {{
        use tonic_reflection::pb::$version::ServerReflectionRequest;
        use tonic_reflection::pb::$version::server_reflection_client::ServerReflectionClient;
        use tonic_reflection::pb::$version::server_reflection_request::MessageRequest;
        use tonic_reflection::pb::$version::server_reflection_response::MessageResponse;

        let ask = |question| ServerReflectionRequest {
            host: String::new(),
            message_request: Some(question),
        };
        let questions = tokio_stream::iter([
            ask(MessageRequest::ListServices(String::new())),
            ask(MessageRequest::FileContainingSymbol(
                "kabao.v1.MemberService".to_owned(),
            )),
        ]);
        let mut client = ServerReflectionClient::new($world.channel());
        let mut answers = client
            .server_reflection_info(questions)
            .await
            .unwrap()
            .into_inner();
        let mut services: Vec<String> = Vec::new();
        let mut files = 0;
        while let Some(answer) = answers.next().await {
            match answer.unwrap().message_response.unwrap() {
                MessageResponse::ListServicesResponse(list) => {
                    services = list
                        .service
                        .into_iter()
                        .map(|service| service.name)
                        .collect();
                }
                MessageResponse::FileDescriptorResponse(found) => {
                    files += found.file_descriptor_proto.len()
                }
                _ => panic!("another answer was expected"),
            }
        }
        assert!(files > 0);
        services.sort();
        services
    }};
}

/// Every service of our protos that answers, be it with a refusal of what was asked.
async fn services_that_answer(world: &World) -> Vec<String> {
    let files = FileDescriptorSet::decode(kabao_proto::DESCRIPTOR_SET).unwrap();
    let mut answering = Vec::new();
    for file in &files.file {
        for service in &file.service {
            let name = format!("{}.{}", file.package(), service.name());
            let method = format!("{name}/{}", service.method[0].name());
            let answer = raw::post(world, &method, &[raw::GRPC], raw::frame(&())).await;
            let status = answer.status();
            let details = status.get_error_details();
            let reason = details.error_info().map(|info| info.reason.as_str());
            if reason == Some("METHOD_NOT_FOUND") {
                assert_eq!(status.code(), Code::Unimplemented, "{name}: {status:?}");
            } else {
                assert!(
                    status.code() == Code::Ok || reason.is_some(),
                    "{name}: {status:?}"
                );
                answering.push(name);
            }
        }
    }
    answering.sort();
    answering
}

#[tokio::test]
async fn reflection_lists_exactly_what_is_served_in_both_versions() {
    for (world, exposes) in [
        (World::start().await, false),
        (World::with_exposed_tokens().await, true),
    ] {
        lists_exactly_what_is_served(&world, exposes).await;
    }
}

/// What answers with credentials, which only an account that lets callers see them brings along.
const CREDENTIALS: [&str; 3] = [
    "kabao.officialaccount.v1.StableTokenService",
    "kabao.officialaccount.v1.TicketService",
    "kabao.officialaccount.v1.TokenService",
];

async fn lists_exactly_what_is_served(world: &World, exposes: bool) {
    let mut served = services_that_answer(world).await;
    for name in CREDENTIALS {
        assert_eq!(
            served.iter().any(|served| served == name),
            exposes,
            "{name} in {served:?}"
        );
    }
    for seed in [
        "kabao.v1.ChangeService",
        "kabao.v1.MediaService",
        "kabao.v1.MemberService",
        "kabao.v1.TemplateService",
        "kabao.merchant.v1.MediaService",
        "kabao.officialaccount.v1.ClientSignatureService",
        "kabao.merchant.v1.CardService",
        "kabao.merchant.v1.UserCardService",
        "kabao.brand.v1.CardService",
        "kabao.brand.v1.UserCardService",
        "kabao.officialaccount.v1.CardService",
        "kabao.officialaccount.v1.MemberService",
        "kabao.officialaccount.v1.PayGiftMemberCardService",
    ] {
        assert!(
            served.iter().any(|name| name == seed),
            "{seed} in {served:?}"
        );
    }
    served.push("grpc.health.v1.Health".to_owned());
    for (version, mut listed) in [
        ("v1", reflect!(world, v1)),
        ("v1alpha", reflect!(world, v1alpha)),
    ] {
        // The service that was asked lists itself.
        let itself = format!("grpc.reflection.{version}.ServerReflection");
        listed.retain(|name| *name != itself);
        served.sort();
        assert_eq!(listed, served, "{version}");
    }
}

#[tokio::test]
async fn health_knows_the_server_and_each_service() {
    let world = World::start().await;
    let mut health = HealthClient::new(world.channel());
    let mut check = async |service: &str| {
        let service = service.to_owned();
        let answer = health.check(HealthCheckRequest { service }).await;
        answer
            .map(|answer| answer.into_inner().status())
            .map_err(|status| status.code())
    };
    for service in ["", "kabao.v1.MemberService", "kabao.brand.v1.CardService"] {
        assert_eq!(
            check(service).await,
            Ok(ServingStatus::Serving),
            "{service}"
        );
    }
    assert_eq!(check("kabao.v1.Nothing").await, Err(Code::NotFound));
}

#[tokio::test]
async fn a_drain_waits_for_the_call_in_flight_and_takes_no_other() {
    let world = World::start().await;
    world.inject(
        "merchant.user_cards.get",
        1,
        Fault::Delay { milliseconds: 400 },
    );
    let (mut members, mut late) = (world.members(), world.members());
    let call = tokio::spawn(async move { members.get_member(get_member(&MERCHANT)).await });
    // The call is in flight once the sandbox has taken the fault.
    world.all_faults_taken().await;
    let address = world.gateway().grpc();
    let (gateway, _sandbox) = world.into_parts();
    let cut = timeout(PATIENCE, gateway.drain())
        .await
        .expect("the drain ends");
    assert_eq!(cut, 0);
    call.await.unwrap().expect("the call in flight is answered");
    let refused = late.get_member(get_member(&MERCHANT)).await.unwrap_err();
    assert!(
        matches!(refused.code(), Code::Unavailable | Code::Cancelled),
        "{refused:?}"
    );
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
