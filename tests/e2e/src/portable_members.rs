//! `kabao.v1.MemberService` means the same in every family.

use kabao_proto::kabao::v1::member::{State, Upstream};
use kabao_proto::kabao::v1::{GetMemberRequest, Member, View};

use crate::demo::{ALL, BRAND, Demo, MERCHANT, OFFICIAL_ACCOUNT};
use crate::world::{World, get_member, update_member};

async fn read(world: &World, demo: &Demo) -> Member {
    world.get_member(demo).await.unwrap().into_inner()
}

#[tokio::test]
async fn every_family_answers_with_name_state_and_its_own_message() {
    let world = World::start().await;
    for demo in ALL {
        let member = read(&world, demo).await;
        assert_eq!(member.name, demo.member());
        assert_eq!(member.state(), State::Active, "{}", demo.account);
        assert!(!member.openid.is_empty(), "{}", demo.account);
        let family = match member.upstream.unwrap() {
            Upstream::Merchant(_) => MERCHANT.account,
            Upstream::Brand(_) => BRAND.account,
            Upstream::OfficialAccount(_) => OFFICIAL_ACCOUNT.account,
        };
        assert_eq!(family, demo.account);
    }
}

#[tokio::test]
async fn the_basic_view_leaves_the_familys_message_out() {
    let world = World::start().await;
    for demo in ALL {
        for view in [View::Unspecified, View::Basic] {
            let request = GetMemberRequest {
                view: view.into(),
                ..get_member(demo)
            };
            let member = world
                .members()
                .get_member(request)
                .await
                .unwrap()
                .into_inner();
            assert!(member.upstream.is_none(), "{}", demo.account);
        }
    }
}

#[tokio::test]
async fn a_read_after_a_write_shows_the_change_and_nothing_else_moves() {
    let world = World::start().await;
    let picture = "https://mmbiz.qpic.cn/mmbiz/new/0".to_owned();
    for (demo, change, paths) in [
        (
            &MERCHANT,
            Member {
                level: "钻石会员".to_owned(),
                membership_number: "88-B".to_owned(),
                ..Member::default()
            },
            &["level", "membership_number"][..],
        ),
        (
            &BRAND,
            Member {
                level: "铂金会员".to_owned(),
                ..Member::default()
            },
            &["level"],
        ),
        (
            &OFFICIAL_ACCOUNT,
            Member {
                points: Some(3000),
                balance: Some(0),
                ..Member::default()
            },
            &["points", "balance"],
        ),
    ] {
        let before = read(&world, demo).await;
        let answer = world
            .update_member(demo, change.clone(), paths)
            .await
            .unwrap()
            .into_inner();
        let after = read(&world, demo).await;
        for member in [&answer, &after] {
            for path in paths {
                match *path {
                    "level" => assert_eq!(member.level, change.level),
                    "membership_number" => {
                        assert_eq!(member.membership_number, change.membership_number)
                    }
                    "points" => assert_eq!(member.points, change.points),
                    _ => assert_eq!(member.balance, change.balance),
                }
            }
        }
        assert_eq!((&after.openid, after.state), (&before.openid, before.state));
        if !paths.contains(&"balance") {
            assert_eq!(after.balance, before.balance);
        }
        let with_picture = Member {
            background_picture_url: picture.clone(),
            ..Member::default()
        };
        world.update_member(demo, with_picture, &[]).await.unwrap();
        let last = read(&world, demo).await;
        assert_eq!((&last.level, last.points), (&after.level, after.points));
        // An official account does not tell the picture.
        if demo.account != OFFICIAL_ACCOUNT.account {
            assert_eq!(last.background_picture_url, picture);
        }
    }
}

#[tokio::test]
async fn the_callers_request_id_comes_back() {
    let world = World::start().await;
    let mut request = tonic::Request::new(get_member(&MERCHANT));
    request
        .metadata_mut()
        .insert("x-request-id", "order-4711".parse().unwrap());
    let answer = world.members().get_member(request).await.unwrap();
    assert_eq!(answer.metadata().get("x-request-id").unwrap(), "order-4711");
    let answer = world.get_member(&MERCHANT).await.unwrap();
    assert!(!answer.metadata().get("x-request-id").unwrap().is_empty());
}

#[tokio::test]
async fn the_same_request_id_makes_one_effect_in_the_merchant_family() {
    let world = World::start().await;
    let change = Member {
        level: "黑金".to_owned(),
        ..Member::default()
    };
    for _ in 0..2 {
        let mut request = update_member(&MERCHANT, change.clone(), &["level"]);
        request.request_id = "20260101-0001".to_owned();
        world.members().update_member(request).await.unwrap();
    }
    let effects = world.effects_of("merchant.user_cards.update");
    assert_eq!(effects.len(), 1, "{effects:?}");
    assert_eq!(effects[0].out_request_no.as_deref(), Some("20260101-0001"));
}
