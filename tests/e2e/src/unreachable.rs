//! WeChat is away, slow, or busy.

use std::time::Duration;

use kabao_proto::kabao::v1::Member;
use kabao_sandbox::Fault;
use tokio::time::Instant;
use tonic::Code;
use tonic_types::StatusExt;

use crate::demo::{ALL, BRAND, MERCHANT};
use crate::refusal::refused;
use crate::world::{World, get_member, update_member};

#[tokio::test]
async fn nothing_listens_there() {
    let mut world = World::start().await;
    world.stop_sandbox().await;
    for demo in ALL {
        let answer = world.get_member(demo).await;
        refused(Code::Unavailable, "UPSTREAM_UNAVAILABLE").check(answer);
        // Nothing was sent, so that even a write may be repeated.
        let change = Member {
            background_picture_url: "https://wx.gtimg.com/resource/x.jpg".to_owned(),
            ..Member::default()
        };
        let answer = world
            .update_member(demo, change, &["background_picture_url"])
            .await;
        refused(Code::Unavailable, "UPSTREAM_UNAVAILABLE").check(answer);
    }
}

#[tokio::test]
async fn an_expired_deadline_is_deadline_exceeded_and_comes_in_time() {
    let world = World::start().await;
    world.inject(
        "merchant.user_cards.get",
        10,
        Fault::Hang { applied: false },
    );
    let mut request = tonic::Request::new(get_member(&MERCHANT));
    // Only the header: the stub's own timer would answer in the gateway's place.
    request
        .metadata_mut()
        .insert("grpc-timeout", "300m".parse().unwrap());
    let asked = Instant::now();
    let answer = world.members().get_member(request).await;
    refused(Code::DeadlineExceeded, "DEADLINE_EXCEEDED").check(answer);
    assert!(
        asked.elapsed() < Duration::from_secs(2),
        "{:?}",
        asked.elapsed()
    );
}

#[tokio::test]
async fn a_deadline_that_passes_after_a_write_was_sent_leaves_the_outcome_open() {
    let world = World::start().await;
    world.inject("brand.user_cards.update", 10, Fault::Hang { applied: true });
    let change = Member {
        level: "银卡".to_owned(),
        ..Member::default()
    };
    let mut request = tonic::Request::new(update_member(&BRAND, change, &["level"]));
    request
        .metadata_mut()
        .insert("grpc-timeout", "300m".parse().unwrap());
    let answer = world.members().update_member(request).await;
    refused(Code::Unknown, "OUTCOME_UNKNOWN")
        .may_have_executed()
        .check(answer);
    assert_eq!(world.effects_of("brand.user_cards.update").len(), 1);
}

#[tokio::test]
async fn a_rate_limit_says_when_to_come_back() {
    let world = World::start().await;
    let limited = Fault::RateLimited {
        retry_after_seconds: Some(7),
    };
    world.inject("brand.user_cards.get", 10, limited);
    let mut request = tonic::Request::new(get_member(&BRAND));
    request
        .metadata_mut()
        .insert("grpc-timeout", "2S".parse().unwrap());
    let answer = world.members().get_member(request).await;
    let status = refused(Code::ResourceExhausted, "UPSTREAM_RATE_LIMITED")
        .upstream("429", "RATELIMIT_EXCEEDED")
        .check(answer);
    let wait = status
        .get_error_details()
        .retry_info()
        .and_then(|info| info.retry_delay);
    assert_eq!(wait, Some(Duration::from_secs(7)));
}

#[tokio::test]
async fn one_server_error_is_not_seen_by_the_caller_of_a_read() {
    let world = World::start().await;
    let busy = Fault::Status {
        status: 502,
        code: None,
        message: None,
        body: Some("<html>Bad Gateway</html>".to_owned()),
        applied: false,
        signed: false,
    };
    world.inject("merchant.user_cards.get", 1, busy);
    world.get_member(&MERCHANT).await.unwrap();
}
