//! `kabao.merchant.v1`: the operations of the family, one to one.

use kabao_proto::kabao::merchant::v1::card_service_client::CardServiceClient;
use kabao_proto::kabao::merchant::v1::user_card_service_client::UserCardServiceClient;
use kabao_proto::kabao::merchant::v1::{
    BalanceChange, DeleteCardRequest, GetCardRequest, GetUserCardRequest, UpdateCardRequest,
    UpdateUserCardRequest, UserCard,
};
use tonic::transport::Channel;

use crate::demo::MERCHANT;
use crate::world::World;

fn user_cards(world: &World) -> UserCardServiceClient<Channel> {
    UserCardServiceClient::new(world.channel())
}

fn cards(world: &World) -> CardServiceClient<Channel> {
    CardServiceClient::new(world.channel())
}

async fn user_card(world: &World) -> UserCard {
    let request = GetUserCardRequest {
        account: MERCHANT.account(),
        card_id: MERCHANT.card_id.to_owned(),
        code: MERCHANT.code.to_owned(),
    };
    user_cards(world)
        .get_user_card(request)
        .await
        .unwrap()
        .into_inner()
}

/// The example on WeChat's page, with the balance that the member really has before.
pub(crate) fn balance_update(before: i64) -> UpdateUserCardRequest {
    UpdateUserCardRequest {
        account: MERCHANT.account(),
        card_id: MERCHANT.card_id.to_owned(),
        code: MERCHANT.code.to_owned(),
        level: Some("金卡会员".to_owned()),
        membership_number: Some("12345678".to_owned()),
        out_request_no: "100002322019090134234sfdf".to_owned(),
        balance_information: Some(BalanceChange {
            before_balance: Some(before),
            balance: Some(before + 100),
            add_balance: Some(100),
            ..BalanceChange::default()
        }),
        ..UpdateUserCardRequest::default()
    }
}

#[tokio::test]
async fn a_user_card_shows_what_was_written() {
    let world = World::start().await;
    let before = user_card(&world).await;
    assert_eq!(before.card_id.as_deref(), Some(MERCHANT.card_id));
    assert_eq!(before.code.as_deref(), Some(MERCHANT.code));
    let balance = before.balance.expect("the demo member has a balance");
    user_cards(&world)
        .update_user_card(balance_update(balance))
        .await
        .unwrap();
    let after = user_card(&world).await;
    assert_eq!(after.level.as_deref(), Some("金卡会员"));
    assert_eq!(after.membership_number.as_deref(), Some("12345678"));
    assert_eq!(after.balance, Some(balance + 100));
    assert_eq!(after.openid, before.openid);
}

#[tokio::test]
async fn a_card_can_be_read_changed_and_deleted() {
    let world = World::start().await;
    let get = GetCardRequest {
        account: MERCHANT.account(),
        card_id: MERCHANT.card_id.to_owned(),
    };
    let before = cards(&world)
        .get_card(get.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(before.card_id.as_deref(), Some(MERCHANT.card_id));
    let update = UpdateCardRequest {
        account: MERCHANT.account(),
        card_id: MERCHANT.card_id.to_owned(),
        title: Some("新会员卡".to_owned()),
        ..UpdateCardRequest::default()
    };
    cards(&world).update_card(update).await.unwrap();
    let after = cards(&world).get_card(get).await.unwrap().into_inner();
    assert_eq!(after.title.as_deref(), Some("新会员卡"));
    let delete = DeleteCardRequest {
        account: MERCHANT.account(),
        card_id: MERCHANT.card_id.to_owned(),
    };
    cards(&world).delete_card(delete).await.unwrap();
    assert_eq!(world.effects_of("merchant.cards.delete").len(), 1);
}
