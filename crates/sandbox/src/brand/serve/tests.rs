//! The operations as requests: whom they act for, and that a brand can do directly what a service
//! provider does for it.

use std::collections::BTreeSet;
use std::sync::Arc;

use kabao_models::brand::membership_activities::{
    CreateMembershipActivity, GetMembershipActivity, ListMembershipActivities, ProductCouponStock,
    TerminateMembershipActivity, UpdateMembershipActivity,
};
use kabao_models::brand::{
    ActivityChannel, Card, ExchangeRecord, PointExchangeResult, UserCardConfirmState,
    UserCardState, ValidDateInformation, ValidDateType, cards, direct_cards, direct_media,
    direct_pre_auth_tokens, direct_user_cards, direct_user_feeds, direct_user_points, media,
    open_user_card_tokens, pay_view_tokens, pre_auth_tokens, user_cards, user_feeds, user_points,
};
use kabao_models::{Answer as _, Endpoint, Family, Personal, Sensitive};

use super::super::core::tests::{BRAND, CARD, CODE, OPENID, core, now, rule};
use super::super::join::tests::join;
use super::super::template_rules::tests::card;
use super::super::{Join, Rule, Way};
use super::*;
use crate::account::{Account, AccountConfig};
use crate::clock::{plus_days, rfc3339};
use crate::overlay::overlay;
use crate::serve::{Call, Serve};
use crate::settings::{self, Settings};

/// Sends requests to a core as one caller.
struct Client {
    core: Core,
    account: Arc<Account>,
    settings: Settings,
    called: BTreeSet<&'static str>,
}

impl Client {
    fn new() -> Self {
        let config = AccountConfig::brand("demo-brand", "1900000110", BRAND);
        Self {
            core: core(),
            account: Arc::new(Account::new(config, None).unwrap()),
            settings: Settings::default(),
            called: BTreeSet::new(),
        }
    }

    fn send<E: Serve<Core = Core>>(&mut self, request: E) -> Result<E::Answer, Refused> {
        assert_eq!(request.strict_violations(), []);
        let call = Call {
            operation: <E as Endpoint>::OPERATION,
            account: Arc::clone(&self.account),
            now: now(),
            settings: Arc::new(self.settings.clone()),
        };
        let answer = request.serve(&mut self.core, &call)?;
        assert_eq!(answer.strict_violations(), [], "{}", call.operation.id);
        self.called.insert(call.operation.id);
        Ok(answer)
    }

    /// A user joins with a token.
    fn joins(&mut self, openid: &str, token: kabao_models::brand::Token) -> Personal {
        let way = Way::Component {
            token: token.token.unwrap().into_exposed(),
        };
        let join = Join {
            way,
            ..join(openid)
        };
        let card = self.core.join(&join, now(), &self.settings.brand).unwrap();
        card.user_card_code.unwrap()
    }

    /// A member asks for the exchange of the demo data.
    fn asks(&mut self) -> ExchangeRecord {
        let id = self.core.exchange_templates.keys().next().cloned().unwrap();
        self.core
            .request_exchange(&id, OPENID, now(), &self.settings.brand)
            .unwrap()
    }

    /// Checks that every operation of a kind was answered.
    fn called_all(&self, prefix: &str) {
        let known: BTreeSet<_> = kabao_models::operations()
            .filter(|operation| operation.family == Family::Brand)
            .map(|operation| operation.id)
            .filter(|id| id.starts_with(prefix))
            .collect();
        assert_eq!(self.called, known);
    }
}

fn brand() -> Option<String> {
    Some(BRAND.to_owned())
}

fn named(card_id: &str) -> Option<String> {
    Some(card_id.to_owned())
}

fn openid(openid: &str) -> Option<Personal> {
    Some(openid.into())
}

fn png() -> (Option<bytes::Bytes>, Option<String>) {
    let file = b"\x89PNG\r\n\x1a\n";
    (
        Some(bytes::Bytes::from_static(file)),
        Some(kabao_auth::sha256_hex(file)),
    )
}

#[test]
fn every_operation_of_the_family_is_served() {
    let served: BTreeSet<_> = routes().iter().map(|route| route.operation().id).collect();
    let known: BTreeSet<_> = kabao_models::operations()
        .filter(|operation| operation.family == Family::Brand)
        .map(|operation| operation.id)
        .collect();
    assert_eq!(served, known);
    assert_eq!(served.len(), 41);
}

#[test]
fn a_caller_acts_for_its_own_brand_only() {
    let get = |brand: &str| cards::GetCard {
        card_id: CARD.into(),
        brand_id: named(brand),
        ..Default::default()
    };
    let mut client = Client::new();
    assert_eq!(rule(client.send(get("2008"))), Rule::BrandUnauthorized);
    client.settings.brand.unauthorized_brand = settings::UnauthorizedBrand::InvalidRequest;
    assert_eq!(rule(client.send(get("2008"))), Rule::BrandInvalid);
    client.settings.brand.brands_without_membership = vec![BRAND.to_owned()];
    assert_eq!(rule(client.send(get(BRAND))), Rule::FeatureClosed);
    let merchant = AccountConfig::merchant("acme", "1900000109");
    client.account = Arc::new(Account::new(merchant, None).unwrap());
    assert_eq!(rule(client.send(get(BRAND))), Rule::BrandUnauthorized);
}

#[test]
fn retired_and_unlisted_calls_can_be_closed() {
    let mut client = Client::new();
    client.settings.brand.delete_answers = false;
    client.settings.brand.open_user_card_tokens_answer = false;
    client.settings.brand.unlisted_operations_answer = false;
    let delete = cards::DeleteCard {
        card_id: CARD.into(),
        brand_id: brand(),
        ..Default::default()
    };
    assert_eq!(rule(client.send(delete)), Rule::Retired);
    let token = open_user_card_tokens::CreateOpenUserCardToken {
        brand_id: brand(),
        card_id: named(CARD),
        openid: openid("oNew"),
        ..Default::default()
    };
    assert_eq!(rule(client.send(token)), Rule::Retired);
    let token = pay_view_tokens::CreatePayViewToken {
        brand_id: brand(),
        card_id: named(CARD),
        openid: openid(OPENID),
        ..Default::default()
    };
    assert_eq!(rule(client.send(token)), Rule::CallerClosed);
}

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
        attach: named("crm=1"),
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
        reject_reason: named("积分已用完"),
        ..Default::default()
    };
    client.send(answer).unwrap();
    let template = client.core.templates.get_mut(CARD).unwrap();
    template.card.code_type = Some(kabao_models::brand::CodeType::JumpMiniProgram);
    let token = pay_view_tokens::CreatePayViewToken {
        brand_id: brand(),
        card_id: named(CARD),
        openid: openid(OPENID),
        ..Default::default()
    };
    client.send(token).unwrap();
}
