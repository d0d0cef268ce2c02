//! Tests of what merchants change, and of what they are shown.

use super::super::claim::tests::claimed;
use super::super::testing::{CARD, CODE, context, core, rules};
use super::*;
use crate::clock::plus_days;
use crate::settings;

fn official_example() -> UpdateUserCard {
    UpdateUserCard {
        level: Some("黄金会员".into()),
        membership_number: Some("478515832665".into()),
        balance_information: Some(BalanceChange {
            before_balance: Some(888),
            balance: Some(888),
            add_balance: Some(100),
            ..BalanceChange::default()
        }),
        ..UpdateUserCard::new(CARD, CODE, "1004202601010001")
    }
}

fn points(
    number: &str,
    before: Option<i64>,
    after: Option<i64>,
    add: Option<i64>,
) -> UpdateUserCardRights {
    UpdateUserCardRights {
        before_bonus_value: before,
        bonus_value: after,
        add_bonus_value: add,
        ..UpdateUserCardRights::new(CARD, CODE, number)
    }
}

#[test]
fn the_official_balance_sample_is_stored_once_whatever_its_sum() {
    let mut core = core();
    let rules = rules();
    for _ in 0..3 {
        core.update_member(&context(&rules), &official_example())
            .unwrap();
    }
    let card = core.get_member(&context(&rules), CARD, CODE).unwrap();
    assert_eq!(card.balance, Some(888));
    assert_eq!(core.effects.len(), 1);
    assert_eq!(
        core.effects[0].out_request_no.as_deref(),
        Some("1004202601010001")
    );
}

#[test]
fn checks_of_balance_and_points_can_be_switched_on() {
    let equation = settings::Merchant {
        check_equation: true,
        ..rules()
    };
    let before = settings::Merchant {
        check_before: true,
        ..rules()
    };
    let negative = settings::Merchant {
        refuse_negative: true,
        ..rules()
    };
    let wrong_before = UpdateUserCard {
        balance_information: Some(BalanceChange {
            before_balance: Some(1),
            ..official_example().balance_information.unwrap()
        }),
        ..official_example()
    };
    for (rules, request, field) in [
        (&equation, official_example(), "balance_information/balance"),
        (&before, wrong_before, "balance_information/before_balance"),
    ] {
        let error = core().update_member(&context(rules), &request).unwrap_err();
        assert!(
            matches!(error, Refused::Value { field: found, .. } if found == field),
            "{error:?}"
        );
    }
    for (rules, request, field) in [
        (
            &equation,
            points("n", Some(500), Some(600), Some(99)),
            "bonus_value",
        ),
        (
            &before,
            points("n", Some(1), Some(600), Some(599)),
            "before_bonus_value",
        ),
        (
            &negative,
            points("n", None, None, Some(-601)),
            "bonus_value",
        ),
    ] {
        let error = core()
            .update_member_rights(&context(rules), &request)
            .unwrap_err();
        assert!(
            matches!(error, Refused::Value { field: found, .. } if found == field),
            "{error:?}"
        );
    }
}

#[test]
fn points_are_set_or_added() {
    let mut core = core();
    let rules = rules();
    let context = context(&rules);
    for (number, change, expected) in [
        ("n1", (Some(500), Some(650), Some(100)), 650),
        ("n2", (None, None, Some(-50)), 600),
        ("n3", (None, None, None), 600),
    ] {
        core.update_member_rights(&context, &points(number, change.0, change.1, change.2))
            .unwrap();
        let card = core.get_member(&context, CARD, CODE).unwrap();
        assert_eq!(card.bonus_value, Some(expected), "{number}");
    }
    let together = settings::Merchant {
        points_members_together: true,
        ..rules.clone()
    };
    let together = Context {
        rules: &together,
        ..context
    };
    let refused = core.update_member_rights(&together, &points("n4", None, Some(1), None));
    assert_eq!(refused, Err(Refused::Required("bonus_value")));
}

#[test]
fn texts_of_the_sections_are_kept() {
    let mut core = core();
    let request = UpdateUserCardRights {
        member_price_word: Some("八五折".into()),
        fapiao_jump_word: Some("开发票".into()),
        ..UpdateUserCardRights::new(CARD, CODE, "n1")
    };
    core.update_member_rights(&context(&rules()), &request)
        .unwrap();
    let member = core.members.values().next().unwrap();
    assert_eq!(member.member_price_word.as_deref(), Some("八五折"));
    assert_eq!(member.card.fapiao_jump_word.as_deref(), Some("开发票"));
    assert_eq!(core.effects[0].changes.len(), 2);
}

#[test]
fn unusable_cards_are_not_modified_unless_the_settings_say_so() {
    let mut core = core();
    let strict = rules();
    let late = Context {
        now: plus_days(context(&strict).now, 20 * 366),
        ..context(&strict)
    };
    assert_eq!(
        core.update_member(&late, &official_example()),
        Err(Rule::UserCardExpired.into())
    );
    core.delete_member(&context(&strict), CARD, CODE).unwrap();
    let refused = core.update_member(&context(&strict), &official_example());
    assert_eq!(refused, Err(Rule::UserCardDeleted.into()));
    let lenient = settings::Merchant {
        modify_unusable_cards: true,
        ..rules()
    };
    core.update_member(&context(&lenient), &official_example())
        .unwrap();
}

