//! Request numbers: one that was used says so, and one that would not be looked at is refused.

use kabao_proto::kabao::v1::adjust_points_request::Change;
use kabao_proto::kabao::v1::{AdjustBalanceRequest, adjust_balance_request};
use serde_json::{Value, json};
use tonic::Code;

use super::{ALWAYS, inject, names, points, with};
use crate::demo::{BRAND, BRAND_ID, Demo, MERCHANT, OFFICIAL_ACCOUNT};
use crate::refusal::{Refusal, refused};
use crate::walk::Walk;
use crate::world::World;

fn lost() -> Value {
    json!({"kind": "drop_connection", "applied": true})
}

fn used(field: &str) -> Refusal {
    refused(Code::AlreadyExists, "REQUEST_NUMBER_USED")
        .upstream("400", "PARAM_ERROR")
        .fields(&[field])
        .may_have_executed()
}

fn unknown() -> Refusal {
    refused(Code::Unknown, "OUTCOME_UNKNOWN").may_have_executed()
}

#[tokio::test]
async fn points_whose_answer_was_lost_are_not_added_twice() {
    let world = World::start().await;
    for (demo, operation, change, other, after) in [
        (
            &MERCHANT,
            "merchant.user_card_rights.update",
            Change::Add(5),
            Change::Add(6),
            605,
        ),
        (
            &BRAND,
            "brand.user_points.sync",
            Change::SetTo(75),
            Change::SetTo(80),
            75,
        ),
        (
            &OFFICIAL_ACCOUNT,
            "official_account.member.update_user",
            Change::Add(5),
            Change::Add(6),
            465,
        ),
    ] {
        inject(&world, operation, 100, lost());
        let call = || points(demo, change, "u1");
        let first = world.members().adjust_points(call()).await;
        match demo.account {
            // What is written for a difference is proved by reading it back.
            "demo-official-account" => assert_eq!(first.unwrap().into_inner().after, after),
            _ => {
                unknown().check(first);
            }
        }
        world.clear_faults().await;
        for _ in 0..2 {
            let repeated = world.members().adjust_points(call()).await.unwrap();
            assert_eq!(repeated.into_inner().after, after, "{operation}");
        }
        let reused = refused(Code::InvalidArgument, "REQUEST_ID_REUSED").fields(&["request_id"]);
        reused.check(
            world
                .members()
                .adjust_points(points(demo, other, "u1"))
                .await,
        );
        assert_eq!(world.effects_of(operation).len(), 1, "{operation}");
    }
    let member = world.get_member(&MERCHANT).await.unwrap().into_inner();
    assert_eq!(member.points, Some(605));
}

#[tokio::test]
async fn a_familys_own_rpc_says_the_same() {
    let world = World::start().await;
    let card = |demo: &Demo, id: &str, more: Value| {
        let walk = Walk::new(&world, demo);
        with(walk.example(id), more)
    };
    let rights = |before: i64| {
        with(
            names(&MERCHANT),
            json!({"before_bonus_value": before, "bonus_value": before + 5, "add_bonus_value": 5,
                "out_request_no": "u1"}),
        )
    };
    let sync = |points: i64| {
        with(
            names(&BRAND),
            json!({"out_request_no": "u1", "point_balance": points}),
        )
    };
    let merchant_card =
        |title: &str| card(&MERCHANT, "merchant.cards.create", json!({"title": title}));
    let brand_card = |title: &str| {
        let live = json!({"card_title": title, "brand_id": BRAND_ID});
        card(&BRAND, "brand.cards.create", live)
    };
    for (demo, operation, first, second) in [
        (
            &MERCHANT,
            "merchant.user_card_rights.update",
            rights(600),
            rights(605),
        ),
        (
            &MERCHANT,
            "merchant.cards.create",
            merchant_card("一"),
            merchant_card("二"),
        ),
        (&BRAND, "brand.user_points.sync", sync(75), sync(80)),
        (
            &BRAND,
            "brand.cards.create",
            brand_card("一"),
            brand_card("二"),
        ),
    ] {
        let walk = Walk::new(&world, demo);
        inject(&world, operation, ALWAYS, lost());
        walk.refuse(operation, &first, unknown()).await;
        world.clear_faults().await;
        walk.refuse(operation, &second, used("out_request_no"))
            .await;
        assert_eq!(world.effects_of(operation).len(), 1, "{operation}");
    }
}

/// Where WeChat refuses even the same content, its word that the number was used proves what it did before.
#[tokio::test]
async fn a_repeat_that_is_refused_was_done_the_first_time() {
    let world = World::start().await;
    let settings = json!({"merchant": {"repeated_out_request_no": "refuse"}});
    world.order("PATCH", "/settings", &settings).await;
    let operation = "merchant.user_card_rights.update";
    inject(&world, operation, 1, lost());
    let call = points(&MERCHANT, Change::Add(5), "u1");
    let done = world
        .members()
        .adjust_points(call)
        .await
        .unwrap()
        .into_inner();
    assert_eq!((done.before, done.after), (Some(600), 605));
    assert_eq!(world.effects_of(operation).len(), 1);
}

/// The family has no numbers; the journal keeps the promise.
#[tokio::test]
async fn an_official_account_adds_once_under_one_id() {
    let world = World::start().await;
    for _ in 0..2 {
        let add = points(&OFFICIAL_ACCOUNT, Change::Add(5), "u1");
        let added = world.members().adjust_points(add).await.unwrap();
        assert_eq!(added.into_inner().after, 465);
        let add = AdjustBalanceRequest {
            name: OFFICIAL_ACCOUNT.member(),
            change: Some(adjust_balance_request::Change::Add(5)),
            request_id: "u2".to_owned(),
            ..AdjustBalanceRequest::default()
        };
        let added = world.members().adjust_balance(add).await.unwrap();
        assert_eq!(added.into_inner().after, 3005);
    }
    let operation = "official_account.member.update_user";
    assert_eq!(world.effects_of(operation).len(), 2);
}
