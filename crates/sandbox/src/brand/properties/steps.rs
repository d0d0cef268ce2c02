//! What each step of a sequence does.

use std::sync::Arc;

use kabao_models::brand::membership_activities::{
    CreateMembershipActivity, ListMembershipActivities, ProductCouponStock,
    TerminateMembershipActivity, UpdateMembershipActivity,
};
use kabao_models::brand::user_cards::{
    ConfirmUserCard, GetUserCard, ImportUserCardByOpenid, InvalidateUserCard, ListUserCards,
    UpdateUserCard,
};
use kabao_models::brand::{
    ActivityChannel, CodeMode, PointExchangeResult, UserCardConfirmState, cards, direct_cards,
    pre_auth_tokens, user_feeds, user_points,
};
use kabao_models::{Personal, Sensitive};

use super::super::template_rules::tests::card;
use super::super::testing::BRAND;
use super::super::{Join, Way};
use super::{Run, Step};
use crate::clock::{plus_days, rfc3339};
use crate::overlay::overlay;
use crate::serve::Core as _;

impl Run {
    pub(super) fn step(&mut self, (kind, a, b, c): Step) {
        let brand_id = Some(if c == 255 { "2008" } else { BRAND }.to_owned());
        let card_id = self.card_id(a);
        let path = card_id.clone().unwrap_or_default();
        let openid = Self::openid(b);
        let code = self.code(openid.as_ref(), c);
        let number = Some(format!("n-{}", c % 8));
        match kind {
            0 => self.now = plus_days(self.now, i64::from(a % 8)),
            1 => {
                let mut card = card(&format!("n-{}", c % 8));
                card.valid_date_information = Some(Self::validity(a));
                if b % 2 == 0 {
                    card.code_mode = Some(CodeMode::MerchantAllocate);
                }
                if c % 7 == 0 {
                    card.init_level = None;
                }
                let request: cards::CreateCard = overlay(
                    &cards::CreateCard {
                        brand_id,
                        ..Default::default()
                    },
                    &card,
                    &[],
                )
                .unwrap();
                self.send(request);
            }
            2 => {
                self.send(direct_cards::UpdateDirectCard {
                    card_title: Some(if b % 3 == 0 { "a b" } else { "茶港" }.into()),
                    valid_date_information: (b % 2 == 0).then(|| Self::validity(c)),
                    ..direct_cards::UpdateDirectCard::new(path)
                });
            }
            3 if b % 4 == 0 => {
                self.send(cards::InvalidateCard {
                    brand_id,
                    card_id: path,
                    ..Default::default()
                });
            }
            4 | 5 => {
                let openid = openid.map(Personal::into_exposed).unwrap_or_default();
                let token = pre_auth_tokens::CreatePreAuthToken {
                    brand_id,
                    card_id,
                    openid: Some(openid.as_str().into()),
                    ..Default::default()
                };
                let token = self.send(token).and_then(|token| token.token);
                let way = token.map_or(Way::BusinessCard, |token| Way::Component {
                    token: token.into_exposed(),
                });
                let join = Join {
                    card_id: path,
                    openid,
                    way,
                    phone_number: None,
                    user_information: None,
                };
                let refused = self
                    .core
                    .join(&join, self.now, &self.settings.brand)
                    .is_err();
                assert_eq!(refused, self.core.take_effects().is_empty());
            }
            6..=8 => {
                let outcomes = UserCardConfirmState::KNOWN;
                self.send(ConfirmUserCard {
                    user_card_code: code,
                    brand_id,
                    card_id,
                    openid,
                    level: (c % 3 == 0).then(|| "黄金".into()),
                    valid_date_information: (a % 5 == 0).then(|| Self::validity(c)),
                    user_card_confirm_state: Some(
                        outcomes[usize::from(c) % outcomes.len()].clone(),
                    ),
                    ..Default::default()
                });
            }
            9 | 10 => {
                self.send(ImportUserCardByOpenid {
                    brand_id,
                    card_id,
                    openid,
                    user_card_code: Some(code),
                    phone_number: Some(Sensitive::plain("13800000417")),
                    pickup_time: (b % 3 > 0)
                        .then(|| rfc3339(plus_days(self.now, -i64::from(c % 9)))),
                    ..Default::default()
                });
            }
            11 => {
                self.send(UpdateUserCard {
                    user_card_code: code,
                    brand_id,
                    card_id,
                    openid,
                    level: Some("白银".into()),
                    valid_date_information: c.is_multiple_of(2).then(|| self.fitting(&path, b)),
                    ..Default::default()
                });
            }
            12 => {
                self.send(InvalidateUserCard {
                    user_card_code: code,
                    brand_id,
                    card_id,
                    openid,
                    ..Default::default()
                });
            }
            13 => {
                let openid = openid.unwrap_or_default();
                let settings = Arc::clone(&self.settings);
                let deleted =
                    self.core
                        .delete_member(&path, openid.expose(), self.now, &settings.brand);
                assert_eq!(deleted.is_err(), self.core.take_effects().is_empty());
            }
            14 | 15 => {
                self.core.put_stock("s-1", i64::from(a % 9));
                self.send(CreateMembershipActivity {
                    out_request_no: number,
                    brand_id,
                    card_id,
                    activity_channel: Some(ActivityChannel::MechantAppComponent),
                    title: Some("入会有礼".into()),
                    sub_title: Some("三张券".into()),
                    begin_time: Some(rfc3339(plus_days(self.now, i64::from(b % 4) - 2))),
                    end_time: Some(rfc3339(plus_days(self.now, i64::from(c % 9)))),
                    apply_total: Some(i64::from(c % 4)),
                    product_coupon_stock_list: Some(vec![ProductCouponStock {
                        product_coupon_id: Some("p-1".into()),
                        stock_id: Some("s-1".into()),
                        ..Default::default()
                    }]),
                    ..Default::default()
                });
            }
            16 => {
                let activity_id = self.activity(a);
                self.send(UpdateMembershipActivity {
                    activity_id,
                    brand_id: brand_id.clone(),
                    title: Some("入会有礼".into()),
                    sub_title: Some("五张券".into()),
                    begin_time: Some(rfc3339(plus_days(self.now, i64::from(b % 4) - 2))),
                    end_time: Some(rfc3339(plus_days(self.now, i64::from(c % 9)))),
                    ..Default::default()
                });
                if c % 5 == 0 {
                    self.send(TerminateMembershipActivity {
                        activity_id,
                        brand_id,
                        ..Default::default()
                    });
                }
            }
            17 => {
                self.send(user_feeds::CreateUserFeed {
                    brand_id,
                    card_id,
                    user_card_code: Some(code),
                    openid,
                    out_request_no: number,
                    cell: Some(if a % 4 == 0 { "1__" } else { "1_400" }.into()),
                    ..Default::default()
                });
            }
            18 => {
                self.send(user_points::SyncUserPoints {
                    out_request_no: number,
                    brand_id,
                    card_id,
                    openid,
                    user_card_code: Some(code),
                    point_balance: Some(i64::from(a) * 10 - 100),
                    ..Default::default()
                });
            }
            19 | 20 => self.exchange(a, b),
            21 => {
                self.send(ListMembershipActivities {
                    brand_id,
                    offset: Some(i64::from(a % 3)),
                    limit: Some(i64::from(b % 25)),
                    ..Default::default()
                });
            }
            _ => {
                self.send(GetUserCard {
                    user_card_code: code,
                    brand_id: brand_id.clone(),
                    card_id,
                    openid: openid.clone(),
                    ..Default::default()
                });
                self.send(ListUserCards {
                    brand_id: brand_id.clone(),
                    openid,
                    offset: Some(i64::from(a % 9) - 1),
                    limit: Some(20),
                    ..Default::default()
                });
                self.send(cards::ListCards {
                    brand_id,
                    offset: Some(0),
                    limit: Some(2),
                    ..Default::default()
                });
            }
        }
    }

