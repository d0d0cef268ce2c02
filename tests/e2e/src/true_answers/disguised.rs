//! A success is no refusal because it has members called `code` and `message`, and an error in disguise stays one.

use kabao_proto::kabao::v1::adjust_points_request::Change;
use kabao_proto::kabao::v1::import_member_request::User;
use kabao_proto::kabao::v1::{ImportMemberRequest, Member};
use serde_json::{Value, json};
use tonic::Code;
use tonic_types::StatusExt;

use super::{ALWAYS, edit, inject, level, names, points, with};
use crate::demo::{BRAND, MERCHANT, OFFICIAL_ACCOUNT};
use crate::refusal::refused;
use crate::walk::Walk;
use crate::world::World;

const CODE: &str = "722317683772";

fn odd() -> Value {
    json!({"code": CODE, "message": "ok"})
}

#[tokio::test]
async fn an_import_that_answers_with_a_message_has_made_a_member() {
    for (operation, user, person) in [
        (
            "merchant.user_cards.import_by_openid",
            User::Openid("oImported".to_owned()),
            json!({"openid": "oImported"}),
        ),
        (
            "merchant.user_cards.import_by_phone",
            User::PhoneNumber("13800000417".to_owned()),
            json!({"encrypted_phone_number": "13800000417"}),
        ),
    ] {
        let world = World::start().await;
        edit(&world, operation, &odd());
        let request = ImportMemberRequest {
            parent: MERCHANT.template(),
            user: Some(user),
            request_id: "import-1".to_owned(),
            ..ImportMemberRequest::default()
        };
        let member = world.members().import_member(request).await.unwrap();
        let name = format!("{}/members/{CODE}", MERCHANT.template());
        assert_eq!(member.into_inner().name, name);
        assert_eq!(world.effects_of(operation).len(), 1, "{operation}");

        let world = World::start().await;
        edit(&world, operation, &odd());
        let walk = Walk::new(&world, &MERCHANT);
        let number = json!({"card_id": MERCHANT.card_id, "out_request_no": "import1"});
        let answer = walk.send(operation, &with(number, person)).await.unwrap();
        assert_eq!(answer.into_inner()["code"], CODE);
        assert_eq!(world.effects_of(operation).len(), 1, "{operation}");
    }
}

#[tokio::test]
async fn a_code_that_was_decrypted_beside_a_message_is_told() {
    let world = World::start().await;
    let fault = json!({"kind": "replace_body", "body": odd().to_string(), "signed": true});
    inject(&world, "merchant.codes.decrypt", 1, fault);
    let walk = Walk::new(&world, &MERCHANT);
    let request = json!({"card_id": MERCHANT.card_id, "encrypt_code": "Qm7LtZs2AwxPbbcuF82"});
    let answer = walk.send("merchant.codes.decrypt", &request).await.unwrap();
    assert_eq!(answer.into_inner()["code"], CODE);
}

#[tokio::test]
async fn a_member_that_is_read_beside_a_message_is_the_one_that_was_asked_for() {
    let world = World::start().await;
    let operation = "merchant.user_cards.get";
    let walk = Walk::new(&world, &MERCHANT);
    edit(&world, operation, &json!({"message": "ok"}));
    let member = world.get_member(&MERCHANT).await.unwrap().into_inner();
    assert_eq!(member.name, MERCHANT.member());
    assert_eq!(member.points, Some(600));
    let card = walk.send(operation, &names(&MERCHANT)).await.unwrap();
    assert_eq!(card.into_inner()["code"], MERCHANT.code);

    world.clear_faults().await;
    edit(&world, operation, &odd());
    let refusal = refused(Code::Internal, "UPSTREAM_UNVERIFIED");
    let portable = refusal.clone().check(world.get_member(&MERCHANT).await);
    let own = walk.refuse(operation, &names(&MERCHANT), refusal).await;
    for status in [portable, own] {
        let info = status.get_details_error_info();
        assert!(!format!("{status:?} {info:?}").contains(CODE), "{status:?}");
    }
}