fn status(core: &Core, code: &str) -> UserCardStatus {
    core.get_member(&context(&rules()), CARD, code)
        .unwrap()
        .user_card_status
        .unwrap()
}

#[test]
fn a_dynamic_code_finds_its_member_while_it_is_shown() {
    let mut core = core();
    core.templates.get_mut(CARD).unwrap().card.need_dynamic_code = Some(true);
    let rules = rules();
    let context = context(&rules);
    let code = dynamic_code::of(CARD, CODE, context.now, 60);
    let found = core.get_member(&context, CARD, &code).unwrap();
    assert_eq!(found.code.unwrap().expose(), CODE);
    let later = Context {
        now: plus_days(context.now, 1),
        ..context
    };
    assert_eq!(
        core.get_member(&later, CARD, &code),
        Err(Rule::CodeNotExist.into())
    );
}

#[test]
fn a_card_with_a_term_expires_by_time_alone() {
    let core = core();
    let rules = rules();
    let late = Context {
        now: plus_days(context(&rules).now, 20 * 366),
        ..context(&rules)
    };
    let shown = core.get_member(&late, CARD, CODE).unwrap();
    assert_eq!(shown.user_card_status, Some(UserCardStatus::Expire));
}

#[test]
fn unavailable_is_final() {
    let mut core = core();
    let rules = rules();
    let context = context(&rules);
    let request = SetUserCardUnavailable {
        reason: Some("注销".into()),
        ..SetUserCardUnavailable::new(CARD, CODE)
    };
    core.set_unavailable(&context, &request).unwrap();
    core.set_unavailable(&context, &request).unwrap();
    assert_eq!(status(&core, CODE), UserCardStatus::Unavailable);
    assert_eq!(core.effects.len(), 1);
    assert_eq!(
        core.delete_member(&context, CARD, CODE),
        Err(Rule::UserCardUnavailable.into())
    );
    let strict = settings::Merchant {
        refuse_second_invalidation: true,
        ..rules.clone()
    };
    let strict = Context {
        rules: &strict,
        ..context
    };
    assert_eq!(
        core.set_unavailable(&strict, &request),
        Err(Rule::UserCardUnavailable.into())
    );
}

#[test]
fn the_settings_decide_whether_a_deleted_card_becomes_unavailable() {
    let request = SetUserCardUnavailable::new(CARD, CODE);
    let closed = settings::Merchant {
        invalidate_ended_cards: false,
        ..rules()
    };
    let refused = Err(Rule::UserCardDeleted.into());
    for (rules, expected) in [(rules(), Ok(())), (closed, refused)] {
        let mut core = core();
        let context = context(&rules);
        core.delete_member(&context, CARD, CODE).unwrap();
        assert_eq!(core.set_unavailable(&context, &request), expected);
    }
}

#[test]
fn a_confirmed_success_activates_and_stands() {
    let mut core = core();
    let rules = rules();
    let context = context(&rules);
    let code = claimed(&mut core, "oNew", false);
    let confirm = |core: &mut Core, state| {
        core.confirm_member(&context, &ConfirmUserCard::new(CARD, code.as_str(), state))
    };
    confirm(&mut core, UserCardConfirmState::CreateCardSuccess).unwrap();
    assert_eq!(status(&core, &code), UserCardStatus::Effective);
    confirm(&mut core, UserCardConfirmState::CreateCardSuccess).unwrap();
    let refused = confirm(&mut core, UserCardConfirmState::CreateCardFail);
    assert_eq!(refused, Err(Rule::AlreadyConfirmed.into()));
}

#[test]
fn a_confirmed_failure_leaves_the_card_waiting() {
    let mut core = core();
    let code = claimed(&mut core, "oNew", false);
    let state = UserCardConfirmState::CreateCardFail;
    let request = ConfirmUserCard::new(CARD, code.as_str(), state);
    let strict = settings::Merchant {
        confirm_needs_reason: true,
        ..rules()
    };
    let refused = core.confirm_member(&context(&strict), &request);
    assert_eq!(refused, Err(Refused::Required("fail_reason")));
    let closed = settings::Merchant {
        confirm_for_merchants: false,
        ..rules()
    };
    assert_eq!(
        core.confirm_member(&context(&closed), &request),
        Err(Rule::ConfirmNotOpen.into())
    );
    core.confirm_member(&context(&rules()), &request).unwrap();
    assert_eq!(status(&core, &code), UserCardStatus::NotActivate);
}

#[test]
fn lists_show_what_an_openid_has() {
    let mut core = core();
    let rules = rules();
    let context = context(&rules);
    let code = claimed(&mut core, "oNew", true);
    core.delete_member(&context, CARD, &code).unwrap();
    let list = ListUserCards::new("oNew", 0, 20);
    let page = core.list_members(&context, &list).unwrap();
    assert_eq!(
        (page.total, page.items[0].code.as_ref().unwrap().expose()),
        (1, code.as_str())
    );
    let usable = settings::Merchant {
        list_unusable_cards: false,
        ..rules.clone()
    };
    let usable = Context {
        rules: &usable,
        ..context
    };
    assert_eq!(core.list_members(&usable, &list).unwrap().total, 0);
    let other = ListUserCards {
        appid: Some("wx-other".into()),
        ..list
    };
    assert_eq!(core.list_members(&context, &other).unwrap().total, 0);
}
