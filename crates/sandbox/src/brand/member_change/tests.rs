//! Tests of the life of a user card.

use kabao_models::Answer as _;
use kabao_models::brand::CommonField;

use super::super::claim::tests::{join, pending};
use super::super::form::tests::information;
use super::super::testing::{BRAND, CARD, CODE, OPENID, changed, context, core, now, rule};
use super::super::validity::tests::{permanent, term};
use super::*;
use crate::clock::plus_days;

const KEY: Key<'static> = Key {
    card_id: CARD,
    openid: OPENID,
    code: CODE,
};

fn rules() -> settings::Brand {
    settings::Brand::default()
}

fn level(text: &str) -> Data {
    Data {
        level: Some(text.into()),
        ..Data::default()
    }
}

#[test]
fn an_update_changes_what_it_has_and_keeps_sensitive_members_plain() {
    let mut core = core();
    let rules = rules();
    let before = core.get_member(&context(&rules), &KEY).unwrap();
    let data = Data {
        phone_number: Some(Sensitive::plain("13800000418")),
        ..level("黄金")
    };
    let card = core.update_member(&context(&rules), &KEY, data).unwrap();
    assert_eq!(card.level.as_deref(), Some("黄金"));
    assert_eq!(
        card.phone_number.as_ref().and_then(Sensitive::as_plain),
        Some("13800000418")
    );
    assert_eq!(card.card_color, before.card_color);
    assert_eq!(core.get_member(&context(&rules), &KEY).unwrap(), card);
    assert_eq!(card.strict_violations(), []);
    let fields = changed(&core);
    assert!(
        fields.contains(&"phone_number") && fields.contains(&"level"),
        "{fields:?}"
    );
    assert_eq!(core.effects[0].member.as_deref(), Some(CODE));
}

#[test]
fn all_names_must_fit() {
    let rules = rules();
    let core = core();
    for (brand, key, expected) in [
        ("2008", KEY, Rule::TemplateUnknown),
        (
            BRAND,
            Key {
                card_id: "none",
                ..KEY
            },
            Rule::TemplateUnknown,
        ),
        (
            BRAND,
            Key {
                openid: "oSomebodyElse",
                ..KEY
            },
            Rule::UserCardUnknown,
        ),
        (
            BRAND,
            Key {
                openid: "no openid",
                ..KEY
            },
            Rule::OpenidInvalid,
        ),
        (
            BRAND,
            Key {
                code: "000000000000",
                ..KEY
            },
            Rule::UserCardUnknown,
        ),
    ] {
        let context = Context {
            brand,
            ..context(&rules)
        };
        assert_eq!(rule(core.get_member(&context, &key)), expected);
    }
}

#[test]
fn an_update_is_checked_against_the_template() {
    let rules = settings::Brand {
        refused_texts: vec!["坏".into()],
        ..rules()
    };
    for (data, expected) in [
        (
            Data {
                valid_date_information: Some(term(3)),
                ..Data::default()
            },
            Rule::ValidityType,
        ),
        (
            Data {
                user_information: Some(information(&[(CommonField::UserFormFlagSex, "M")])),
                ..Data::default()
            },
            Rule::GenderWord,
        ),
        (level("坏会员"), Rule::ContentRefused),
    ] {
        let mut core = core();
        assert_eq!(
            rule(core.update_member(&context(&rules), &KEY, data)),
            expected
        );
        assert!(core.effects.is_empty());
    }
}

#[test]
fn only_effective_cards_are_updated_and_the_end_is_final() {
    let mut core = core();
    let rules = rules();
    let context = context(&rules);
    let reason = Some("会员要求".into());
    let card = core
        .invalidate_member(&context, &KEY, reason.clone())
        .unwrap();
    assert_eq!(card.user_card_state, Some(UserCardState::Invalid));
    assert_eq!(
        (card.invalid_reason, card.invalid_time.is_some()),
        (reason, true)
    );
    assert_eq!(
        rule(core.update_member(&context, &KEY, level("黄金"))),
        Rule::NotEffective
    );
    assert_eq!(
        rule(core.invalidate_member(&context, &KEY, None)),
        Rule::NotInvalidable
    );
    let deleted = core.delete_member(CARD, OPENID, now(), &rules);
    assert_eq!(rule(deleted), Rule::NotDeletable);
}

#[test]
fn a_wrong_openid_has_two_documented_answers() {
    let wrong = Key {
        openid: "oSomebodyElse",
        ..KEY
    };
    let strict = settings::Brand {
        invalidate_wrong_openid: WrongOpenid::ParamError,
        ..rules()
    };
    for (rules, expected) in [
        (rules(), Rule::UserCardUnknown),
        (strict, Rule::OpenidWrong),
    ] {
        let refused = core().invalidate_member(&context(&rules), &wrong, None);
        assert_eq!(rule(refused), expected);
    }
}

