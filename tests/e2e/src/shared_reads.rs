//! Identical reads in flight are one call of WeChat, and nobody misses a write for it.

use kabao_proto::kabao::merchant::v1::GetUserCardRequest;
use kabao_proto::kabao::merchant::v1::user_card_service_client::UserCardServiceClient;
use kabao_proto::kabao::v1::AdjustPointsRequest;
use kabao_proto::kabao::v1::adjust_points_request::Change;
use kabao_sandbox::Fault;

use crate::demo::{BRAND, MERCHANT, OFFICIAL_ACCOUNT};
use crate::world::{World, get_member};

/// As long as WeChat takes for an answer on a bad day; callers of a slow machine come within a few of these.
const SLOW: Fault = Fault::Delay { milliseconds: 300 };

#[tokio::test]
async fn many_readers_of_one_member_share_what_is_in_flight() {
    for (demo, operation) in [
        (&MERCHANT, "merchant.user_cards.get"),
        (&BRAND, "brand.user_cards.get"),
        (&OFFICIAL_ACCOUNT, "official_account.member.userinfo_get"),
    ] {
        let world = World::start().await;
        // Whatever comes first, such as a token.
        let expected = world.get_member(demo).await.unwrap().into_inner();
        let reached = world.requests_of(operation);
        assert_eq!(reached, 1, "{operation}");
        world.inject(operation, 1000, SLOW);
        let readers = (0..300).map(|_| {
            let mut members = world.members();
            let request = get_member(demo);
            tokio::spawn(async move { members.get_member(request).await })
        });
        for reader in readers.collect::<Vec<_>>() {
            assert_eq!(reader.await.unwrap().unwrap().into_inner(), expected);
        }
        let calls = world.requests_of(operation) - reached;
        assert!(
            (1..=15).contains(&calls),
            "{operation}: {calls} calls for 300 readers"
        );
    }
}

#[tokio::test]
async fn readers_of_the_family_share_as_well() {
    let world = World::start().await;
    world.inject("merchant.user_cards.get", 1000, SLOW);
    let readers = (0..300).map(|_| {
        let mut cards = UserCardServiceClient::new(world.channel());
        let request = GetUserCardRequest {
            account: MERCHANT.account(),
            card_id: MERCHANT.card_id.to_owned(),
            code: MERCHANT.code.to_owned(),
        };
        tokio::spawn(async move { cards.get_user_card(request).await })
    });
    for reader in readers.collect::<Vec<_>>() {
        reader.await.unwrap().unwrap();
    }
    let calls = world.requests_of("merchant.user_cards.get");
    assert!((1..=15).contains(&calls), "{calls} calls for 300 readers");
}

#[tokio::test]
async fn who_has_written_reads_what_it_wrote_whoever_else_reads() {
    let world = World::start().await;
    for demo in [&MERCHANT, &OFFICIAL_ACCOUNT] {
        // Readers without end, so that there is always a call that could be joined.
        let crowd: Vec<_> = (0..8)
            .map(|_| {
                let mut members = world.members();
                let request = get_member(demo);
                tokio::spawn(async move {
                    loop {
                        members.get_member(request.clone()).await.unwrap();
                    }
                })
            })
            .collect();
        for _ in 0..30 {
            let change = AdjustPointsRequest {
                name: demo.member(),
                change: Some(Change::Add(1)),
                ..AdjustPointsRequest::default()
            };
            let written = world.members().adjust_points(change).await.unwrap();
            let read = world.get_member(demo).await.unwrap().into_inner();
            assert_eq!(read.points, Some(written.into_inner().after));
        }
        for reader in crowd {
            assert!(!reader.is_finished());
            reader.abort();
        }
    }
}
