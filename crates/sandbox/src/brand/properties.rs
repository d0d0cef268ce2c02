//! Random sequences of valid and invalid requests: what must hold after each of them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use kabao_models::brand::membership_activities::{
    CreateMembershipActivity, ListMembershipActivities, ProductCouponStock,
    TerminateMembershipActivity, UpdateMembershipActivity,
};
use kabao_models::brand::user_cards::{
    ConfirmUserCard, GetUserCard, ImportUserCardByOpenid, InvalidateUserCard, ListUserCards,
    UpdateUserCard,
};
use kabao_models::brand::{
    ActivityChannel, ActivityState, CardState, CodeMode, PointExchangeResult, UserCardConfirmState,
    UserCardState, ValidDateInformation, cards, direct_cards, pre_auth_tokens, user_feeds,
    user_points,
};
use kabao_models::{Answer as _, Endpoint, Personal, Sensitive};
use proptest::prelude::*;

use super::core::tests::{BRAND, CARD, OPENID, core, now};
use super::member::Member;
use super::membership::is_valid;
use super::template_rules::tests::card;
use super::validity::tests::{permanent, range, term};
use super::{Core, Join, Refused, Way};
use crate::account::{Account, AccountConfig};
use crate::clock::{plus_days, rfc3339};
use crate::overlay::overlay;
use crate::serve::{Call, Core as _, Serve};
use crate::settings::{self, RepeatedNumber, Settings, StockFalls, TermStart};

/// One step: what happens, and three choices that it interprets.
type Step = (u8, u8, u8, u8);

/// A core on its way through a sequence.
struct Run {
    core: Core,
    account: Arc<Account>,
    settings: Arc<Settings>,
    now: Timestamp,
    /// The states that were final before.
    final_cards: HashMap<(String, String, usize), UserCardState>,
    final_templates: HashSet<String>,
    final_activities: HashMap<i64, ActivityState>,
}

impl Run {
    fn new(brand: settings::Brand) -> Self {
        let config = AccountConfig::brand("demo-brand", "1900000110", BRAND);
        Self {
            core: core(),
            account: Arc::new(Account::new(config, None).unwrap()),
            settings: Arc::new(Settings {
                brand,
                ..Settings::default()
            }),
            now: now(),
            final_cards: HashMap::new(),
            final_templates: HashSet::new(),
            final_activities: HashMap::new(),
        }
    }

    /// Sends a request as the shell would; the answer must conform, and a refusal change nothing.
    fn send<E: Serve<Core = Core>>(&mut self, request: E) -> Option<E::Answer> {
        if !request.strict_violations().is_empty() {
            return None;
        }
        let call = Call {
            operation: <E as Endpoint>::OPERATION,
            account: Arc::clone(&self.account),
            now: self.now,
            settings: Arc::clone(&self.settings),
        };
        let result: Result<_, Refused> = request.serve(&mut self.core, &call);
        let effects = self.core.take_effects();
        match result {
            Ok(answer) => {
                assert_eq!(answer.strict_violations(), [], "{}", call.operation.id);
                Some(answer)
            }
            Err(refused) => {
                assert!(
                    effects.is_empty(),
                    "{} changed something",
                    call.operation.id
                );
                assert!(
                    (400..500).contains(&refused.rule.row().status),
                    "{refused:?}"
                );
                None
            }
        }
    }

    /// Picks a template: mostly one of those that exist.
    fn card_id(&self, choice: u8) -> Option<String> {
        let ids: Vec<_> = self.core.templates.keys().cloned().collect();
        let known = ids.get(usize::from(choice) % ids.len()).cloned();
        known.filter(|_| choice < 250).or(Some("none".into()))
    }

    fn openid(choice: u8) -> Option<Personal> {
        let known = ["oA", "oB", "oC", OPENID];
        let known = known.get(usize::from(choice) % known.len()).copied();
        known
            .filter(|_| choice < 250)
            .or(Some("not valid"))
            .map(Personal::from)
    }

    /// Picks a code: mostly the newest of the user, else somebody's, a new one, or no code.
    fn code(&self, openid: Option<&Personal>, choice: u8) -> Personal {
        let held = |member: &&Member| Some(member.openid()) == openid.map(Personal::expose);
        let newest = self.core.members().filter(held).last();
        let any = self.core.members().nth(usize::from(choice / 4) % 5);
        let of = |member: Option<&Member>| member.map(|member| Personal::from(member.code()));
        match choice % 8 {
            0 if choice > 200 => Some("坏".into()),
            0 | 1 => None,
            2 => of(any),
            _ => of(newest),
        }
        .unwrap_or_else(|| format!("HT-{choice}").into())
    }

