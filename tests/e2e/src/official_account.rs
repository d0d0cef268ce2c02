//! `kabao.officialaccount.v1`: the operations of the family, one to one.

use kabao_proto::kabao::officialaccount::v1::card_service_client::CardServiceClient;
use kabao_proto::kabao::officialaccount::v1::member_service_client::MemberServiceClient;
use kabao_proto::kabao::officialaccount::v1::pay_gift_member_card_service_client::PayGiftMemberCardServiceClient;
use kabao_proto::kabao::officialaccount::v1::{
    AddPayGiftMemberCardRequest, BaseInfoChange, DeletePayGiftMemberCardRequest, GetCardRequest,
    GetPayGiftMemberCardRequest, GetUserInfoRequest, MemberCardChange, MessageChange,
    MessageOperation, UpdateCardMessageRequest, UpdateCardRequest, UpdateUserRequest, UrlCell,
};
use serde_json::json;
use tonic::Code;

use crate::demo::OFFICIAL_ACCOUNT;
use crate::refusal::refused;
use crate::world::World;

#[tokio::test]
async fn a_member_shows_what_was_written() {
    let world = World::start().await;
    let mut members = MemberServiceClient::new(world.channel());
    let get = GetUserInfoRequest {
        account: OFFICIAL_ACCOUNT.account(),
        card_id: OFFICIAL_ACCOUNT.card_id.to_owned(),
        code: OFFICIAL_ACCOUNT.code.to_owned(),
        ..GetUserInfoRequest::default()
    };
    let before = members
        .get_user_info(get.clone())
        .await
        .unwrap()
        .into_inner();
    let bonus = before.bonus.expect("the demo member has a bonus");
    let update = UpdateUserRequest {
        account: OFFICIAL_ACCOUNT.account(),
        card_id: OFFICIAL_ACCOUNT.card_id.to_owned(),
        code: OFFICIAL_ACCOUNT.code.to_owned(),
        add_bonus: Some(30),
        record_bonus: Some("消费30元，获得30积分".to_owned()),
        ..UpdateUserRequest::default()
    };
    let answer = members.update_user(update).await.unwrap().into_inner();
    assert_eq!(answer.result_bonus, Some(bonus + 30));
    assert_eq!(answer.openid, before.openid);
    let after = members.get_user_info(get).await.unwrap().into_inner();
    assert_eq!(after.bonus, Some(bonus + 30));
}

#[tokio::test]
async fn a_card_update_says_whether_it_goes_to_review() {
    let world = World::start().await;
    let mut cards = CardServiceClient::new(world.channel());
    let update = |phone: Option<&str>, notice: Option<&str>| UpdateCardRequest {
        account: OFFICIAL_ACCOUNT.account(),
        card_id: OFFICIAL_ACCOUNT.card_id.to_owned(),
        member_card: Some(MemberCardChange {
            base_info: Some(BaseInfoChange {
                service_phone: phone.map(str::to_owned),
                notice: notice.map(str::to_owned),
                ..BaseInfoChange::default()
            }),
            ..MemberCardChange::default()
        }),
        ..UpdateCardRequest::default()
    };
    let answer = cards
        .update_card(update(Some("020-12345678"), None))
        .await
        .unwrap();
    assert_eq!(answer.into_inner().send_check, Some(false));
    let answer = cards
        .update_card(update(None, Some("请出示二维码")))
        .await
        .unwrap();
    assert_eq!(answer.into_inner().send_check, Some(true));
    let get = GetCardRequest {
        account: OFFICIAL_ACCOUNT.account(),
        card_id: OFFICIAL_ACCOUNT.card_id.to_owned(),
        ..GetCardRequest::default()
    };
    let card = cards
        .get_card(get)
        .await
        .unwrap()
        .into_inner()
        .card
        .unwrap();
    let base_info = card.member_card.unwrap().base_info.unwrap();
    assert_eq!(base_info.service_phone.as_deref(), Some("020-12345678"));
}

#[tokio::test]
async fn a_slot_in_messages_is_a_call_of_its_own_and_needs_no_review() {
    let world = World::start().await;
    let mut cards = CardServiceClient::new(world.channel());
    let request = |slot: Option<MessageOperation>| UpdateCardMessageRequest {
        account: OFFICIAL_ACCOUNT.account(),
        card_id: OFFICIAL_ACCOUNT.card_id.to_owned(),
        member_card: Some(MessageChange {
            modify_msg_operation: slot,
            ..MessageChange::default()
        }),
        ..UpdateCardMessageRequest::default()
    };
    let slot = MessageOperation {
        url_cell: Some(UrlCell {
            text: "领取优惠".to_owned(),
            url: Some("https://shop.example.com".to_owned()),
            end_time: Some(4_102_416_000),
            card_id_list: vec![OFFICIAL_ACCOUNT.card_id.to_owned()],
            ..UrlCell::default()
        }),
        ..MessageOperation::default()
    };
    let answer = cards
        .update_card_message(request(Some(slot)))
        .await
        .unwrap();
    assert_eq!(answer.into_inner().send_check, Some(false));

    let answer = cards.update_card_message(request(None)).await;
    refused(Code::InvalidArgument, "FIELD_INVALID")
        .fields(&["member_card.modify_msg_operation"])
        .check(answer);
}

#[tokio::test]
async fn a_pay_gift_rule_can_be_added_read_and_deleted() {
    let world = World::start().await;
    let mut rules = PayGiftMemberCardServiceClient::new(world.channel());
    let mchid = "1900000001".to_owned();
    let add = AddPayGiftMemberCardRequest {
        account: OFFICIAL_ACCOUNT.account(),
        card_id: OFFICIAL_ACCOUNT.card_id.to_owned(),
        jump_url: Some("https://www.qq.com".to_owned()),
        mchid_list: vec![mchid.clone()],
        begin_time: Some(1_480_317_217),
        end_time: Some(4_102_416_000),
        min_cost: Some(1),
        max_cost: Some(1000),
        ..AddPayGiftMemberCardRequest::default()
    };
    let added = rules
        .add_pay_gift_member_card(add)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(added.succ_mchid_list, std::slice::from_ref(&mchid));
    let get = GetPayGiftMemberCardRequest {
        account: OFFICIAL_ACCOUNT.account(),
        mchid: mchid.clone(),
        ..GetPayGiftMemberCardRequest::default()
    };
    let rule = rules
        .get_pay_gift_member_card(get)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(rule.card_id.as_deref(), Some(OFFICIAL_ACCOUNT.card_id));
    let delete = DeletePayGiftMemberCardRequest {
        account: OFFICIAL_ACCOUNT.account(),
        card_id: OFFICIAL_ACCOUNT.card_id.to_owned(),
        mchid_list: vec![mchid.clone()],
        ..DeletePayGiftMemberCardRequest::default()
    };
    let deleted = rules
        .delete_pay_gift_member_card(delete)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(deleted.succ_mchid_list, [mchid]);
}

#[tokio::test]
async fn a_revoked_token_is_replaced_without_a_failed_call() {
    let world = World::start().await;
    world.get_member(&OFFICIAL_ACCOUNT).await.unwrap();
    let path = format!("/actions/{}/revoke-tokens", OFFICIAL_ACCOUNT.account);
    world.order("POST", &path, &json!({})).await;
    world.get_member(&OFFICIAL_ACCOUNT).await.unwrap();
}