    /// A user asks for an exchange and the merchant answers.
    fn exchange(&mut self, a: u8, b: u8) {
        let Some(id) = self.core.exchange_templates.keys().next().cloned() else {
            return;
        };
        if let Some(template) = self.core.exchange_templates.get_mut(&id) {
            template.stock = 1;
        }
        let openid = Self::openid(a).unwrap_or_default();
        let settings = Arc::clone(&self.settings);
        let record = self
            .core
            .request_exchange(&id, openid.expose(), self.now, &settings.brand)
            .ok();
        self.core.take_effects();
        let Some(record) = record else { return };
        // Somebody else may take the last coupon before the merchant answers.
        if let Some(template) = self.core.exchange_templates.get_mut(&id) {
            template.stock = i64::from(b % 2);
        }
        let reject = b.is_multiple_of(4);
        let answer = user_points::ConfirmExchangeCoupon {
            record_id: record.record_id,
            exchange_coupon_template_id: Some(id),
            brand_id: Some(BRAND.to_owned()),
            card_id: record.card_id,
            openid: record.openid,
            user_card_code: record.user_card_code,
            result: Some(if reject {
                PointExchangeResult::PointExchangeCouponReject
            } else {
                PointExchangeResult::PointExchangeCouponAllow
            }),
            reject_reason: reject.then(|| "积分已用完".into()),
            ..Default::default()
        };
        let first = self.send(answer.clone());
        assert!(first.is_some());
        let second = self.send(answer);
        assert_eq!(first, second.or_else(|| first.clone()));
    }
}
