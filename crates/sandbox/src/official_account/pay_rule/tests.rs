//! Tests of the pay rules.

use super::*;
use crate::official_account::Payment;
use crate::official_account::testing::{APPID, CARD, NOW, OTHER_APPID, World};

fn new(protocol: Protocol, mchids: &[&str]) -> NewPayRule {
    NewPayRule {
        protocol,
        r#type: PayGiftRuleType::RuleTypePayMemberCard,
        card_id: Some(CARD.into()),
        mchids: mchids.iter().map(|mchid| (*mchid).to_owned()).collect(),
        begin_time: NOW,
        end_time: NOW + 1_000,
        least_cost: 100,
        max_cost: 1_000,
        jump_url: None,
        app_brand_id: None,
        app_brand_pass: None,
        is_locked: true,
    }
}

fn add(world: &mut World, rule: NewPayRule) -> Result<RuleOutcome, Refused> {
    world.run(|core, context| core.add_pay_rule(context, rule))
}

#[test]
fn an_occupied_merchant_id_fails_beside_the_others_and_names_its_occupant() {
    let mut world = World::new();
    let first = add(&mut world, new(Protocol::New, &["1900000201"])).unwrap();
    let second = add(
        &mut world,
        new(Protocol::Old, &["1900000201", "1900000202"]),
    )
    .unwrap();
    assert_eq!(second.done, ["1900000202"]);
    assert_eq!(second.failed[0].occupy_rule_id, first.rule_id);
    assert_eq!(
        (
            second.failed[0].occupy_appid.as_deref(),
            second.failed[0].errcode
        ),
        (Some(APPID), 23112)
    );
    let none = add(&mut world, new(Protocol::New, &["1900000202"])).unwrap();
    assert_eq!(
        (none.rule_id, none.failed[0].occupy_rule_id),
        (None, None),
        "the old protocol has no rule id"
    );
    // What programs do: delete the occupant and add again.
    world
        .run(|core, context| core.delete_pay_rule(context, first.rule_id.unwrap()))
        .unwrap();
    assert_eq!(
        add(&mut world, new(Protocol::New, &["1900000201"]))
            .unwrap()
            .done,
        ["1900000201"]
    );
}

#[test]
fn merchants_leave_an_old_rule_one_by_one() {
    let mut world = World::new();
    add(&mut world, new(Protocol::Old, &["1", "2"])).unwrap();
    let gone = world
        .run(|core, context| core.delete_merchants(context, CARD, &["1".into(), "9".into()]))
        .unwrap();
    assert_eq!((gone.done.len(), gone.failed.len()), (1, 1));
    let of = |world: &mut World, mchid: &str| {
        world.run(|core, context| core.pay_rule_of(context, mchid).is_some())
    };
    assert!(!of(&mut world, "1") && of(&mut world, "2"));
    assert!(
        world
            .run(|core, context| core.delete_merchants(context, CARD, &[]))
            .is_err()
    );
}

#[test]
fn times_amounts_cards_and_binding_are_checked() {
    let base = new(Protocol::New, &["1"]);
    for (rule, expected) in [
        (
            NewPayRule {
                begin_time: NOW + 2_000,
                ..base.clone()
            },
            40100,
        ),
        (
            NewPayRule {
                begin_time: 1,
                end_time: NOW,
                ..base.clone()
            },
            40079,
        ),
        (
            NewPayRule {
                least_cost: 2_000,
                ..base.clone()
            },
            47001,
        ),
        (
            NewPayRule {
                card_id: Some("none".into()),
                ..base.clone()
            },
            40073,
        ),
        (
            NewPayRule {
                mchids: Vec::new(),
                ..base.clone()
            },
            41011,
        ),
    ] {
        assert_eq!(
            add(&mut World::new(), rule).unwrap_err().errcode(),
            expected
        );
    }
    let mut world = World::new();
    world.rules.bound_merchant_ids = vec!["2".into()];
    assert_eq!(
        add(&mut world, base.clone()),
        Err(Refused::MerchantNotBound)
    );
    let some = add(&mut world, new(Protocol::New, &["1", "2"])).unwrap();
    assert_eq!(
        (some.done, some.failed[0].errcode),
        (vec!["2".to_owned()], 72002)
    );
    let custom = world.approved_base(|base| base.use_custom_code = Some(true));
    let rule = NewPayRule {
        card_id: Some(custom),
        mchids: vec!["2".into()],
        ..base
    };
    assert_eq!(add(&mut world, rule), Err(Refused::CustomCodes));
}

