//! One odd value of WeChat never hides a member, and never turns a confirmed write into a doubtful one.

use kabao_proto::kabao::brand::v1 as brand;
use kabao_proto::kabao::brand::v1::user_card_service_client::UserCardServiceClient as BrandUserCards;
use kabao_proto::kabao::merchant::v1 as merchant;
use kabao_proto::kabao::merchant::v1::code_service_client::CodeServiceClient as MerchantCodes;
use kabao_proto::kabao::merchant::v1::user_card_service_client::UserCardServiceClient as MerchantUserCards;
use kabao_proto::kabao::officialaccount::v1 as official_account;
use kabao_proto::kabao::officialaccount::v1::card_service_client::CardServiceClient;
use kabao_proto::kabao::officialaccount::v1::code_service_client::CodeServiceClient;
use kabao_proto::kabao::officialaccount::v1::member_service_client::MemberServiceClient;
use kabao_proto::kabao::officialaccount::v1::pay_gift_card_service_client::PayGiftCardServiceClient;
use kabao_proto::kabao::v1::adjust_points_request::Change;
use kabao_proto::kabao::v1::member::Upstream;
use kabao_proto::kabao::v1::{
    AdjustBalanceRequest, AdjustPointsRequest, ListMembersRequest, Member, View,
    adjust_balance_request,
};
use kabao_sandbox::Fault;
use serde_json::{Value, json};
use tonic::Code;

use crate::demo::{BRAND, BRAND_ID, MERCHANT, OFFICIAL_ACCOUNT};
use crate::refusal::{refused, upstream_entry};
use crate::world::World;

fn inject(world: &World, operation: &str, fault: Value) {
    let fault: Fault = serde_json::from_value(fault).unwrap();
    world.inject(operation, 1, fault);
}

/// Merges `patch` into the next answer.
fn edit(world: &World, operation: &str, patch: Value) {
    inject(
        world,
        operation,
        json!({"kind": "edit_json", "merge": patch}),
    );
}

/// `"a<0x14>b<0xff 0xfe>"`
const NO_TEXT: &str = "ImEUYv/+Ig==";
const REPLACED: &str = "a\u{fffd}b\u{fffd}\u{fffd}";

async fn user_card(world: &World) -> merchant::UserCard {
    let request = merchant::GetUserCardRequest {
        account: MERCHANT.account(),
        card_id: MERCHANT.card_id.to_owned(),
        code: MERCHANT.code.to_owned(),
    };
    let mut cards = MerchantUserCards::new(world.channel());
    cards.get_user_card(request).await.unwrap().into_inner()
}

async fn user_info(world: &World) -> official_account::GetUserInfoResponse {
    let request = official_account::GetUserInfoRequest {
        account: OFFICIAL_ACCOUNT.account(),
        card_id: OFFICIAL_ACCOUNT.card_id.to_owned(),
        code: OFFICIAL_ACCOUNT.code.to_owned(),
        ..official_account::GetUserInfoRequest::default()
    };
    let mut members = MemberServiceClient::new(world.channel());
    members.get_user_info(request).await.unwrap().into_inner()
}

async fn brand_user_card(world: &World) -> brand::UserCard {
    let request = brand::GetUserCardRequest {
        account: BRAND.account(),
        user_card_code: BRAND.code.to_owned(),
        brand_id: BRAND_ID.to_owned(),
        card_id: BRAND.card_id.to_owned(),
        openid: BRAND.openid.to_owned(),
    };
    let mut cards = BrandUserCards::new(world.channel());
    cards.get_user_card(request).await.unwrap().into_inner()
}

/// The portable RPC and the family's own say the same.
#[tokio::test]
async fn a_merchant_member_is_read() {
    let world = World::start().await;
    let usual = user_card(&world).await;
    let odd = json!({"balance": 12.5, "user_information": [], "level": 7, "bonus_value": "600"});
    let check = |card: merchant::UserCard| {
        assert_eq!(card.balance, None);
        assert_eq!(card.extra["balance"], "12.5");
        assert_eq!(card.user_information, None);
        assert_eq!(card.extra["user_information"], "[]");
        assert_eq!(card.level.as_deref(), Some("7"));
        assert_eq!(card.bonus_value, Some(600));
        assert_eq!(card.openid, usual.openid);
        assert_eq!(card.membership_number, usual.membership_number);
    };
    edit(&world, "merchant.user_cards.get", odd.clone());
    check(user_card(&world).await);
    edit(&world, "merchant.user_cards.get", odd);
    let member = world.get_member(&MERCHANT).await.unwrap().into_inner();
    assert_eq!((member.level.as_str(), member.points), ("7", Some(600)));
    assert_eq!(member.balance, None);
    let Some(Upstream::Merchant(card)) = member.upstream else {
        panic!("the merchant's own message");
    };
    check(card.decode().unwrap());
}

