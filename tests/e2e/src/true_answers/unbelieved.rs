//! Answers that prove nothing: repeated where that does no harm, and never taken for a refusal of a write.

use kabao_proto::kabao::v1::adjust_points_request::Change;
use serde_json::{Value, json};
use tonic::Code;

use super::{ALWAYS, inject, level, names, points, sent, with};
use crate::demo::{BRAND, BRAND_DIRECT, MERCHANT, OFFICIAL_ACCOUNT};
use crate::refusal::{Refusal, refused};
use crate::walk::Walk;
use crate::world::World;

fn unknown(status: &'static str) -> Refusal {
    refused(Code::Unknown, "OUTCOME_UNKNOWN")
        .upstream_status(status)
        .may_have_executed()
}

#[tokio::test]
async fn a_probe_after_an_absolute_write_is_answered_by_asking_once_more() {
    let probe = || json!({"kind": "sign_test"});
    for (demo, operation) in [
        (&BRAND, "brand.user_cards.update"),
        (&BRAND_DIRECT, "brand_direct.user_cards.update"),
    ] {
        let world = World::start().await;
        inject(&world, operation, 1, probe());
        let member = world.update_member(demo, level("银卡"), &["level"]).await;
        assert_eq!(member.unwrap().into_inner().level, "银卡");
        assert_eq!(sent(&world, operation).len(), 2);

        inject(&world, operation, ALWAYS, probe());
        let answer = world.update_member(demo, level("铂金"), &["level"]).await;
        unknown("200").check(answer);
        assert_eq!(sent(&world, operation).len(), 2 + 2);
    }
    let world = World::start().await;
    let walk = Walk::new(&world, &BRAND);
    let operation = "brand.user_cards.update";
    inject(&world, operation, 1, probe());
    let request = with(names(&BRAND), json!({"level": "银卡"}));
    let answer = walk.send(operation, &request).await.unwrap();
    assert_eq!(answer.into_inner()["level"], "银卡");
    inject(&world, operation, ALWAYS, probe());
    walk.refuse(operation, &request, unknown("200")).await;
    assert_eq!(sent(&world, operation).len(), 4);

    // So is a write with a number.
    let operation = "merchant.user_card_rights.update";
    inject(&world, operation, 1, probe());
    let add = points(&MERCHANT, Change::Add(5), "u1");
    world.members().adjust_points(add).await.unwrap();
    assert_eq!(sent(&world, operation).len(), 2);
    assert_eq!(world.effects_of(operation).len(), 1);
}

fn forged(status: u16, code: &str) -> Value {
    json!({"kind": "status", "status": status, "code": code, "message": "签名错误",
        "applied": true, "signed": false})
}

#[tokio::test]
async fn an_unsigned_401_proves_nothing_after_a_write() {
    for (demo, read, write) in [
        (
            &MERCHANT,
            "merchant.user_cards.get",
            "merchant.user_cards.update",
        ),
        (&BRAND, "brand.user_cards.get", "brand.user_cards.update"),
    ] {
        let world = World::start().await;
        inject(&world, write, ALWAYS, forged(401, "SIGN_ERROR"));
        let answer = world.update_member(demo, level("银卡"), &["level"]).await;
        let status = unknown("401").upstream("401", "SIGN_ERROR").check(answer);
        assert!(status.message().contains("credential"), "{status:?}");
        // The next change of the member would wait for the end of this one.
        let world = World::start().await;
        inject(&world, write, ALWAYS, forged(401, "SIGN_ERROR"));
        let walk = Walk::new(&world, demo);
        let more = json!({"level": "银卡", "out_request_no": "u2"});
        let more = match demo.account {
            "demo-brand" => json!({"level": "银卡"}),
            _ => more,
        };
        let request = with(names(demo), more);
        let status = walk
            .refuse(
                write,
                &request,
                unknown("401").upstream("401", "SIGN_ERROR"),
            )
            .await;
        assert!(status.message().contains("credential"), "{status:?}");
        assert!(!world.effects_of(write).is_empty());

        inject(&world, read, ALWAYS, forged(401, "SIGN_ERROR"));
        let rejected = || {
            refused(Code::FailedPrecondition, "CREDENTIAL_REJECTED").upstream("401", "SIGN_ERROR")
        };
        rejected().check(world.get_member(demo).await);
        walk.refuse(read, &names(demo), rejected()).await;
    }
}

#[tokio::test]
async fn a_429_that_anybody_can_make_proves_nothing_after_a_write() {
    let world = World::start().await;
    let operation = "official_account.member.update_user";
    let limited = json!({"kind": "status", "status": 429, "body": "slow down", "applied": true});
    inject(&world, operation, 100, limited);
    let walk = Walk::new(&world, &OFFICIAL_ACCOUNT);
    let request = with(names(&OFFICIAL_ACCOUNT), json!({"add_bonus": 5}));
    walk.refuse(operation, &request, unknown("429")).await;
    assert_eq!(world.effects_of(operation).len(), 1);
    assert_eq!(sent(&world, operation).len(), 1);

    // What is written for a difference is proved by reading it back.
    let world = World::start().await;
    let limited = json!({"kind": "status", "status": 429, "body": "slow down", "applied": true});
    inject(&world, operation, 100, limited);
    let add = points(&OFFICIAL_ACCOUNT, Change::Add(5), "");
    let added = world.members().adjust_points(add).await.unwrap();
    assert_eq!(added.into_inner().after, 465);
    assert_eq!(sent(&world, operation).len(), 1);

    let operation = "brand.user_cards.update";
    inject(&world, operation, 100, forged(429, "RATELIMIT_EXCEEDED"));
    let answer = world.update_member(&BRAND, level("银卡"), &["level"]).await;
    refused(Code::Unknown, "OUTCOME_UNKNOWN")
        .may_have_executed()
        .check(answer);
    assert!(!world.effects_of(operation).is_empty());
}
