//! An answer with a good signature about somebody else is not the answer to this question.

use kabao_proto::kabao::v1::import_member_request::User;
use kabao_proto::kabao::v1::{GetMemberRequest, ImportMemberRequest};
use serde_json::{Value, json};
use tonic::Code;

use super::{edit, level, names, with};
use crate::demo::{BRAND, Demo, MERCHANT, OFFICIAL_ACCOUNT};
use crate::refusal::{Refusal, refused};
use crate::told::metrics;
use crate::walk::Walk;
use crate::world::World;

const ANOTHER: &str = "478515832666";

fn unverified() -> Refusal {
    refused(Code::Internal, "UPSTREAM_UNVERIFIED")
}

fn unknown() -> Refusal {
    refused(Code::Unknown, "OUTCOME_UNKNOWN").may_have_executed()
}

async fn counted(world: &World, operation: &str) {
    let line = format!(
        "kabao_upstream_answers_discarded_total{{kabao_cause=\"foreign\",kabao_operation=\"{operation}\"}} "
    );
    let page = metrics(world).await;
    assert!(page.contains(&line), "{line} in\n{page}");
}

#[tokio::test]
async fn a_read_about_another_member_is_not_passed_on() {
    let rows: [(&Demo, &str, Value); 6] = [
        (
            &MERCHANT,
            "merchant.user_cards.get",
            json!({"code": ANOTHER}),
        ),
        (
            &MERCHANT,
            "merchant.user_cards.get",
            json!({"card_id": "pAnother"}),
        ),
        (
            &BRAND,
            "brand.user_cards.get",
            json!({"user_card_code": ANOTHER}),
        ),
        (
            &BRAND,
            "brand.user_cards.get",
            json!({"openid": "oAnother"}),
        ),
        (
            &BRAND,
            "brand.user_cards.get",
            json!({"card_id": "pAnother"}),
        ),
        (&BRAND, "brand.user_cards.get", json!({"brand_id": "1005"})),
    ];
    for (demo, operation, patch) in rows {
        let world = World::start().await;
        let walk = Walk::new(&world, demo);
        edit(&world, operation, &patch);
        walk.refuse(operation, &names(demo), unverified()).await;
        unverified().check(world.get_member(demo).await);
        counted(&world, operation).await;
    }
}

#[tokio::test]
async fn a_read_about_another_template_is_not_passed_on() {
    let rows: [(&Demo, &str, Value, Value); 3] = [
        (
            &MERCHANT,
            "merchant.cards.get",
            json!({"card_id": "pAnother"}),
            json!({"card_id": MERCHANT.card_id}),
        ),
        (
            &BRAND,
            "brand.cards.get",
            json!({"card_id": "pAnother"}),
            json!({"card_id": BRAND.card_id, "brand_id": crate::demo::BRAND_ID}),
        ),
        (
            &OFFICIAL_ACCOUNT,
            "official_account.card.get",
            json!({"card": {"member_card": {"base_info": {"id": "pAnother"}}}}),
            json!({"card_id": OFFICIAL_ACCOUNT.card_id}),
        ),
    ];
    for (demo, operation, patch, request) in rows {
        let world = World::start().await;
        let walk = Walk::new(&world, demo);
        edit(&world, operation, &patch);
        walk.refuse(operation, &request, unverified()).await;
        unverified().check(world.get_template(demo).await);
        counted(&world, operation).await;
    }
}

#[tokio::test]
async fn a_code_of_an_official_account_is_compared() {
    let operation = "official_account.code.get";
    for patch in [
        json!({"card": {"code": ANOTHER}}),
        json!({"card": {"card_id": "pAnother"}}),
    ] {
        let world = World::start().await;
        let walk = Walk::new(&world, &OFFICIAL_ACCOUNT);
        edit(&world, operation, &patch);
        walk.refuse(operation, &names(&OFFICIAL_ACCOUNT), unverified())
            .await;
        counted(&world, operation).await;
    }
}

#[tokio::test]
async fn a_write_that_is_answered_about_another_member_is_unknown() {
    let operation = "brand.user_cards.update";
    for patch in [
        json!({"user_card_code": ANOTHER}),
        json!({"openid": "oAnother"}),
        json!({"card_id": "pAnother"}),
    ] {
        let world = World::start().await;
        let walk = Walk::new(&world, &BRAND);
        edit(&world, operation, &patch);
        let request = with(names(&BRAND), json!({"level": "银卡"}));
        walk.refuse(operation, &request, unknown()).await;
        counted(&world, operation).await;
        // The next change of the member would wait for the end of this one.
        let world = World::start().await;
        edit(&world, operation, &patch);
        let answer = world.update_member(&BRAND, level("铂金"), &["level"]).await;
        unknown().check(answer);
        counted(&world, operation).await;
    }
}

/// WeChat takes a code only for templates whose codes come from the merchant in real time.
#[tokio::test]
async fn an_import_is_done_under_the_code_that_wechat_gives() {
    let world = World::start().await;
    let request = ImportMemberRequest {
        parent: MERCHANT.template(),
        user: Some(User::Openid("oImported".to_owned())),
        code: "722317683772".to_owned(),
        request_id: "import1".to_owned(),
        ..ImportMemberRequest::default()
    };
    let imported = world.members().import_member(request.clone()).await;
    let name = imported.unwrap().into_inner().name;
    assert!(!name.ends_with(&request.code), "{name}");
    let get = GetMemberRequest {
        name: name.clone(),
        ..GetMemberRequest::default()
    };
    let read = world.members().get_member(get).await.unwrap().into_inner();
    assert_eq!(read.name, name);
    let again = world.members().import_member(request).await.unwrap();
    assert_eq!(again.into_inner().name, name);
}
