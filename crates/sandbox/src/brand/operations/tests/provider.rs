//! A service provider calls for its brand.

use kabao_models::Sensitive;
use kabao_models::brand::membership_activities::{
    CreateMembershipActivity, GetMembershipActivity, ListMembershipActivities, ProductCouponStock,
    TerminateMembershipActivity, UpdateMembershipActivity,
};
use kabao_models::brand::{
    ActivityChannel, Card, CodeType, PointExchangeResult, UserCardConfirmState,
    ValidDateInformation, ValidDateType, cards, media, open_user_card_tokens, pay_view_tokens,
    pre_auth_tokens, user_cards, user_feeds, user_points,
};

use super::*;
use crate::clock::{plus_days, rfc3339};

#[test]
fn a_service_provider_does_everything_for_its_brand() {
    let mut client = Client::new();
    templates(&mut client);
    members(&mut client);
    activities(&mut client);
    news(&mut client);
    client.called_all("brand.");
}

fn templates(client: &mut Client) {
    let named_brand = Card {
        brand_id: brand(),
        ..card("n-1")
    };
    let request: cards::CreateCard = overlay(&Default::default(), &named_brand, &[]).unwrap();
    let card_id = client.send(request).unwrap().card_id.unwrap();
    client
        .send(cards::ListCards {
            brand_id: brand(),
            offset: Some(0),
            limit: Some(20),
            ..Default::default()
        })
        .unwrap();
    let update = cards::UpdateCard {
        card_id: card_id.clone(),
        brand_id: brand(),
        benefits: Some("会员价".into()),
        ..Default::default()
    };
    let updated = client.send(update).unwrap();
    let get = cards::GetCard {
        card_id: card_id.clone(),
        brand_id: brand(),
        ..Default::default()
    };
    assert_eq!(client.send(get).unwrap(), updated);
    let invalidate = cards::InvalidateCard {
        card_id: card_id.clone(),
        brand_id: brand(),
        ..Default::default()
    };
    let invalid = client.send(invalidate).unwrap();
    let delete = cards::DeleteCard {
        card_id,
        brand_id: brand(),
        ..Default::default()
    };
    assert_eq!(client.send(delete).unwrap(), invalid);
    let (file, sha256) = png();
    client
        .send(media::UploadImage {
            file,
            meta: Some(media::ImageMeta {
                filename: named("a.png"),
                sha256,
                ..Default::default()
            }),
            ..Default::default()
        })
        .unwrap();
}

fn members(client: &mut Client) {
    let old = open_user_card_tokens::CreateOpenUserCardToken {
        brand_id: brand(),
        card_id: named(CARD),
        openid: openid("oNew"),
        ..Default::default()
    };
    client.send(old).unwrap();
    let token = pre_auth_tokens::CreatePreAuthToken {
        brand_id: brand(),
        card_id: named(CARD),
        openid: openid("oNew"),
        ..Default::default()
    };
    let token = client.send(token).unwrap();
    let code = client.joins("oNew", token);
    let confirm = user_cards::ConfirmUserCard {
        user_card_code: code.clone(),
        brand_id: brand(),
        card_id: named(CARD),
        openid: openid("oNew"),
        user_card_confirm_state: Some(UserCardConfirmState::CreateCardSuccess),
        ..Default::default()
    };
    client.send(confirm).unwrap();
    let update = user_cards::UpdateUserCard {
        user_card_code: code.clone(),
        brand_id: brand(),
        card_id: named(CARD),
        openid: openid("oNew"),
        attach: Some("crm=1".into()),
        pickup_time: Some(rfc3339(plus_days(now(), -1))),
        ..Default::default()
    };
    let updated = client.send(update).unwrap();
    assert_eq!(updated.pickup_time, Some(rfc3339(now())));
    let get = user_cards::GetUserCard {
        user_card_code: code.clone(),
        brand_id: brand(),
        card_id: named(CARD),
        openid: openid("oNew"),
        ..Default::default()
    };
    assert_eq!(client.send(get).unwrap(), updated);
    let list = user_cards::ListUserCards {
        brand_id: brand(),
        openid: openid("oNew"),
        offset: Some(0),
        limit: Some(20),
        ..Default::default()
    };
    assert_eq!(client.send(list).unwrap().data, Some(vec![updated]));
    let invalidate = user_cards::InvalidateUserCard {
        user_card_code: code,
        brand_id: brand(),
        card_id: named(CARD),
        openid: openid("oNew"),
        ..Default::default()
    };
    client.send(invalidate).unwrap();
    let import = user_cards::ImportUserCardByOpenid {
        brand_id: brand(),
        card_id: named(CARD),
        openid: openid("oNew"),
        user_card_code: openid("HT-1"),
        ..Default::default()
    };
    client.send(import).unwrap();
    let by_phone = user_cards::ImportUserCardByPhone {
        brand_id: brand(),
        card_id: named(CARD),
        phone_number: Some(Sensitive::plain("13800000420")),
        user_card_code: openid("HT-2"),
        date_information: Some(ValidDateInformation {
            r#type: Some(ValidDateType::Permanent),
            ..Default::default()
        }),
        pickup_time: Some(rfc3339(plus_days(now(), -9))),
        ..Default::default()
    };
    client.send(by_phone).unwrap();
}

