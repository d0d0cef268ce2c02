//! The life of a card of a brand, from its making to its end. The service provider calls; WeChat reviews nothing here.

mod shop;

use kabao_proto::kabao::brand::v1::{CardState, PointExchangeState, UserCardState};
use serde_json::json;
use tonic::Code;

use self::shop::Shop;
use crate::control;
use crate::demo::BRAND;
use crate::refusal::refused;

const MEI: &str = "obLatjMei9gnqzS4myYGmLZ7LgLB";
const JUN: &str = "obLatjJun9gnqzS4myYGmLZ7LgLB";
const EXCHANGE: &str = "coupon-for-300";

#[tokio::test]
async fn the_life_of_a_card() {
    let shop = Shop::open().await;

    // The shop makes a card, which is good at once: WeChat reviews no cards of brands.
    let card_id = shop.create_card().await;
    let card = shop.card(&card_id).await;
    assert_eq!(card.state(), CardState::CardEffective);
    let review = json!({ "account": BRAND.account, "card_id": card_id });
    let (status, _) = control::post(&shop.world, "/templates/approve", &review).await;
    assert_eq!(status, 409);

    // Those who join in its mini program get a coupon.
    let activity_id = shop.create_activity(&card_id).await;
    assert_eq!(shop.gifts_left(activity_id).await, 100);

    // Mei opens the mini program and fills in the form. Her card waits.
    let token = shop.token(&card_id, MEI).await.unwrap().into_inner();
    let join = json!({ "card_id": card_id, "openid": MEI, "token": token.token() });
    let (status, joined) = shop.act("join", join).await;
    assert_eq!(status, 200);
    let code = joined["user_card_code"].as_str().unwrap();
    let mei = shop.member(&card_id, MEI, code).await;
    assert_eq!(mei.user_card_state(), UserCardState::Unactivated);
    assert_eq!(mei.level(), "白银会员");

    // Nothing can be changed before the shop confirms her.
    let early = shop.promote(&card_id, MEI, code, "黄金会员").await;
    refused(Code::FailedPrecondition, "MEMBER_STATE_INVALID")
        .upstream("400", "INVALID_REQUEST")
        .check(early);
    shop.confirm(&card_id, MEI, code).await;
    let mei = shop.member(&card_id, MEI, code).await;
    assert_eq!(mei.user_card_state(), UserCardState::Effective);
    assert_eq!(mei.phone_number(), "13800138000");
    assert_eq!(shop.gifts_left(activity_id).await, 99);

    // She rises to gold.
    let gold = shop.promote(&card_id, MEI, code, "黄金会员").await;
    assert_eq!(gold.unwrap().into_inner().level(), "黄金会员");
    let mei = shop.member(&card_id, MEI, code).await;
    assert_eq!(mei.level(), "黄金会员");

    // She earns points, which the shop keeps and WeChat shows, with a line on the card.
    shop.points(&card_id, MEI, code, "n-1", 450).await;
    shop.tell(&card_id, MEI, code, "1_450").await;
    assert_eq!(shop.kept(code, "point_balance").await, 450);
    assert_eq!(shop.kept(code, "feeds").await, json!(["1_450"]));

    // She gives 300 of them for a coupon; the rest is too little for a second one.
    let ask = json!({ "exchange_coupon_template_id": EXCHANGE, "openid": MEI });
    let (status, record) = shop.act("request-exchange", ask.clone()).await;
    assert_eq!(status, 200);
    let exchanged = shop.allow(&record).await;
    assert_eq!(
        exchanged.state(),
        PointExchangeState::PointExchangeCouponSuccess
    );
    assert!(!exchanged.coupon_code().is_empty());
    shop.points(&card_id, MEI, code, "n-2", 150).await;
    assert_eq!(shop.kept(code, "point_balance").await, 150);
    assert_eq!(shop.act("request-exchange", ask).await.0, 409);

    // Jun has been a member for years: he is imported, and needs no confirmation.
    let jun = shop.import(&card_id, JUN, "HT-2019-000815").await;
    let jun = jun.unwrap().into_inner();
    assert_eq!(jun.user_card_state(), UserCardState::Effective);
    assert_eq!(shop.cards_of(JUN).await, [jun]);
    assert_eq!(shop.cards_of(MEI).await, [mei]);

    // The shop ends Jun's card by mistake and imports him again.
    let ended = shop.invalidate(&card_id, JUN, "HT-2019-000815").await;
    assert_eq!(ended.user_card_state(), UserCardState::Invalid);
    assert_eq!(ended.invalid_reason(), "停用");
    assert_eq!(shop.cards_of(JUN).await, []);
    shop.import(&card_id, JUN, "HT-2019-000816").await.unwrap();
    assert_eq!(shop.cards_of(JUN).await.len(), 1);

    // Mei deletes her card, and that is final.
    let delete = json!({ "card_id": card_id, "openid": MEI });
    assert_eq!(shop.act("delete-card", delete).await.0, 200);
    let mei = shop.member(&card_id, MEI, code).await;
    assert_eq!(mei.user_card_state(), UserCardState::Invalid);
    assert_eq!(shop.cards_of(MEI).await, []);
    let again = shop.import(&card_id, MEI, "HT-2019-000817").await;
    refused(Code::FailedPrecondition, "USER_NOT_ELIGIBLE")
        .upstream("400", "INVALID_REQUEST")
        .check(again);

    // The shop gives the card up: nobody else can join, members stay members.
    assert_eq!(
        shop.end_card(&card_id).await.state(),
        CardState::CardInvalid
    );
    let card = shop.card(&card_id).await;
    assert_eq!(card.state(), CardState::CardInvalid);
    let late = shop.token(&card_id, MEI).await;
    refused(Code::FailedPrecondition, "TEMPLATE_STATE_INVALID")
        .upstream("400", "INVALID_REQUEST")
        .check(late);
    assert_eq!(shop.cards_of(JUN).await.len(), 1);
}
