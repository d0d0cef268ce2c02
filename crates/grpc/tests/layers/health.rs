use tonic::{Code, Request};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::support::{quiet, start};

fn of(service: &str) -> Request<HealthCheckRequest> {
    Request::new(HealthCheckRequest {
        service: service.to_owned(),
    })
}

#[tokio::test]
async fn the_state_is_what_the_gateway_says() {
    let running = start(quiet()).await;
    let mut client = HealthClient::new(running.channel().await);
    for service in [
        "",
        "kabao.v1.MemberService",
        "kabao.merchant.v1.UserCardService",
    ] {
        running.health.not_serving();
        let answer = client.check(of(service)).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::NotServing, "{service}");
        running.health.serving();
        let answer = client.check(of(service)).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service}");
    }
}

#[tokio::test]
async fn a_server_starts_as_not_serving() {
    let running = start(quiet()).await;
    let answer = HealthClient::new(running.channel().await)
        .check(of(""))
        .await
        .unwrap();
    assert_eq!(answer.into_inner().status(), ServingStatus::NotServing);
}

#[tokio::test]
async fn a_service_that_does_not_exist_is_not_found_and_watched_as_unknown() {
    let running = start(quiet()).await;
    let mut client = HealthClient::new(running.channel().await);
    assert_eq!(
        client.check(of("nobody")).await.unwrap_err().code(),
        Code::NotFound
    );
    let mut watch = client.watch(of("nobody")).await.unwrap().into_inner();
    let first = watch.message().await.unwrap().unwrap();
    assert_eq!(first.status(), ServingStatus::ServiceUnknown);
}

#[tokio::test]
async fn watchers_hear_changes_and_their_streams_end_when_the_server_stops() {
    let running = start(quiet()).await;
    let mut client = HealthClient::new(running.channel().await);
    let mut watch = client.watch(of("")).await.unwrap().into_inner();
    let next = async |watch: &mut tonic::Streaming<HealthCheckResponse>| {
        watch.message().await.unwrap().map(|answer| answer.status())
    };
    assert_eq!(next(&mut watch).await, Some(ServingStatus::NotServing));
    running.health.serving();
    assert_eq!(next(&mut watch).await, Some(ServingStatus::Serving));
    running.health.end_watches();
    let mut last = None;
    while let Some(status) = next(&mut watch).await {
        last = Some(status);
    }
    assert_eq!(last, Some(ServingStatus::NotServing));

    // Too late to say otherwise.
    running.health.serving();
    let answer = client.check(of("")).await.unwrap().into_inner();
    assert_eq!(answer.status(), ServingStatus::NotServing);
}