#[test]
fn an_unlocked_or_ended_rule_gives_its_merchant_ids_up() {
    let mut world = World::new();
    add(
        &mut world,
        NewPayRule {
            is_locked: false,
            ..new(Protocol::Old, &["1", "2"])
        },
    )
    .unwrap();
    let mut foreign = new(Protocol::Old, &["1"]);
    foreign.card_id = None;
    let taken = world.run(|core, context| {
        core.add_pay_rule(
            &Context {
                appid: OTHER_APPID,
                ..*context
            },
            foreign.clone(),
        )
    });
    assert_eq!(taken.unwrap().done, ["1"]);
    let still = world.run(|core, context| {
        core.pay_rule_of(context, "1")
            .map(|rule| rule.appid.clone())
    });
    assert_eq!(still.as_deref(), Some(OTHER_APPID));
    world.now += 1_000;
    world.rules.ended_rules_occupy = true;
    let later = NewPayRule {
        end_time: NOW + 9_000,
        ..new(Protocol::New, &["2"])
    };
    assert_eq!(add(&mut world, later.clone()).unwrap().done.len(), 0);
    world.rules.ended_rules_occupy = false;
    assert_eq!(add(&mut world, later).unwrap().done, ["2"]);
}

#[test]
fn a_payment_offers_the_card_within_window_and_amounts() {
    let mut world = World::new();
    add(&mut world, new(Protocol::New, &["1"])).unwrap();
    let pay = |world: &mut World, mchid: &str, fee: i64, joins: bool| {
        let payment = Payment {
            mchid: mchid.into(),
            openid: "oPayer".into(),
            fee,
            joins,
        };
        world
            .run(|core, context| core.pay(context, &payment))
            .unwrap()
    };
    for (mchid, fee, offered) in [
        ("1", 99, false),
        ("1", 100, true),
        ("1", 1_000, true),
        ("1", 1_001, false),
        ("2", 500, false),
    ] {
        assert_eq!(
            pay(&mut world, mchid, fee, false).is_some(),
            offered,
            "{mchid} {fee}"
        );
    }
    world.rules.rule_amounts_inclusive = false;
    assert!(pay(&mut world, "1", 100, false).is_none());
    let code = pay(&mut world, "1", 500, true)
        .unwrap()
        .claimed
        .unwrap()
        .code;
    assert!(
        world
            .run(|core, context| core.get_member(context, CARD, &code))
            .is_ok()
    );
    world.now += 1_000;
    assert!(pay(&mut world, "1", 500, false).is_none());
}

#[test]
fn lists_have_pages_and_only_own_rules_are_seen() {
    let mut world = World::new();
    for mchid in ["1", "2", "3"] {
        add(&mut world, new(Protocol::New, &[mchid])).unwrap();
    }
    add(
        &mut world,
        NewPayRule {
            begin_time: NOW + 500,
            ..new(Protocol::New, &["4"])
        },
    )
    .unwrap();
    let page = |world: &mut World, effective, offset| {
        let r#type = PayGiftRuleType::RuleTypePayMemberCard;
        let page = world
            .run(|core, context| core.list_pay_rules(context, &r#type, Some(effective), offset, 2));
        page.map(|page| (page.total, page.items.len())).unwrap()
    };
    assert_eq!(
        (
            page(&mut world, true, 0),
            page(&mut world, true, 2),
            page(&mut world, false, 2)
        ),
        ((3, 2), (3, 1), (4, 2))
    );
    let rule_id = world.core.pay_rules().next().unwrap().rule_id;
    let foreign = world.run(|core, context| {
        core.pay_rule(
            &Context {
                appid: OTHER_APPID,
                ..*context
            },
            rule_id,
        )
        .map(|_| ())
    });
    assert_eq!(foreign.unwrap_err().errcode(), 47001);
}

#[test]
fn the_settings_choose_the_reading_of_is_locked() {
    for (turned, is_locked, free) in [
        (false, true, false),
        (false, false, true),
        (true, true, true),
        (true, false, false),
    ] {
        let mut world = World::new();
        world.rules.locked_rules_give_way = turned;
        let rule = NewPayRule {
            is_locked,
            ..new(Protocol::Old, &["1"])
        };
        add(&mut world, rule).unwrap();
        let foreign = NewPayRule {
            card_id: None,
            ..new(Protocol::Old, &["1"])
        };
        let taken = world.run(|core, context| {
            let other = Context {
                appid: OTHER_APPID,
                ..*context
            };
            core.add_pay_rule(&other, foreign)
        });
        let done = !taken.unwrap().done.is_empty();
        assert_eq!(done, free, "{turned} {is_locked}");
    }
}

#[test]
fn the_settings_decide_whether_rules_end_with_their_card() {
    for (ends, left) in [(false, 1), (true, 0)] {
        let mut world = World::new();
        world.rules.deleting_a_card_ends_its_rules = ends;
        add(&mut world, new(Protocol::New, &["1"])).unwrap();
        world
            .run(|core, context| core.delete_template(context, CARD))
            .unwrap();
        let rules = world.run(|core, _| core.pay_rules().count());
        assert_eq!(rules, left);
    }
}