fn activities(client: &mut Client) {
    let create = CreateMembershipActivity {
        out_request_no: named("n-1"),
        brand_id: brand(),
        card_id: named(CARD),
        activity_channel: Some(ActivityChannel::MechantAppComponent),
        title: named("入会有礼"),
        sub_title: named("三张券"),
        begin_time: Some(rfc3339(plus_days(now(), 1))),
        end_time: Some(rfc3339(plus_days(now(), 9))),
        apply_total: Some(500),
        product_coupon_stock_list: Some(vec![ProductCouponStock {
            product_coupon_id: named("200000000417"),
            stock_id: named("98065417"),
            ..Default::default()
        }]),
        ..Default::default()
    };
    let activity_id = client.send(create).unwrap().activity_id.unwrap();
    let update = UpdateMembershipActivity {
        activity_id,
        brand_id: brand(),
        title: named("入会有礼"),
        sub_title: named("五张券"),
        begin_time: Some(rfc3339(plus_days(now(), 1))),
        end_time: Some(rfc3339(plus_days(now(), 19))),
        ..Default::default()
    };
    let updated = client.send(update).unwrap();
    let get = GetMembershipActivity {
        activity_id,
        brand_id: brand(),
        ..Default::default()
    };
    assert_eq!(client.send(get).unwrap(), updated);
    let list = ListMembershipActivities {
        brand_id: brand(),
        offset: Some(0),
        limit: Some(20),
        ..Default::default()
    };
    assert_eq!(client.send(list).unwrap().data, Some(vec![updated]));
    let terminate = TerminateMembershipActivity {
        activity_id,
        brand_id: brand(),
        ..Default::default()
    };
    client.send(terminate).unwrap();
}

fn news(client: &mut Client) {
    let feed = user_feeds::CreateUserFeed {
        brand_id: brand(),
        card_id: named(CARD),
        user_card_code: openid(CODE),
        openid: openid(OPENID),
        out_request_no: named("n-1"),
        cell: named("1_400"),
        ..Default::default()
    };
    client.send(feed).unwrap();
    let sync = user_points::SyncUserPoints {
        out_request_no: named("n-1"),
        brand_id: brand(),
        card_id: named(CARD),
        openid: openid(OPENID),
        user_card_code: openid(CODE),
        point_balance: Some(400),
        ..Default::default()
    };
    client.send(sync).unwrap();
    let record = client.asks();
    let answer = user_points::ConfirmExchangeCoupon {
        record_id: record.record_id,
        exchange_coupon_template_id: record.exchange_coupon_template_id,
        brand_id: record.brand_id,
        card_id: record.card_id,
        openid: record.openid,
        user_card_code: record.user_card_code,
        result: Some(PointExchangeResult::PointExchangeCouponReject),
        reject_reason: Some("积分已用完".into()),
        ..Default::default()
    };
    client.send(answer).unwrap();
    let template = client.core.templates.get_mut(CARD).unwrap();
    template.card.code_type = Some(CodeType::JumpMiniProgram);
    let token = pay_view_tokens::CreatePayViewToken {
        brand_id: brand(),
        card_id: named(CARD),
        openid: openid(OPENID),
        ..Default::default()
    };
    client.send(token).unwrap();
}
