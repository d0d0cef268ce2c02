//! Request numbers: one that was used says so, and one that would not be looked at is refused.

use kabao_proto::kabao::v1::adjust_points_request::Change;
use kabao_proto::kabao::v1::{
    AdjustBalanceRequest, CreateTemplateRequest, Template, adjust_balance_request,
};
use serde_json::{Value, json};
use tonic::Code;

use super::{ALWAYS, inject, names, points, reached, with};
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
    for (demo, operation, first, second) in [
        (
            &MERCHANT,
            "merchant.user_card_rights.update",
            Change::Add(5),
            Change::Add(5),
        ),
        (
            &BRAND,
            "brand.user_points.sync",
            Change::SetTo(75),
            Change::SetTo(80),
        ),
    ] {
        inject(&world, operation, 100, lost());
        let call = points(demo, first, "u1");
        unknown().check(world.members().adjust_points(call).await);
        world.clear_faults().await;
        let call = points(demo, second, "u1");
        used("request_id").check(world.members().adjust_points(call).await);
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

/// Where WeChat refuses even the same content, what it did before the answer was lost is still not denied.
#[tokio::test]
async fn a_repeat_that_is_refused_may_have_been_done_the_first_time() {
    let world = World::start().await;
    let settings = json!({"merchant": {"repeated_out_request_no": "refuse"}});
    world.order("PATCH", "/settings", &settings).await;
    let operation = "merchant.user_card_rights.update";
    inject(&world, operation, 1, lost());
    let call = points(&MERCHANT, Change::Add(5), "u1");
    used("request_id").check(world.members().adjust_points(call).await);
    assert_eq!(world.effects_of(operation).len(), 1);
}

#[tokio::test]
async fn an_official_account_refuses_a_number_that_it_would_not_look_at() {
    let world = World::start().await;
    let before = reached(&world);
    let refusal =
        || refused(Code::Unimplemented, "NOT_SUPPORTED_BY_FAMILY").fields(&["request_id"]);
    let add = points(&OFFICIAL_ACCOUNT, Change::Add(5), "u1");
    refusal().check(world.members().adjust_points(add).await);
    let add = AdjustBalanceRequest {
        name: OFFICIAL_ACCOUNT.member(),
        change: Some(adjust_balance_request::Change::Add(5)),
        request_id: "u1".to_owned(),
        ..AdjustBalanceRequest::default()
    };
    refusal().check(world.members().adjust_balance(add).await);
    let create = CreateTemplateRequest {
        parent: OFFICIAL_ACCOUNT.account(),
        template: Some(Template {
            title: "会员卡".to_owned(),
            ..Template::default()
        }),
        request_id: "u1".to_owned(),
        ..CreateTemplateRequest::default()
    };
    refusal().check(Box::pin(world.templates().create_template(create)).await);
    assert_eq!(reached(&world), before);

    // An absolute value may be written any number of times.
    let set = points(&OFFICIAL_ACCOUNT, Change::SetTo(5), "u1");
    let done = world.members().adjust_points(set).await.unwrap();
    assert_eq!(done.into_inner().after, 5);
}