/// Where the answer has no `code` of its own, a `code` and a `message` are an error under a 200.
#[tokio::test]
async fn an_error_in_disguise_stays_a_refusal() {
    let body = json!({"code": "NO_AUTH", "message": "商户号无权限"}).to_string();
    let fault = json!({"kind": "replace_body", "body": body, "signed": true});
    let world = World::start().await;
    let refusal =
        || refused(Code::PermissionDenied, "UPSTREAM_PERMISSION_DENIED").upstream("200", "NO_AUTH");
    inject(&world, "merchant.cards.get", ALWAYS, fault.clone());
    refusal().check(world.get_template(&MERCHANT).await);
    let walk = Walk::new(&world, &MERCHANT);
    let request = json!({"card_id": MERCHANT.card_id});
    walk.refuse("merchant.cards.get", &request, refusal()).await;

    for operation in ["brand.user_cards.get", "brand.user_cards.update"] {
        inject(&world, operation, ALWAYS, fault.clone());
    }
    refusal().check(world.get_member(&BRAND).await);
    refusal().check(world.update_member(&BRAND, level("银卡"), &["level"]).await);
    let walk = Walk::new(&world, &BRAND);
    let request = with(names(&BRAND), json!({"level": "银卡"}));
    walk.refuse("brand.user_cards.update", &request, refusal())
        .await;
    assert!(world.sandbox().ledger().is_empty());
}

/// Only the operations that say so may leave `errcode` out.
#[tokio::test]
async fn an_official_account_answer_without_errcode_is_no_success() {
    let update = "official_account.member.update_user";
    for body in [
        json!({}),
        json!({"status": "error", "detail": "login required"}),
        json!({"errcode": null}),
    ] {
        let world = World::start().await;
        let fault = json!({"kind": "replace_body", "body": body.to_string()});
        inject(&world, update, 100, fault.clone());
        let unknown = || {
            refused(Code::Unknown, "OUTCOME_UNKNOWN")
                .upstream_status("200")
                .may_have_executed()
        };
        let add = points(&OFFICIAL_ACCOUNT, Change::Add(50), "");
        unknown().check(world.members().adjust_points(add).await);
        // The next change of the member would wait for the end of this one.
        let world = World::start().await;
        inject(&world, update, 100, fault.clone());
        let member = Member {
            points: Some(510),
            ..Member::default()
        };
        unknown().check(
            world
                .update_member(&OFFICIAL_ACCOUNT, member, &["points"])
                .await,
        );
        let world = World::start().await;
        let walk = Walk::new(&world, &OFFICIAL_ACCOUNT);
        inject(&world, update, 100, fault.clone());
        let request = with(names(&OFFICIAL_ACCOUNT), json!({"add_bonus": 50}));
        walk.refuse(update, &request, unknown()).await;
        assert!(world.sandbox().ledger().is_empty());

        let malformed = || refused(Code::Internal, "UPSTREAM_MALFORMED").upstream_status("200");
        for (read, request) in [
            (
                "official_account.member.userinfo_get",
                names(&OFFICIAL_ACCOUNT),
            ),
            (
                "official_account.card.get",
                json!({"card_id": OFFICIAL_ACCOUNT.card_id}),
            ),
        ] {
            inject(&world, read, 100, fault.clone());
            walk.refuse(read, &request, malformed()).await;
        }
        malformed().check(world.get_member(&OFFICIAL_ACCOUNT).await);
        malformed().check(world.get_template(&OFFICIAL_ACCOUNT).await);
    }
    let world = World::start().await;
    let walk = Walk::new(&world, &OFFICIAL_ACCOUNT);
    let datacube = "official_account.datacube.member_card_info";
    let fault = json!({"kind": "replace_body", "body": "{\"list\":[]}"});
    inject(&world, datacube, 1, fault);
    let request = walk.example(datacube);
    walk.send(datacube, &request).await.unwrap();
}
