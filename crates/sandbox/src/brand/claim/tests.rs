//! Tests of joining and confirmation.

use kabao_models::brand::CommonField;
use kabao_models::{Answer as _, Personal};

use super::super::form::tests::information;
use super::super::testing::{CARD, CODE, OPENID, context, core, now, rule};
use super::super::validity::tests::range;
use super::*;

fn rules() -> settings::Brand {
    settings::Brand::default()
}

pub(in crate::brand) fn join(openid: &str) -> Join {
    Join {
        card_id: CARD.into(),
        openid: openid.into(),
        way: Way::BusinessCard,
        phone_number: None,
        user_information: None,
    }
}

fn mode(core: &mut Core, mode: CodeMode) {
    core.templates.get_mut(CARD).unwrap().card.code_mode = Some(mode);
}

/// A core in which `oWaits` waits for a confirmation, with an allocated code or without.
pub(in crate::brand) fn pending(rules: &settings::Brand, allocated: bool) -> (Core, String) {
    let mut core = core();
    mode(
        &mut core,
        if allocated {
            CodeMode::SystemAllocate
        } else {
            CodeMode::MerchantAllocate
        },
    );
    let card = core.join(&join("oWaits"), now(), rules).unwrap();
    let code = card
        .user_card_code
        .map(|code| code.into_exposed())
        .unwrap_or_default();
    (core, code)
}

fn key<'a>(openid: &'a str, code: &'a str) -> Key<'a> {
    Key {
        card_id: CARD,
        openid,
        code,
    }
}

const SUCCESS: UserCardConfirmState = UserCardConfirmState::CreateCardSuccess;
const FAIL: UserCardConfirmState = UserCardConfirmState::CreateCardFail;

#[test]
fn an_allocated_code_has_24_digits_and_must_be_confirmed() {
    let rules = rules();
    let (mut core, code) = pending(&rules, true);
    assert_eq!(code.len(), 24);
    assert!(code.bytes().all(|byte| byte.is_ascii_digit()));
    let other = core.confirm_member(
        &context(&rules),
        &key("oWaits", "other"),
        &SUCCESS,
        Data::default(),
    );
    assert_eq!(rule(other), Rule::CodeNotAllocated);
    let data = Data {
        level: Some("黄金".into()),
        attach: Some("crm=1".into()),
        ..Data::default()
    };
    let card = core
        .confirm_member(&context(&rules), &key("oWaits", &code), &SUCCESS, data)
        .unwrap();
    assert_eq!(card.user_card_state, Some(UserCardState::Effective));
    assert_eq!(
        (
            card.level.as_deref(),
            card.attach.as_ref().map(Personal::expose)
        ),
        (Some("黄金"), Some("crm=1"))
    );
    assert_eq!(card.strict_violations(), []);
    let again = core.confirm_member(
        &context(&rules),
        &key("oWaits", &code),
        &SUCCESS,
        Data::default(),
    );
    assert_eq!(rule(again), Rule::NoPendingCard);
}

#[test]
fn the_merchants_code_is_recorded_for_success_and_failure() {
    let rules = rules();
    let (mut core, _) = pending(&rules, false);
    let taken = core.confirm_member(
        &context(&rules),
        &key("oWaits", CODE),
        &SUCCESS,
        Data::default(),
    );
    assert_eq!(rule(taken), Rule::CodeTaken);
    let card = core
        .confirm_member(
            &context(&rules),
            &key("oWaits", "HT-1"),
            &FAIL,
            Data::default(),
        )
        .unwrap();
    assert_eq!(card.user_card_state, Some(UserCardState::Invalid));
    assert_eq!(
        core.get_member(&context(&rules), &key("oWaits", "HT-1"))
            .unwrap(),
        card
    );
    core.join(&join("oWaits"), now(), &rules).unwrap();
    let again = core.confirm_member(
        &context(&rules),
        &key("oWaits", "HT-1"),
        &SUCCESS,
        Data::default(),
    );
    assert_eq!(rule(again), Rule::CodeTaken);
    core.confirm_member(
        &context(&rules),
        &key("oWaits", "HT-2"),
        &SUCCESS,
        Data::default(),
    )
    .unwrap();
}

#[test]
fn a_user_is_offered_a_template_once() {
    let rules = rules();
    let again = settings::Brand {
        join_again_after_invalidation: true,
        ..rules.clone()
    };
    let never = settings::Brand {
        join_again_after_failure: false,
        ..rules.clone()
    };
    let mut core = core();
    assert_eq!(
        rule(core.join(&join(OPENID), now(), &rules)),
        Rule::HoldsCard
    );
    core.invalidate_member(&context(&rules), &key(OPENID, CODE), None)
        .unwrap();
    assert_eq!(
        rule(core.join(&join(OPENID), now(), &rules)),
        Rule::NotOffered
    );
    core.join(&join(OPENID), now(), &again).unwrap();
    core.delete_member(CARD, OPENID, now(), &again).unwrap();
    assert_eq!(
        rule(core.join(&join(OPENID), now(), &again)),
        Rule::NotOffered
    );
    let (mut core, code) = pending(&rules, true);
    core.confirm_member(
        &context(&rules),
        &key("oWaits", &code),
        &FAIL,
        Data::default(),
    )
    .unwrap();
    assert_eq!(
        rule(core.join(&join("oWaits"), now(), &never)),
        Rule::NotOffered
    );
    core.join(&join("oWaits"), now(), &rules).unwrap();
}