#[tokio::test]
async fn a_brand_member_is_read_and_changed() {
    let world = World::start().await;
    let odd = json!({"user_information": [], "attach": {"a": 1}, "level": 5});
    edit(&world, "brand.user_cards.get", odd.clone());
    let card = brand_user_card(&world).await;
    assert_eq!(card.extra["user_information"], "[]");
    assert_eq!(card.extra["attach"], r#"{"a":1}"#);
    assert_eq!(card.level.as_deref(), Some("5"));
    edit(&world, "brand.user_cards.get", odd.clone());
    let member = world.get_member(&BRAND).await.unwrap().into_inner();
    assert_eq!(member.level, "5");
    assert_eq!(member.openid, BRAND.openid);

    // What it answers to a write was done.
    edit(&world, "brand.user_cards.update", odd);
    let change = Member {
        level: "银卡".to_owned(),
        ..Member::default()
    };
    world
        .update_member(&BRAND, change, &["level"])
        .await
        .unwrap();
    assert_eq!(world.effects_of("brand.user_cards.update").len(), 1);
    edit(
        &world,
        "brand.user_cards.update",
        json!({"user_information": [], "attach": 7}),
    );
    let request = brand::UpdateUserCardRequest {
        account: BRAND.account(),
        user_card_code: BRAND.code.to_owned(),
        brand_id: BRAND_ID.to_owned(),
        card_id: BRAND.card_id.to_owned(),
        openid: BRAND.openid.to_owned(),
        level: Some("金卡".to_owned()),
        ..brand::UpdateUserCardRequest::default()
    };
    let mut cards = BrandUserCards::new(world.channel());
    let card = cards.update_user_card(request).await.unwrap().into_inner();
    assert_eq!(card.level.as_deref(), Some("金卡"));
    assert_eq!(card.attach.as_deref(), Some("7"));
    assert_eq!(card.extra["user_information"], "[]");
    assert_eq!(world.effects_of("brand.user_cards.update").len(), 2);
}

#[tokio::test]
async fn an_official_account_member_is_read() {
    let world = World::start().await;
    let usual = user_info(&world).await;
    let odd = json!({"kind": "edit_json",
        "merge": {"balance": "0", "has_active": 1, "user_info": [], "errcode": "0"},
        "raw": [{"path": "/nickname", "value": {"base64": NO_TEXT}}]});
    let check = |info: official_account::GetUserInfoResponse| {
        assert_eq!(info.balance, Some(0));
        assert_eq!(info.has_active, Some(true));
        assert_eq!(info.user_info, None);
        assert_eq!(info.extra["user_info"], "[]");
        assert_eq!(info.nickname.as_deref(), Some(REPLACED));
        assert_eq!(info.bonus, usual.bonus);
        assert_eq!(info.membership_number, usual.membership_number);
    };
    inject(&world, "official_account.member.userinfo_get", odd.clone());
    check(user_info(&world).await);
    inject(&world, "official_account.member.userinfo_get", odd);
    let member = world.get_member(&OFFICIAL_ACCOUNT).await.unwrap();
    let member = member.into_inner();
    assert_eq!((member.balance, member.points), (Some(0), usual.bonus));
    let Some(Upstream::OfficialAccount(info)) = member.upstream else {
        panic!("the family's own message");
    };
    check(info.decode().unwrap());
}

#[tokio::test]
async fn a_template_is_read() {
    let world = World::start().await;
    let odd = json!({"card": {"member_card": {"discount": 8.5, "bonus_rule": []}}});
    let check = |card: official_account::MemberCard| {
        assert_eq!((card.discount, &card.bonus_rule), (None, &None));
        assert_eq!(card.extra["discount"], "8.5");
        assert_eq!(card.extra["bonus_rule"], "[]");
        assert!(card.base_info.unwrap().title.is_some());
    };
    edit(&world, "official_account.card.get", odd.clone());
    let request = official_account::GetCardRequest {
        account: OFFICIAL_ACCOUNT.account(),
        card_id: OFFICIAL_ACCOUNT.card_id.to_owned(),
        ..official_account::GetCardRequest::default()
    };
    let mut cards = CardServiceClient::new(world.channel());
    let card = cards.get_card(request).await.unwrap().into_inner().card;
    check(card.unwrap().member_card.unwrap());
    edit(&world, "official_account.card.get", odd);
    let template = world.get_template(&OFFICIAL_ACCOUNT).await.unwrap();
    let upstream = template.into_inner().upstream;
    let Some(kabao_proto::kabao::v1::template::Upstream::OfficialAccount(card)) = upstream else {
        panic!("the family's own message");
    };
    let card: official_account::Card = card.decode().unwrap();
    check(card.member_card.unwrap());
}

fn adjust_points(change: Change) -> AdjustPointsRequest {
    AdjustPointsRequest {
        name: OFFICIAL_ACCOUNT.member(),
        change: Some(change),
        ..AdjustPointsRequest::default()
    }
}

#[tokio::test]
async fn a_confirmed_change_stays_one() {
    let world = World::start().await;
    let before = user_info(&world).await.bonus.unwrap();
    let operation = "official_account.member.update_user";
    for (turn, odd) in [json!("510"), json!(510.0), json!([]), json!(510.5)]
        .into_iter()
        .enumerate()
    {
        let target = before + 10 + i64::try_from(turn).unwrap();
        edit(
            &world,
            operation,
            json!({"errcode": 0.0, "result_bonus": odd, "result_balance": []}),
        );
        let answer = world
            .members()
            .adjust_points(adjust_points(Change::SetTo(target)))
            .await;
        answer.unwrap();
        assert_eq!(user_info(&world).await.bonus, Some(target));
    }
    assert_eq!(world.effects_of(operation).len(), 4);

    edit(
        &world,
        operation,
        json!({"result_bonus": "470", "result_balance": {"a": 1}}),
    );
    let request = official_account::UpdateUserRequest {
        account: OFFICIAL_ACCOUNT.account(),
        card_id: OFFICIAL_ACCOUNT.card_id.to_owned(),
        code: OFFICIAL_ACCOUNT.code.to_owned(),
        bonus: Some(470),
        ..official_account::UpdateUserRequest::default()
    };
    let mut members = MemberServiceClient::new(world.channel());
    let answer = members.update_user(request).await.unwrap().into_inner();
    assert_eq!(answer.result_bonus, Some(470));
    assert_eq!(answer.extra["result_balance"], r#"{"a":1}"#);
}

#[tokio::test]
async fn nothing_is_added_to_a_value_that_cannot_be_read() {
    let world = World::start().await;
    let read = "official_account.member.userinfo_get";
    edit(&world, read, json!({"bonus": 12.5}));
    let answer = world
        .members()
        .adjust_points(adjust_points(Change::Add(5)))
        .await;
    refused(Code::Internal, "UPSTREAM_MALFORMED").check(answer);
    // An absolute value needs no other.
    edit(&world, read, json!({"bonus": 12.5}));
    let change = adjust_points(Change::SetTo(77));
    world.members().adjust_points(change).await.unwrap();
    assert_eq!(user_info(&world).await.bonus, Some(77));

    // The merchant family sends the value before with every change.
    edit(
        &world,
        "merchant.user_cards.get",
        json!({"balance": "about 9"}),
    );
    let change = AdjustBalanceRequest {
        name: MERCHANT.member(),
        change: Some(adjust_balance_request::Change::SetTo(5)),
        ..AdjustBalanceRequest::default()
    };
    let answer = world.members().adjust_balance(change).await;
    refused(Code::Internal, "UPSTREAM_MALFORMED").check(answer);
    assert!(world.effects_of("merchant.user_cards.update").is_empty());
}

/// `/card/code/deposit` is seen to answer with numbers of codes in place of lists.
#[tokio::test]
async fn deposits_are_confirmed_by_counts() {
    let world = World::start().await;
    let body =
        json!({"errcode": 0, "errmsg": "ok", "succ_code": 2, "duplicate_code": 0, "fail_code": 0});
    let fault = json!({"kind": "replace_body", "body": body.to_string()});
    inject(&world, "official_account.code.deposit", fault);
    let request = official_account::DepositCodesRequest {
        account: OFFICIAL_ACCOUNT.account(),
        card_id: OFFICIAL_ACCOUNT.card_id.to_owned(),
        code: vec!["M0000001".to_owned(), "M0000002".to_owned()],
        ..official_account::DepositCodesRequest::default()
    };
    let mut codes = CodeServiceClient::new(world.channel());
    let answer = codes.deposit_codes(request).await.unwrap().into_inner();
    assert!(answer.succ_code.is_empty());
    assert_eq!(answer.extra["succ_code"], "2");

    let body = r#"{"data":[{"code":1001,"result":"SUCCESS"},"1002",{"code":"1003","result":"DUPLICATE"}]}"#;
    let fault = json!({"kind": "replace_body", "body": body, "signed": true});
    inject(&world, "merchant.codes.deposit", fault);
    let request = merchant::DepositCodesRequest {
        account: MERCHANT.account(),
        card_id: MERCHANT.card_id.to_owned(),
        code: vec!["1001".to_owned(), "1002".to_owned(), "1003".to_owned()],
        ..merchant::DepositCodesRequest::default()
    };
    let mut codes = MerchantCodes::new(world.channel());
    let answer = codes.deposit_codes(request).await.unwrap().into_inner();
    let read: Vec<_> = answer
        .data
        .iter()
        .map(|entry| entry.code.as_deref())
        .collect();
    assert_eq!(read, [Some("1001"), Some("1003")]);
    assert_eq!(answer.extra["data"], body[8..body.len() - 1]);
}

#[tokio::test]
async fn a_rule_id_may_be_a_text() {
    let world = World::start().await;
    let body = json!({"errcode": 0, "errmsg": "ok", "rule_id": "10001", "succ_mchid_list": [1_900_000_109],
        "fail_mchid_list": {}});
    let fault = json!({"kind": "replace_body", "body": body.to_string()});
    inject(&world, "official_account.pay_gift_card.add", fault);
    let base = official_account::NewRuleBaseInfo {
        mchid_list: vec!["1900000109".to_owned()],
        begin_time: Some(1_717_200_000),
        end_time: Some(1_748_736_000),
        ..official_account::NewRuleBaseInfo::default()
    };
    let rule = official_account::MemberRule {
        card_id: OFFICIAL_ACCOUNT.card_id.to_owned(),
        least_cost: Some(2),
        max_cost: Some(20_000),
        ..official_account::MemberRule::default()
    };
    let request = official_account::AddPayGiftCardRequest {
        account: OFFICIAL_ACCOUNT.account(),
        rule_info: Some(official_account::NewRule {
            r#type: 1,
            base_info: Some(base),
            member_rule: Some(rule),
            ..official_account::NewRule::default()
        }),
        ..official_account::AddPayGiftCardRequest::default()
    };
    let mut rules = PayGiftCardServiceClient::new(world.channel());
    let answer = rules.add_pay_gift_card(request).await.unwrap().into_inner();
    assert_eq!(answer.rule_id, Some(10_001));
    assert_eq!(answer.succ_mchid_list, ["1900000109"]);
    assert_eq!(answer.extra["fail_mchid_list"], "{}");
}

#[tokio::test]
async fn a_list_shows_what_can_be_read() {
    let world = World::start().await;
    let list = |demo: &crate::demo::Demo| ListMembersRequest {
        parent: demo.template(),
        openid: BRAND.openid.to_owned(),
        view: View::Full.into(),
        ..ListMembersRequest::default()
    };
    edit(&world, "brand.user_cards.list", json!({"total_count": "1"}));
    let page = world.members().list_members(list(&BRAND)).await.unwrap();
    assert_eq!(page.into_inner().members.len(), 1);

    // What cannot be a list is not taken for an empty one.
    edit(&world, "brand.user_cards.list", json!({"data": "none"}));
    let answer = world.members().list_members(list(&BRAND)).await;
    refused(Code::Internal, "UPSTREAM_MALFORMED").check(answer);
}

#[tokio::test]
async fn refusals_are_read_whatever_bytes_they_hold() {
    let world = World::start().await;
    // {"code":"NOT_FOUND","message":"a<0x14>b<0xff>","detail":[7]}
    let body = "eyJjb2RlIjoiTk9UX0ZPVU5EIiwibWVzc2FnZSI6ImEUYv8iLCJkZXRhaWwiOls3XX0=";
    let fault =
        json!({"kind": "replace_body", "status": 404, "body": {"base64": body}, "signed": true});
    inject(&world, "brand.user_cards.get", fault);
    let status = refused(Code::NotFound, "MEMBER_NOT_FOUND")
        .upstream("404", "NOT_FOUND")
        .check(world.get_member(&BRAND).await);
    assert!(upstream_entry(&status, "upstream_message").is_some());

    // {"errcode":"40056","errmsg":"a<0x14>b<0xff>"}
    let body = "eyJlcnJjb2RlIjoiNDAwNTYiLCJlcnJtc2ciOiJhFGL/In0=";
    let fault = json!({"kind": "replace_body", "body": {"base64": body}});
    inject(&world, "official_account.member.userinfo_get", fault);
    refused(Code::NotFound, "MEMBER_NOT_FOUND")
        .upstream("200", "40056")
        .check(world.get_member(&OFFICIAL_ACCOUNT).await);
}
