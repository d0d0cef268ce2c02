//! Tests of the life of an activity.

use kabao_models::Answer as _;
use kabao_models::brand::membership_activities::ProductCouponStock;
use kabao_models::brand::{ActivityChannel, UserCardConfirmState};

use super::super::claim::tests::join;
use super::super::member_change::{Data, Key};
use super::super::testing::{CARD, context, core, now, rule};
use super::super::{Join, Way};
use super::*;
use crate::clock::plus_days;
use crate::settings::{self, StockFalls};

fn rules() -> settings::Brand {
    settings::Brand::default()
}

fn day(days: i64) -> Option<String> {
    Some(rfc3339(plus_days(now(), days)))
}

pub(in crate::brand) fn request(number: &str) -> CreateMembershipActivity {
    CreateMembershipActivity {
        out_request_no: Some(number.into()),
        card_id: Some(CARD.into()),
        activity_channel: Some(ActivityChannel::MechantAppComponent),
        title: Some("入会有礼".into()),
        sub_title: Some("三张券".into()),
        begin_time: day(1),
        end_time: day(10),
        apply_total: Some(2),
        product_coupon_stock_list: Some(vec![ProductCouponStock {
            product_coupon_id: Some("200000000417".into()),
            stock_id: Some("98065417".into()),
            ..ProductCouponStock::default()
        }]),
        ..CreateMembershipActivity::default()
    }
}

fn at<'a>(rules: &'a settings::Brand, days: i64) -> Context<'a> {
    Context {
        now: plus_days(now(), days),
        ..context(rules)
    }
}

fn update(id: i64, begin: i64, end: i64) -> UpdateMembershipActivity {
    UpdateMembershipActivity {
        activity_id: id,
        title: Some("入会有礼".into()),
        sub_title: Some("五张券".into()),
        begin_time: day(begin),
        end_time: day(end),
        ..UpdateMembershipActivity::default()
    }
}

fn create(core: &mut Core, rules: &settings::Brand) -> i64 {
    let activity = core
        .create_activity(&context(rules), &request("n-1"))
        .unwrap();
    assert_eq!(activity.strict_violations(), []);
    activity.activity_id.unwrap()
}

#[test]
fn an_activity_lives_by_the_clock_until_it_is_terminated() {
    let mut core = core();
    let rules = rules();
    let id = create(&mut core, &rules);
    let state = |core: &Core, days| {
        core.get_activity(&at(&rules, days), id)
            .unwrap()
            .activity_state
    };
    assert_eq!(
        state(&core, 0),
        Some(ActivityState::MembershipActivityCreated)
    );
    assert_eq!(
        state(&core, 1),
        Some(ActivityState::MembershipActivityEffective)
    );
    assert_eq!(
        state(&core, 10),
        Some(ActivityState::MembershipActivityExpired)
    );
    core.terminate_activity(&at(&rules, 2), id).unwrap();
    assert_eq!(
        state(&core, 10),
        Some(ActivityState::MembershipActivityTerminated)
    );
    let refused = core.update_activity(&at(&rules, 2), &update(id, 1, 20));
    assert_eq!(rule(refused), Rule::ActivityEnded);
    let effects = core.effects.len();
    core.terminate_activity(&at(&rules, 3), id).unwrap();
    assert_eq!(core.effects.len(), effects);
    let strict = settings::Brand {
        refuse_second_termination: true,
        ..rules.clone()
    };
    assert_eq!(
        rule(core.terminate_activity(&at(&strict, 3), id)),
        Rule::ActivityEnded
    );
}

#[test]
fn an_update_changes_titles_and_times() {
    let mut core = core();
    let rules = rules();
    let id = create(&mut core, &rules);
    let activity = core
        .update_activity(&context(&rules), &update(id, 2, 20))
        .unwrap();
    assert_eq!(activity.sub_title.as_deref(), Some("五张券"));
    assert_eq!(activity.end_time, day(20));
    let begun = core.update_activity(&at(&rules, 3), &update(id, 4, 20));
    assert_eq!(rule(begun), Rule::ActivityBegun);
    let revive = settings::Brand {
        update_ended_activities: true,
        ..rules
    };
    let dead = core
        .update_activity(&at(&revive, 21), &update(id, 2, 40))
        .unwrap();
    assert_eq!(
        dead.activity_state,
        Some(ActivityState::MembershipActivityExpired)
    );
}