#[test]
fn only_usable_templates_are_joined_and_forms_are_checked() {
    let rules = rules();
    let mut core = core();
    let wrong = information(&[(CommonField::UserFormFlagSex, "M")]);
    let filled = Join {
        user_information: Some(wrong),
        ..join("oNew")
    };
    assert_eq!(rule(core.join(&filled, now(), &rules)), Rule::GenderWord);
    core.templates
        .get_mut(CARD)
        .unwrap()
        .card
        .valid_date_information = Some(range("2020-01-01", "2021-01-01"));
    assert_eq!(
        rule(core.join(&join("oNew"), now(), &rules)),
        Rule::TemplateExpired
    );
    core.invalidate_template(&context(&rules), CARD).unwrap();
    assert_eq!(
        rule(core.join(&join("oNew"), now(), &rules)),
        Rule::TemplateUnusable
    );
    let unknown = Join {
        card_id: "none".into(),
        ..join("oNew")
    };
    assert_eq!(
        rule(core.join(&unknown, now(), &rules)),
        Rule::TemplateUnusable
    );
}

#[test]
fn a_user_can_be_a_member_at_once() {
    let rules = rules();
    for mode_ in [CodeMode::SystemAllocate, CodeMode::MerchantAllocate] {
        let mut core = core();
        mode(&mut core, mode_);
        let card = core.enrol(&join("oNew"), None, now(), &rules).unwrap();
        assert_eq!(card.user_card_state, Some(UserCardState::Effective));
        assert_eq!(card.user_card_code.unwrap().expose().len(), 24);
        let card = core
            .enrol(&join("oOther"), Some("HT-1"), now(), &rules)
            .unwrap();
        assert_eq!(card.user_card_code.unwrap().expose(), "HT-1");
    }
}

#[test]
fn the_card_of_an_allocated_code_is_activated_once() {
    let rules = rules();
    let (mut core, code) = pending(&rules, true);
    let card = core.activate(CARD, &code, now(), &rules).unwrap();
    assert_eq!(card.user_card_state, Some(UserCardState::Effective));
    assert_eq!(
        rule(core.activate(CARD, &code, now(), &rules)),
        Rule::NoPendingCard
    );
    assert_eq!(
        rule(core.activate(CARD, "none", now(), &rules)),
        Rule::UserCardUnknown
    );
}

#[test]
fn a_card_waits_as_long_as_the_settings_say() {
    let rules = settings::Brand {
        confirmation_days: Some(2),
        ..rules()
    };
    let later = |days| Context {
        now: crate::clock::plus_days(now(), days),
        ..context(&rules)
    };
    let key = |code| key("oWaits", code);
    let (mut core, code) = pending(&rules, true);
    let shown = core.get_member(&later(2), &key(&code)).unwrap();
    assert_eq!(shown.user_card_state, Some(UserCardState::Invalid));
    let late = core.confirm_member(&later(2), &key(&code), &SUCCESS, Data::default());
    assert_eq!(rule(late), Rule::NoPendingCard);
    core.join(&join("oWaits"), later(2).now, &rules).unwrap();
    let (mut core, code) = pending(&rules, true);
    core.confirm_member(&later(1), &key(&code), &SUCCESS, Data::default())
        .unwrap();
    let shown = core.get_member(&later(99), &key(&code)).unwrap();
    assert_eq!(shown.user_card_state, Some(UserCardState::Effective));
}

#[test]
fn a_repeated_confirmation_is_answered_where_the_settings_say_so() {
    let answering = settings::Brand {
        repeated_confirmation_answers: true,
        ..rules()
    };
    for (rules, outcome, again) in [
        (&answering, SUCCESS, [None, Some(Rule::NoPendingCard)]),
        (&answering, FAIL, [Some(Rule::NoPendingCard), None]),
        (&rules(), SUCCESS, [Some(Rule::NoPendingCard); 2]),
    ] {
        let (mut core, code) = pending(rules, true);
        let mut confirm = |outcome: &_| {
            let key = key("oWaits", &code);
            core.confirm_member(&context(rules), &key, outcome, Data::default())
        };
        let first = confirm(&outcome).unwrap();
        for (outcome, expected) in [SUCCESS, FAIL].iter().zip(again) {
            match (confirm(outcome), expected) {
                (Ok(card), None) => assert_eq!(card, first),
                (result, expected) => assert_eq!(result.err().map(|it| it.rule), expected),
            }
        }
    }
}