#[test]
fn a_term_ends_by_the_clock() {
    let mut core = core();
    let rules = rules();
    core.templates
        .get_mut(CARD)
        .unwrap()
        .card
        .valid_date_information = Some(term(30));
    let key = Key {
        card_id: CARD,
        openid: "oNew",
        code: "HT-1",
    };
    let taken = Data {
        pickup_time: Some(rfc3339(now())),
        ..Data::default()
    };
    core.import_by_openid(&context(&rules), &key, taken)
        .unwrap();
    let at = |days| Context {
        now: plus_days(now(), days),
        ..context(&rules)
    };
    for (days, expected) in [(29, UserCardState::Effective), (30, UserCardState::Expired)] {
        let card = core.get_member(&at(days), &key).unwrap();
        assert_eq!(card.user_card_state, Some(expected));
    }
    let longer = Data {
        valid_date_information: Some(term(90)),
        ..Data::default()
    };
    core.update_member(&at(29), &key, longer.clone()).unwrap();
    core.update_member(&at(89), &key, level("黄金")).unwrap();
    assert_eq!(
        rule(core.update_member(&at(90), &key, longer)),
        Rule::NotEffective
    );
    assert_eq!(
        rule(core.invalidate_member(&at(90), &key, None)),
        Rule::NotInvalidable
    );
    let permanent = Data {
        valid_date_information: Some(permanent()),
        ..Data::default()
    };
    assert_eq!(
        rule(core.update_member(&at(89), &key, permanent)),
        Rule::ValidityType
    );
}

#[test]
fn lists_show_one_users_cards_by_state() {
    let mut core = core();
    let rules = rules();
    let list = |core: &Core, rules: &settings::Brand, state: Option<UserCardState>| {
        let answer = core
            .list_members(&context(rules), OPENID, state.as_ref(), (0, 20))
            .unwrap();
        answer.total_count.unwrap()
    };
    assert_eq!(list(&core, &rules, None), 1);
    assert_eq!(list(&core, &rules, Some(UserCardState::Invalid)), 0);
    core.delete_member(CARD, OPENID, now(), &rules).unwrap();
    assert_eq!(list(&core, &rules, Some(UserCardState::Invalid)), 1);
    let refused = core.list_members(&context(&rules), "", None, (0, 20));
    assert_eq!(rule(refused), Rule::OpenidInvalid);
}

#[test]
fn cards_without_a_code_are_listed_if_the_settings_say_so() {
    let rules = rules();
    let (mut core, _) = pending(&rules, false);
    core.join(&join("oWaits"), now(), &rules).unwrap_err();
    let shown = settings::Brand {
        list_cards_without_code: true,
        ..rules.clone()
    };
    for (rules, expected) in [(rules, 0), (shown, 1)] {
        let answer = core
            .list_members(&context(&rules), "oWaits", None, (0, 20))
            .unwrap();
        assert_eq!(answer.total_count, Some(expected));
    }
}

#[test]
fn invalidating_a_template_can_end_its_cards() {
    for (ends, expected) in [
        (false, UserCardState::Effective),
        (true, UserCardState::Invalid),
    ] {
        let rules = settings::Brand {
            invalidation_ends_user_cards: ends,
            ..rules()
        };
        let mut core = core();
        core.invalidate_template(&context(&rules), CARD).unwrap();
        let card = core.get_member(&context(&rules), &KEY).unwrap();
        assert_eq!(card.user_card_state, Some(expected));
    }
}

#[test]
fn users_delete_the_card_of_a_code() {
    let mut core = core();
    let rules = rules();
    let unknown = core.delete_member_of_code(CARD, "none", now(), &rules);
    assert_eq!(rule(unknown), Rule::UserCardUnknown);
    let card = core
        .delete_member_of_code(CARD, CODE, now(), &rules)
        .unwrap();
    assert_eq!(card.user_card_state, Some(UserCardState::Invalid));
    assert_eq!(
        rule(core.delete_member_of_code(CARD, CODE, now(), &rules)),
        Rule::NotDeletable
    );
}

#[test]
fn the_settings_decide_whether_a_waiting_card_can_be_deleted() {
    for deletable in [true, false] {
        let rules = settings::Brand {
            delete_unactivated_cards: deletable,
            ..rules()
        };
        let (mut core, _) = pending(&rules, true);
        assert_eq!(
            core.delete_member(CARD, "oWaits", now(), &rules).is_ok(),
            deletable
        );
    }
}
