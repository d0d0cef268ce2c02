//! The life of a card of a merchant, from its making to its deletion.

mod shop;

use kabao_proto::kabao::merchant::v1::{CardTemplateStatus, UserCardStatus};
use tonic::Code;

use self::shop::Shop;
use crate::refusal::refused;

const MEI: &str = "oLife_Mei_2h8Q1xVw0Zt5Rk7Np3";
const JUN: &str = "oLife_Jun_6c4Y9bSd2Fg8Hj1Lm5";

#[tokio::test]
async fn the_life_of_a_card() {
    let shop = Shop::open().await;

    // The shop makes a card with points and balance. WeChat reviews it; until then nobody gets one.
    let card_id = shop.create_card().await;
    let card = shop.card(&card_id).await;
    assert_eq!(card.status(), CardTemplateStatus::NotApprove);
    refused(Code::FailedPrecondition, "TEMPLATE_STATE_INVALID")
        .upstream("400", "INVALID_REQUEST")
        .check(shop.qrcode(&card_id).await);
    shop.approve(&card_id).await;
    shop.give_points_from_the_start(&card_id, 50).await;
    let card = shop.card(&card_id).await;
    assert_eq!(card.status(), CardTemplateStatus::Approved);
    assert_eq!(card.bonus.unwrap().init_bonus, Some(50));

    // Mei scans the code at the till and arrives on the shop's page. The card is hers, and waits.
    let link = shop.qrcode(&card_id).await.unwrap().into_inner();
    let arrived = shop.scan(&link.url.unwrap(), MEI).await;
    let pass = &arrived["jump"]["pass"];
    let code = shop.decrypt(&card_id, &pass["encrypt_code"]).await;
    assert_eq!(arrived["card"]["code"], *code);
    let mei = shop.user_card(&card_id, &code).await;
    assert_eq!(mei.user_card_status(), UserCardStatus::NotActivate);
    assert_eq!(mei.openid.as_deref(), Some(MEI));
    assert_eq!(mei.level.as_deref(), Some("新叶"));

    // The shop knows her now, and wakes the card under a number of its own.
    assert_eq!(
        shop.nickname(&pass["activate_ticket"]).await.as_deref(),
        Some("梅")
    );
    shop.activate(&card_id, &code, "T-0001").await;
    let mei = shop.user_card(&card_id, &code).await;
    assert_eq!(mei.user_card_status(), UserCardStatus::Effective);
    assert_eq!(mei.membership_number.as_deref(), Some("T-0001"));
    assert_eq!((mei.balance, mei.bonus_value), (Some(0), Some(50)));
    assert_eq!(shop.card(&card_id).await.remain_quantity, Some(99));

    // She rises.
    shop.set_level(&card_id, &code, "金芽").await;
    let mei = shop.user_card(&card_id, &code).await;
    assert_eq!(mei.level.as_deref(), Some("金芽"));

    // She gets points and spends some; she pays in and buys tea.
    for (number, add, after) in [("points-1", 150, 200), ("points-2", -80, 120)] {
        shop.add_points(&card_id, &code, number, add).await;
        assert_eq!(
            shop.user_card(&card_id, &code).await.bonus_value,
            Some(after)
        );
    }
    for (number, add, after) in [("balance-1", 10_000, 10_000), ("balance-2", -3_800, 6_200)] {
        shop.add_balance(&card_id, &code, number, add).await;
        assert_eq!(shop.user_card(&card_id, &code).await.balance, Some(after));
    }
    let numbers: Vec<_> = shop
        .world
        .effects_of("merchant.user_cards.update")
        .into_iter()
        .filter_map(|effect| effect.out_request_no)
        .collect();
    assert_eq!(numbers, ["level-1", "balance-1", "balance-2"]);

    // Jun was a member before there was a card: the shop imports him, and he finds it in his wallet.
    let other = shop.import(&card_id, JUN).await;
    assert_ne!(other, code);
    let jun = shop.user_card(&card_id, &other).await;
    assert_eq!(jun.user_card_status(), UserCardStatus::Effective);
    assert_eq!(jun.nickname, None);
    shop.claim(&card_id, JUN).await;
    let jun = shop.user_card(&card_id, &other).await;
    assert!(jun.nickname.is_some());
    assert_eq!(shop.card(&card_id).await.remain_quantity, Some(98));

    // The shop looks at what there is.
    assert_eq!(shop.cards().await, [card_id.as_str()]);
    assert_eq!(shop.cards_of(MEI).await, [(card_id.clone(), code.clone())]);
    assert_eq!(shop.cards_of(JUN).await, [(card_id.clone(), other.clone())]);

    // Mei throws her card away and takes it back, with all that was on it.
    shop.user_deletes(&card_id, &code).await;
    let mei = shop.user_card(&card_id, &code).await;
    assert_eq!(mei.user_card_status(), UserCardStatus::Delete);
    shop.claim(&card_id, MEI).await;
    let mei = shop.user_card(&card_id, &code).await;
    assert_eq!(mei.user_card_status(), UserCardStatus::Effective);
    assert_eq!((mei.balance, mei.bonus_value), (Some(6_200), Some(120)));

    // Jun moves away. His card is over for good: nothing can be changed on it any more.
    shop.invalidate(&card_id, &other, "会员主动注销").await;
    let jun = shop.user_card(&card_id, &other).await;
    assert_eq!(jun.user_card_status(), UserCardStatus::Unavailable);
    refused(Code::FailedPrecondition, "MEMBER_STATE_INVALID")
        .upstream("400", "INVALID_REQUEST")
        .check(
            shop.change_balance(&card_id, &other, "balance-3", 0, 1)
                .await,
        );

    // The shop ends the card. Nobody new gets it, and Mei keeps hers.
    shop.delete_card(&card_id).await;
    let card = shop.card(&card_id).await;
    assert_eq!(card.status(), CardTemplateStatus::Deleted);
    refused(Code::FailedPrecondition, "TEMPLATE_STATE_INVALID")
        .upstream("400", "INVALID_REQUEST")
        .check(shop.qrcode(&card_id).await);
    let mei = shop.user_card(&card_id, &code).await;
    assert_eq!(mei.user_card_status(), UserCardStatus::Effective);
    assert_eq!(mei.balance, Some(6_200));
}