    /// Picks an activity: mostly one of those that exist.
    fn activity(&self, choice: u8) -> i64 {
        let ids: Vec<_> = self.core.activities.keys().copied().collect();
        ids.get(usize::from(choice) % (ids.len() + 1))
            .copied()
            .unwrap_or(1)
    }

    fn validity(choice: u8) -> ValidDateInformation {
        match choice % 5 {
            0 => permanent(),
            1 => term(i64::from(choice)),
            2 => range("2025-06-01", "2026-02-01"),
            3 => range("2026-01-01", "2025-01-01"),
            _ => ValidDateInformation {
                available_day_after_receive: Some(1),
                ..permanent()
            },
        }
    }

    fn step(&mut self, (kind, a, b, c): Step) {
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
                    valid_date_information: (a % 2 == 0).then(|| Self::validity(a)),
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
                        .delete_by_user(&path, openid.expose(), self.now, &settings.brand);
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
        let Some((id, template)) = self.core.exchange_templates.iter_mut().next() else {
            return;
        };
        template.stock = template.stock.min(i64::from(b % 3));
        let id = id.clone();
        let openid = Self::openid(a).unwrap_or_default();
        let settings = Arc::clone(&self.settings);
        let record = self
            .core
            .request_exchange(&id, openid.expose(), self.now, &settings.brand)
            .ok();
        self.core.take_effects();
        let Some(record) = record else { return };
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
            reject_reason: reject.then(|| "积分已用完".to_owned()),
            ..Default::default()
        };
        let first = self.send(answer.clone());
        assert!(first.is_some());
        let second = self.send(answer);
        assert_eq!(first, second.or_else(|| first.clone()));
    }

    /// Checks what must hold at every moment.
    fn check(&mut self) {
        let rules = &self.settings.brand;
        for available in self.core.stocks.values() {
            assert!(*available >= 0, "a coupon stock is negative");
        }
        for template in self.core.exchange_templates.values() {
            assert!(template.stock >= 0, "an exchange stock is negative");
        }
        let mut codes = HashSet::new();
        let mut valid = HashSet::new();
        for (index, member) in self.core.members().enumerate() {
            let user = (member.card_id().to_owned(), member.openid().to_owned());
            if !member.code().is_empty() {
                let code = (member.card_id().to_owned(), member.code().to_owned());
                assert!(codes.insert(code), "a code is used twice");
            }
            let state = member.state(self.now, rules);
            if is_valid(&state) {
                assert!(valid.insert(user.clone()), "a user has two valid cards");
            }
            let key = (user.0, user.1, index);
            if let Some(before) = self.final_cards.get(&key) {
                assert_eq!(*before, state, "a final state was left");
            }
            if matches!(state, UserCardState::Invalid | UserCardState::Expired) {
                self.final_cards.insert(key, state);
            }
        }
        for template in self.core.templates() {
            let card_id = template.card_id().to_owned();
            if template.card.state == Some(CardState::CardInvalid) {
                self.final_templates.insert(card_id);
            } else {
                assert!(
                    !self.final_templates.contains(&card_id),
                    "a template came back"
                );
            }
        }
        for activity in self.core.activities(self.now) {
            let (id, state) = (
                activity.activity_id.unwrap(),
                activity.activity_state.unwrap(),
            );
            let left = activity.apply_available.unwrap();
            assert!(
                (0..=activity.apply_total.unwrap()).contains(&left),
                "activity stock"
            );
            if let Some(before) = self.final_activities.get(&id) {
                assert_eq!(*before, state, "an activity came back");
            }
            let over = [
                ActivityState::MembershipActivityTerminated,
                ActivityState::MembershipActivityExpired,
            ];
            if over.contains(&state) {
                self.final_activities.insert(id, state);
            }
        }
    }
}

/// The defaults, or the other reading of many choices at once.
fn choices(other: bool) -> settings::Brand {
    if !other {
        return settings::Brand::default();
    }
    settings::Brand {
        term_counts_from: TermStart::Receipt,
        join_again_after_invalidation: true,
        invalidation_ends_user_cards: true,
        update_ended_activities: true,
        activity_stock_falls: StockFalls::Join,
        repeated_activity_number: RepeatedNumber::Apply,
        repeated_points_number: RepeatedNumber::Refuse,
        repeated_exchange_answer: RepeatedNumber::Refuse,
        exchange_deducts_points: true,
        newest_first: true,
        answer_empty_data: true,
        accept_legacy_fields: true,
        answer_legacy_fields: true,
        expired_templates_show_invalid: true,
        ..settings::Brand::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_requests_breaks_the_rules(
        other in any::<bool>(),
        steps in prop::collection::vec((0..24_u8, any::<u8>(), any::<u8>(), any::<u8>()), 1..120),
    ) {
        let mut run = Run::new(choices(other));
        assert!(run.core.templates.contains_key(CARD));
        for step in steps {
            run.step(step);
            run.check();
        }
    }
}
