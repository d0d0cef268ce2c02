//! A write that WeChat confirmed is done, even if nobody can read it back.

use kabao_proto::kabao::v1::import_member_request::User;
use kabao_proto::kabao::v1::member::State;
use kabao_proto::kabao::v1::{
    ActivateMemberRequest, ImportMemberRequest, InitialValues, InvalidateMemberRequest, Member,
    Template,
};
use serde_json::json;

use super::{inject, level, sent};
use crate::demo::{Demo, MERCHANT, OFFICIAL_ACCOUNT};
use crate::world::World;

/// Nothing of these operations is answered any more.
fn unreadable(world: &World, operations: &[&str]) {
    for operation in operations {
        let fault = json!({"kind": "status", "status": 500, "body": "oops"});
        inject(world, operation, 100, fault);
    }
}

const READS: [&str; 3] = [
    "merchant.user_cards.get",
    "official_account.member.userinfo_get",
    "official_account.code.get",
];

#[tokio::test]
async fn a_changed_member_has_its_name_and_what_was_written() {
    let world = World::start().await;
    unreadable(&world, &READS);
    let member = world
        .update_member(&MERCHANT, level("银卡"), &["level"])
        .await;
    let member = member.unwrap().into_inner();
    assert!(member.partial && member.upstream.is_none(), "{member:?}");
    assert_eq!(member.name, MERCHANT.member());
    assert_eq!(member.level, "银卡");
    assert_eq!(world.effects_of("merchant.user_cards.update").len(), 1);

    let change = Member {
        points: Some(3000),
        balance: Some(7),
        ..Member::default()
    };
    let paths = ["points", "balance"];
    let member = world.update_member(&OFFICIAL_ACCOUNT, change, &paths).await;
    let member = member.unwrap().into_inner();
    assert!(member.partial && member.upstream.is_none(), "{member:?}");
    assert_eq!(member.name, OFFICIAL_ACCOUNT.member());
    assert_eq!((member.points, member.balance), (Some(3000), Some(7)));
    world.clear_faults().await;
    let member = world.get_member(&OFFICIAL_ACCOUNT).await.unwrap();
    let member = member.into_inner();
    assert_eq!((member.points, member.partial), (Some(3000), false));
}

#[tokio::test]
async fn a_changed_template_has_its_name_and_what_was_written() {
    let world = World::start().await;
    unreadable(&world, &["merchant.cards.get", "official_account.card.get"]);
    for (demo, write) in [
        (&MERCHANT, "merchant.cards.update"),
        (&OFFICIAL_ACCOUNT, "official_account.card.update"),
    ] {
        let change = Template {
            description: "新说明".to_owned(),
            ..Template::default()
        };
        let template = world.update_template(demo, change, &["description"]).await;
        let template = template.unwrap().into_inner();
        assert!(template.partial && template.upstream.is_none());
        assert_eq!(template.name, demo.template());
        assert_eq!(template.description, "新说明");
        assert_eq!(sent(&world, write).len(), 1, "{write}");
        // The review that may follow is an effect of its own.
        assert!(!world.effects_of(write).is_empty(), "{write}");
    }
}

#[tokio::test]
async fn a_new_member_has_its_name() {
    let world = World::start().await;
    unreadable(&world, &READS);
    let request = ImportMemberRequest {
        parent: MERCHANT.template(),
        user: Some(User::Openid("oImported".to_owned())),
        request_id: "import1".to_owned(),
        ..ImportMemberRequest::default()
    };
    let member = world.members().import_member(request).await.unwrap();
    let member = member.into_inner();
    assert!(member.partial);
    let effects = world.effects_of("merchant.user_cards.import_by_openid");
    assert_eq!(effects.len(), 1);
    let code = effects[0].member.as_deref().unwrap();
    let name = format!("{}/members/{code}", MERCHANT.template());
    assert_eq!(member.name, name);
}

#[tokio::test]
async fn an_activated_member_is_active() {
    let world = World::start().await;
    let claim = json!({
        "account": MERCHANT.account,
        "card_id": MERCHANT.card_id,
        "openid": "oNewcomer",
        "activated": false,
    });
    let claimed = world.order("POST", "/cards/claim", &claim).await;
    let code = claimed["member"]["code"].as_str().unwrap();
    unreadable(&world, &READS);
    let request = ActivateMemberRequest {
        name: format!("{}/members/{code}", MERCHANT.template()),
        initial_values: Some(InitialValues {
            membership_number: "T-0001".to_owned(),
            ..InitialValues::default()
        }),
        ..ActivateMemberRequest::default()
    };
    let name = request.name.clone();
    let member = world.members().activate_member(request).await.unwrap();
    let member = member.into_inner();
    assert!(member.partial);
    assert_eq!(member.name, name);
    assert_eq!(member.state(), State::Active);
    assert_eq!(member.membership_number, "T-0001");
    assert_eq!(world.effects_of("merchant.user_cards.activate").len(), 1);
}

#[tokio::test]
async fn an_invalidated_member_is_invalid() {
    let world = World::start().await;
    unreadable(&world, &READS);
    let rows: [(&Demo, &str); 2] = [
        (&MERCHANT, "merchant.user_cards.set_unavailable"),
        (&OFFICIAL_ACCOUNT, "official_account.code.unavailable"),
    ];
    for (demo, write) in rows {
        let request = InvalidateMemberRequest {
            name: demo.member(),
            reason: "会员主动注销".to_owned(),
            ..InvalidateMemberRequest::default()
        };
        let member = world.members().invalidate_member(request).await.unwrap();
        let member = member.into_inner();
        assert!(member.partial);
        assert_eq!(member.name, demo.member());
        assert_eq!(member.state(), State::Invalid, "{}", demo.account);
        assert_eq!(world.effects_of(write).len(), 1, "{write}");
    }
}