#[test]
fn creation_is_refused_as_documented() {
    let rules = rules();
    let mut core = core();
    core.put_stock("98065417", 2);
    for (change, expected) in [
        (
            CreateMembershipActivity {
                card_id: Some("none".into()),
                ..request("n")
            },
            Rule::ActivityTemplateUnknown,
        ),
        (
            CreateMembershipActivity {
                end_time: day(1),
                ..request("n")
            },
            Rule::ActivityTimes,
        ),
        (
            CreateMembershipActivity {
                begin_time: day(-3),
                end_time: day(0),
                ..request("n")
            },
            Rule::ActivityOver,
        ),
        (request("n"), Rule::ApplyTotal),
        (
            CreateMembershipActivity {
                apply_total: Some(0),
                ..request("n")
            },
            Rule::ApplyTotal,
        ),
    ] {
        assert_eq!(
            rule(core.create_activity(&context(&rules), &change)),
            expected
        );
    }
    core.put_stock("98065417", 3);
    core.create_activity(&context(&rules), &request("n"))
        .unwrap();
    core.create_activity(&context(&rules), &request("n-2"))
        .unwrap();
    let running = core.create_activity(&at(&rules, 1), &request("n-3"));
    assert_eq!(rule(running), Rule::ActivityInForce);
    let strict = settings::Brand {
        scheduled_activities_block: true,
        ..rules.clone()
    };
    let scheduled = core.create_activity(&context(&strict), &request("n-3"));
    assert_eq!(rule(scheduled), Rule::ActivityInForce);
    core.invalidate_template(&context(&rules), CARD).unwrap();
    let invalid = core.create_activity(&context(&rules), &request("n-4"));
    assert_eq!(rule(invalid), Rule::TemplateNotEffective);
}

#[test]
fn another_brands_activity_is_forbidden_and_an_unknown_one_not_found() {
    let mut core = core();
    let rules = rules();
    let id = create(&mut core, &rules);
    let other = Context {
        brand: "2008",
        ..context(&rules)
    };
    assert_eq!(rule(core.get_activity(&other, id)), Rule::ActivityForeign);
    assert_eq!(
        rule(core.terminate_activity(&other, id)),
        Rule::ActivityForeign
    );
    assert_eq!(
        rule(core.get_activity(&other, id + 1)),
        Rule::ActivityUnknown
    );
}

#[test]
fn gifts_take_stock_when_the_setting_says_and_never_below_zero() {
    for (falls, on_join, on_confirmation) in [
        (StockFalls::Join, 1, 1),
        (StockFalls::Confirmation, 2, 1),
        (StockFalls::Never, 2, 2),
    ] {
        let rules = settings::Brand {
            activity_stock_falls: falls,
            ..rules()
        };
        let mut core = core();
        core.put_stock("98065417", 3);
        let id = create(&mut core, &rules);
        let context = at(&rules, 2);
        let left = |core: &Core| {
            core.get_activity(&context, id)
                .unwrap()
                .apply_available
                .unwrap()
        };
        let token = core
            .create_join_token(&context, CARD, "oNew")
            .unwrap()
            .token
            .unwrap();
        let way = Way::Component {
            token: token.into_exposed(),
        };
        let card = core
            .join(
                &Join {
                    way,
                    ..join("oNew")
                },
                context.now,
                &rules,
            )
            .unwrap();
        assert_eq!(left(&core), on_join, "{falls:?}");
        let code = card.user_card_code.unwrap();
        let key = Key {
            card_id: CARD,
            openid: "oNew",
            code: code.expose(),
        };
        let success = UserCardConfirmState::CreateCardSuccess;
        core.confirm_member(&context, &key, &success, Data::default())
            .unwrap();
        assert_eq!(left(&core), on_confirmation, "{falls:?}");
        for _ in 0..5 {
            core.give_gift(&context, CARD);
        }
        assert_eq!(left(&core), 0);
        assert_eq!(core.stocks.get("98065417"), Some(&1));
    }
}

#[test]
fn lists_filter_by_template_and_state() {
    let mut core = core();
    let rules = rules();
    let id = create(&mut core, &rules);
    let list = |card_id: Option<&str>, state: Option<ActivityState>| {
        let request = ListMembershipActivities {
            card_id: card_id.map(str::to_owned),
            activity_state: state,
            offset: Some(0),
            limit: Some(20),
            ..ListMembershipActivities::default()
        };
        let answer = core.list_activities(&context(&rules), &request).unwrap();
        assert_eq!(answer.strict_violations(), []);
        answer
            .data
            .unwrap_or_default()
            .into_iter()
            .filter_map(|a| a.activity_id)
            .collect::<Vec<_>>()
    };
    assert_eq!(list(None, None), [id]);
    assert_eq!(
        list(Some(CARD), Some(ActivityState::MembershipActivityCreated)),
        [id]
    );
    assert!(list(Some("none"), None).is_empty());
    assert!(list(None, Some(ActivityState::MembershipActivityEffective)).is_empty());
}
