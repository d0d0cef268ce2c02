//! 202: accepted, not finished.

use std::time::Duration;

use kabao_proto::kabao::v1::ImportMemberRequest;
use kabao_proto::kabao::v1::import_member_request::User;
use serde_json::{Value, json};
use tonic::{Code, Request};

use super::{inject, level, names, sent, with};
use crate::demo::{BRAND, Demo, MERCHANT};
use crate::refusal::refused;
use crate::walk::Walk;
use crate::world::{World, update_member};

const UPDATES: [(&Demo, &str); 2] = [
    (&MERCHANT, "merchant.user_cards.update"),
    (&BRAND, "brand.user_cards.update"),
];
const IMPORT: &str = "merchant.user_cards.import_by_openid";
const DEADLINE: Duration = Duration::from_secs(3);

fn accepted() -> Value {
    json!({"kind": "replace_body", "status": 202, "signed": true, "applied": true})
}

fn import() -> ImportMemberRequest {
    ImportMemberRequest {
        parent: MERCHANT.template(),
        user: Some(User::Openid("oImported".to_owned())),
        request_id: "import1".to_owned(),
        ..ImportMemberRequest::default()
    }
}

#[tokio::test]
async fn the_same_request_is_sent_until_it_is_finished() {
    let world = World::start().await;
    for (demo, operation) in UPDATES {
        inject(&world, operation, 2, accepted());
        let member = world.update_member(demo, level("银卡"), &["level"]).await;
        assert_eq!(member.unwrap().into_inner().level, "银卡");
        let sent = sent(&world, operation);
        assert_eq!(sent.len(), 3, "{operation}");
        let bodies = sent.iter().map(|exchange| {
            let request = exchange.request.as_ref().expect("a request");
            request.body.clone().expect("a body")
        });
        let bodies: Vec<_> = bodies.collect();
        assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
        let read = world.get_member(demo).await.unwrap();
        assert_eq!(read.into_inner().level, "银卡");
    }
    // What has a number is one change; what is absolute may be written again.
    assert_eq!(world.effects_of("merchant.user_cards.update").len(), 1);
    inject(&world, IMPORT, 2, accepted());
    let member = world.members().import_member(import()).await.unwrap();
    assert!(!member.into_inner().partial);
    assert_eq!(sent(&world, IMPORT).len(), 3);
    assert_eq!(world.effects_of(IMPORT).len(), 1);
}

#[tokio::test]
async fn what_is_not_finished_in_time_is_unknown_and_says_why() {
    let world = World::start().await;
    let unknown = || {
        refused(Code::Unknown, "OUTCOME_UNKNOWN")
            .upstream_status("202")
            .may_have_executed()
    };
    for (demo, operation) in UPDATES {
        inject(&world, operation, 1000, accepted());
        let mut request = Request::new(update_member(demo, level("银卡"), &["level"]));
        request.set_timeout(DEADLINE);
        let status = unknown().check(world.members().update_member(request).await);
        assert!(
            status.message().contains("has not finished it"),
            "{status:?}"
        );
        assert!(sent(&world, operation).len() > 1);
    }
    inject(&world, IMPORT, 1000, accepted());
    let mut request = Request::new(import());
    request.set_timeout(DEADLINE);
    let status = unknown().check(world.members().import_member(request).await);
    assert!(
        status.message().contains("has not finished it"),
        "{status:?}"
    );
    assert_eq!(world.effects_of(IMPORT).len(), 1);
}

#[tokio::test]
async fn a_familys_own_rpc_waits_too() {
    let world = World::start().await;
    let walk = Walk::new(&world, &MERCHANT);
    let operation = "merchant.cards.update";
    inject(&world, operation, 2, accepted());
    let request = json!({"card_id": MERCHANT.card_id, "title": "新会员卡"});
    walk.send(operation, &request).await.unwrap();
    assert_eq!(sent(&world, operation).len(), 3);

    inject(&world, IMPORT, 2, accepted());
    let request = json!({
        "card_id": MERCHANT.card_id,
        "openid": "oImported",
        "out_request_no": "import1",
    });
    let answer = walk.send(IMPORT, &request).await.unwrap().into_inner();
    assert!(answer["code"].is_string(), "{answer}");
    assert_eq!(world.effects_of(IMPORT).len(), 1);

    let walk = Walk::new(&world, &BRAND);
    inject(&world, "brand.user_cards.update", 2, accepted());
    let request = with(names(&BRAND), json!({"level": "银卡"}));
    let answer = walk.send("brand.user_cards.update", &request).await;
    assert_eq!(answer.unwrap().into_inner()["level"], "银卡");
}
