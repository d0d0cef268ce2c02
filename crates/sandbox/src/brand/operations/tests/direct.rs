//! A brand calls directly: nothing names it.

use kabao_models::Sensitive;
use kabao_models::brand::{
    PointExchangeResult, UserCardConfirmState, UserCardState, direct_cards, direct_media,
    direct_pre_auth_tokens, direct_user_cards, direct_user_feeds, direct_user_points,
};

use super::*;

#[test]
fn a_brand_does_everything_directly() {
    let mut client = Client::new();
    let request: direct_cards::CreateDirectCard =
        overlay(&Default::default(), &card("n-1"), &[]).unwrap();
    let created = client.send(request).unwrap();
    assert_eq!(created.brand_id, brand());
    let card_id = created.card_id.unwrap();
    client
        .send(direct_cards::ListDirectCards {
            offset: Some(0),
            limit: Some(20),
            ..Default::default()
        })
        .unwrap();
    client
        .send(direct_cards::GetDirectCard::new(&card_id))
        .unwrap();
    client
        .send(direct_cards::UpdateDirectCard {
            benefits: Some("会员价".into()),
            ..direct_cards::UpdateDirectCard::new(&card_id)
        })
        .unwrap();
    client
        .send(direct_cards::InvalidateDirectCard::new(&card_id))
        .unwrap();
    let token = direct_pre_auth_tokens::CreateDirectPreAuthToken {
        card_id: named(CARD),
        openid: openid("oNew"),
        ..Default::default()
    };
    let token = client.send(token).unwrap();
    let code = client.joins("oNew", token);
    client
        .send(direct_user_cards::ConfirmDirectUserCard {
            user_card_code: code.clone(),
            card_id: named(CARD),
            openid: openid("oNew"),
            user_card_confirm_state: Some(UserCardConfirmState::CreateCardAlreadyExists),
            ..Default::default()
        })
        .unwrap();
    client
        .send(direct_user_cards::GetDirectUserCard {
            user_card_code: code.clone(),
            card_id: named(CARD),
            openid: openid("oNew"),
            ..Default::default()
        })
        .unwrap();
    client
        .send(direct_user_cards::ListDirectUserCards {
            openid: openid("oNew"),
            user_card_state: Some(UserCardState::Effective),
            offset: Some(0),
            limit: Some(20),
            ..Default::default()
        })
        .unwrap();
    client
        .send(direct_user_cards::UpdateDirectUserCard {
            user_card_code: code.clone(),
            card_id: named(CARD),
            openid: openid("oNew"),
            phone_number: Some(Sensitive::plain("13800000418")),
            ..Default::default()
        })
        .unwrap();
    client
        .send(direct_user_cards::InvalidateDirectUserCard {
            user_card_code: code,
            card_id: named(CARD),
            openid: openid("oNew"),
            ..Default::default()
        })
        .unwrap();
    client
        .send(direct_user_cards::ImportDirectUserCardByOpenid {
            card_id: named(CARD),
            openid: openid("oNew"),
            user_card_code: openid("HT-1"),
            ..Default::default()
        })
        .unwrap();
    client
        .send(direct_user_feeds::CreateDirectUserFeed {
            card_id: named(CARD),
            user_card_code: openid("HT-1"),
            openid: openid("oNew"),
            out_request_no: named("n-1"),
            cell: named("1_400"),
            ..Default::default()
        })
        .unwrap();
    client
        .send(direct_user_points::SyncDirectUserPoints {
            out_request_no: named("n-1"),
            card_id: named(CARD),
            openid: openid(OPENID),
            user_card_code: openid(CODE),
            point_balance: Some(400),
            ..Default::default()
        })
        .unwrap();
    let record = client.asks();
    client
        .send(direct_user_points::ConfirmDirectExchangeCoupon {
            record_id: record.record_id,
            exchange_coupon_template_id: record.exchange_coupon_template_id,
            card_id: record.card_id,
            openid: record.openid,
            user_card_code: record.user_card_code,
            result: Some(PointExchangeResult::PointExchangeCouponAllow),
            ..Default::default()
        })
        .unwrap();
    let (file, file_digest) = png();
    client
        .send(direct_media::UploadDirectImage {
            file,
            meta: Some(direct_media::DirectImageMeta {
                filename: named("a.png"),
                file_digest,
                ..Default::default()
            }),
            ..Default::default()
        })
        .unwrap();
    client.called_all("brand_direct.");
}
