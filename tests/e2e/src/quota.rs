//! WeChat takes ten calls a second, and callers want more.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use kabao_proto::kabao::brand::v1::ListUserCardsRequest;
use kabao_proto::kabao::brand::v1::user_card_service_client::UserCardServiceClient;
use kabao_proto::kabao::v1::{BatchUpdateMembersRequest, Member, UpdateMemberRequest};
use kabao_sandbox::ExchangeFilter;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request};
use tonic_types::StatusExt;

use crate::demo::{BRAND, BRAND_ID};
use crate::world::{PATIENCE, World, update_member};

const LIST: &str = "brand.user_cards.list";

/// What `kabao dev` starts, in front of a WeChat that enforces its limits.
async fn strict() -> World {
    let world = World::start().await;
    let mut settings = world.sandbox().settings();
    settings.answers.enforce_rate_limits = true;
    world.sandbox().set_settings(settings);
    world
}

/// A caller with an address of its own.
async fn caller(world: &World, number: u8) -> Channel {
    let gateway = format!("http://{}", world.gateway().grpc());
    let endpoint = Endpoint::from_shared(gateway).unwrap();
    let own = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 10 + number));
    endpoint.local_address(Some(own)).connect().await.unwrap()
}

/// A read that is like no other one, so that they are not one call.
fn list(offset: i64) -> ListUserCardsRequest {
    ListUserCardsRequest {
        account: BRAND.account(),
        brand_id: BRAND_ID.to_owned(),
        openid: BRAND.openid.to_owned(),
        offset: Some(offset),
        limit: 20,
        ..ListUserCardsRequest::default()
    }
}

/// How many calls WeChat refused for their rate.
fn refused_for_the_rate(world: &World) -> usize {
    let all = world.sandbox().requests(&ExchangeFilter::default());
    all.iter().filter(|seen| seen.status == Some(429)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_callers_that_want_too_much_get_the_same_and_wechat_refuses_nothing() {
    let world = strict().await;
    let end = Instant::now() + Duration::from_millis(2500);
    let mut callers = JoinSet::new();
    // The second and the third have more calls open than the first.
    for (number, at_once) in [(0, 2), (1, 4), (2, 6)] {
        let channel = caller(&world, number).await;
        for worker in 0..at_once {
            let mut cards = UserCardServiceClient::new(channel.clone());
            callers.spawn(async move {
                let mut served = 0;
                let mut offset = i64::from(number) * 1_000_000 + worker * 1000;
                while Instant::now() < end {
                    offset += 1;
                    cards.list_user_cards(list(offset)).await.unwrap();
                    served += usize::from(Instant::now() < end);
                }
                (number, served)
            });
        }
    }
    let mut served = [0; 3];
    while let Some(ended) = callers.join_next().await {
        let (number, count) = ended.unwrap();
        *served.get_mut(usize::from(number)).unwrap() += count;
    }
    assert_eq!(refused_for_the_rate(&world), 0);
    // Ten at once, and ten a second from the next second on. The ten may all be of one caller.
    let all: usize = served.iter().sum();
    assert!((22..=30).contains(&all), "{served:?}");
    assert!(served.iter().all(|served| *served >= 4), "{served:?}");
    assert!(world.requests_of(LIST) >= all);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interactive_call_hardly_waits_beside_a_batch() {
    let world = strict().await;
    let items = (0..25).map(|number| {
        let member = format!("{}/members/9000000000{number:02}", BRAND.template());
        let mut item: UpdateMemberRequest = update_member(&BRAND, Member::default(), &["level"]);
        if let Some(update) = &mut item.member {
            update.name = member;
            update.level = "gold".to_owned();
        }
        item
    });
    let batch = BatchUpdateMembersRequest {
        parent: BRAND.account(),
        request_id: "batch-1".to_owned(),
        parallelism: 25,
        items: items.collect(),
    };
    let mut results = world
        .members()
        .batch_update_members(batch)
        .await
        .unwrap()
        .into_inner();
    // The batch is under way as soon as WeChat has refused the first of its members, who are nobody.
    let first = results.message().await.unwrap().unwrap();
    assert!(first.result.is_some());
    let mut took = Vec::new();
    for _ in 0..4 {
        let asked = Instant::now();
        world.get_member(&BRAND).await.unwrap();
        took.push(asked.elapsed());
    }
    let mut left = 0;
    while let Some(result) = results.message().await.unwrap() {
        assert!(result.result.is_some());
        left += 1;
    }
    assert_eq!(left, 24);
    assert!(
        took.iter().all(|took| *took < Duration::from_millis(1000)),
        "{took:?}"
    );
    assert_eq!(refused_for_the_rate(&world), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_turn_would_come_too_late_hears_so_at_once_and_when_there_is_one() {
    let world = strict().await;
    let mut calls = JoinSet::new();
    for offset in 0..60 {
        let mut cards = UserCardServiceClient::new(world.channel());
        let mut request = Request::new(list(offset));
        request.set_timeout(PATIENCE);
        calls.spawn(async move { cards.list_user_cards(request).await.map(drop) });
    }
    while world.requests_of(LIST) < 10 {
        tokio::task::yield_now().await;
    }
    let mut request = Request::new(list(1000));
    request.set_timeout(Duration::from_millis(500));
    let mut cards = UserCardServiceClient::new(world.channel());
    let status = cards.list_user_cards(request).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    let details = status.get_error_details();
    let reason = &details.error_info().unwrap().reason;
    assert_eq!(reason, "UPSTREAM_RATE_LIMITED");
    let delay = details.retry_info().unwrap().retry_delay.unwrap();
    assert!(delay > Duration::from_secs(1), "{delay:?}");
    calls.shutdown().await;
    assert_eq!(refused_for_the_rate(&world), 0);
}
