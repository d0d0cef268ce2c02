//! `kabao.brand.v1`: the operations of the family, one to one.

use kabao_proto::kabao::brand::v1::card_service_client::CardServiceClient;
use kabao_proto::kabao::brand::v1::user_card_service_client::UserCardServiceClient;
use kabao_proto::kabao::brand::v1::{
    CardState, DeleteCardRequest, GetCardRequest, GetUserCardRequest, InvalidateCardRequest,
    UpdateCardRequest, UpdateUserCardRequest, UserCard,
};
use tonic::transport::Channel;

use crate::demo::{BRAND, BRAND_ID};
use crate::world::World;

fn cards(world: &World) -> CardServiceClient<Channel> {
    CardServiceClient::new(world.channel())
}

fn user_cards(world: &World) -> UserCardServiceClient<Channel> {
    UserCardServiceClient::new(world.channel())
}

fn get_card() -> GetCardRequest {
    GetCardRequest {
        account: BRAND.account(),
        card_id: BRAND.card_id.to_owned(),
        brand_id: BRAND_ID.to_owned(),
    }
}

async fn user_card(world: &World) -> UserCard {
    let request = GetUserCardRequest {
        account: BRAND.account(),
        user_card_code: BRAND.code.to_owned(),
        brand_id: BRAND_ID.to_owned(),
        card_id: BRAND.card_id.to_owned(),
        openid: BRAND.openid.to_owned(),
    };
    user_cards(world)
        .get_user_card(request)
        .await
        .unwrap()
        .into_inner()
}

#[tokio::test]
async fn a_card_shows_what_was_written() {
    let world = World::start().await;
    let update = UpdateCardRequest {
        account: BRAND.account(),
        card_id: BRAND.card_id.to_owned(),
        brand_id: BRAND_ID.to_owned(),
        card_title: Some("品牌会员卡".to_owned()),
        benefits: Some("积分抵现".to_owned()),
        ..UpdateCardRequest::default()
    };
    let answer = cards(&world)
        .update_card(update)
        .await
        .unwrap()
        .into_inner();
    let read = cards(&world)
        .get_card(get_card())
        .await
        .unwrap()
        .into_inner();
    for card in [answer, read] {
        assert_eq!(card.card_title.as_deref(), Some("品牌会员卡"));
        assert_eq!(card.benefits.as_deref(), Some("积分抵现"));
        assert_eq!(card.brand_id.as_deref(), Some(BRAND_ID));
    }
}

#[tokio::test]
async fn an_invalidated_card_says_so() {
    let world = World::start().await;
    let request = InvalidateCardRequest {
        account: BRAND.account(),
        card_id: BRAND.card_id.to_owned(),
        brand_id: BRAND_ID.to_owned(),
        ..InvalidateCardRequest::default()
    };
    let answer = cards(&world)
        .invalidate_card(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.state(), CardState::CardInvalid);
    let read = cards(&world)
        .get_card(get_card())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(read.state(), CardState::CardInvalid);
}

#[tokio::test]
async fn the_retired_delete_still_works_where_wechat_answers_it() {
    let world = World::start().await;
    let request = DeleteCardRequest {
        account: BRAND.account(),
        card_id: BRAND.card_id.to_owned(),
        brand_id: BRAND_ID.to_owned(),
    };
    cards(&world).delete_card(request).await.unwrap();
    let read = cards(&world)
        .get_card(get_card())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(read.state(), CardState::CardInvalid);
}

#[tokio::test]
async fn a_user_card_shows_what_was_written_and_the_phone_number_survives_encryption() {
    let world = World::start().await;
    let update = UpdateUserCardRequest {
        account: BRAND.account(),
        user_card_code: BRAND.code.to_owned(),
        brand_id: BRAND_ID.to_owned(),
        card_id: BRAND.card_id.to_owned(),
        openid: BRAND.openid.to_owned(),
        level: Some("白金".to_owned()),
        phone_number: Some("13800138000".to_owned()),
        ..UpdateUserCardRequest::default()
    };
    user_cards(&world).update_user_card(update).await.unwrap();
    let read = user_card(&world).await;
    assert_eq!(read.level.as_deref(), Some("白金"));
    assert_eq!(read.phone_number.as_deref(), Some("13800138000"));
}
