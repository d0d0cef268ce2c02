//! Tests of the life of a template.

use kabao_models::Answer as _;
use kabao_models::brand::JumpTarget;

use super::super::template_rules::tests::card;
use super::super::testing::{BRAND, CARD, changed, context, core, rule};
use super::*;
use crate::clock::plus_days;
use crate::settings;

fn rules() -> settings::Brand {
    settings::Brand::default()
}

#[test]
fn a_new_template_is_effective_and_complete() {
    let mut core = core();
    let rules = rules();
    let created = core.create_template(&context(&rules), card("n-1")).unwrap();
    assert_eq!(created.strict_violations(), []);
    assert_eq!(created.state, Some(CardState::CardEffective));
    assert_eq!(created.brand_id.as_deref(), Some(BRAND));
    assert_eq!(
        created.create_time.as_deref(),
        Some("2026-01-01T08:00:00+08:00")
    );
    assert_eq!(core.effects[0].out_request_no.as_deref(), Some("n-1"));
    let card_id = created.card_id.clone().unwrap();
    assert_eq!(card_id.len(), 28);
    assert_eq!(
        core.get_template(&context(&rules), &card_id).unwrap(),
        created
    );
}

#[test]
fn two_templates_are_the_limit() {
    let mut core = core();
    let rules = rules();
    let context = context(&rules);
    core.create_template(&context, card("n-1")).unwrap();
    assert_eq!(
        rule(core.create_template(&context, card("n-2"))),
        Rule::TooManyTemplates
    );
    core.invalidate_template(&context, CARD).unwrap();
    core.create_template(&context, card("n-2")).unwrap();
    let strict = settings::Brand {
        count_invalid_templates: true,
        ..rules.clone()
    };
    let context = Context {
        rules: &strict,
        ..context
    };
    assert_eq!(
        rule(core.create_template(&context, card("n-3"))),
        Rule::TooManyTemplates
    );
    let other = Context {
        brand: "2008",
        ..context
    };
    core.create_template(&other, card("n-1")).unwrap();
}

#[test]
fn only_normal_cards_are_open() {
    let rules = rules();
    for kind in [CardType::Purchase, CardType::Balance] {
        let card = Card {
            card_type: Some(kind),
            ..card("n-1")
        };
        assert_eq!(
            rule(core().create_template(&context(&rules), card)),
            Rule::CardTypeClosed
        );
    }
}

#[test]
fn an_update_changes_what_it_has() {
    let mut core = core();
    let rules = rules();
    let before = core.get_template(&context(&rules), CARD).unwrap();
    let change = Card {
        card_title: Some("茶港金卡".into()),
        init_level: Some("黄金".into()),
        points_information: Some(JumpTarget {
            jump_appid: Some("wx1".into()),
            jump_path: Some("/points".into()),
            ..JumpTarget::default()
        }),
        ..Card::default()
    };
    let later = Context {
        now: plus_days(context(&rules).now, 1),
        ..context(&rules)
    };
    let after = core.update_template(&later, CARD, change).unwrap();
    assert_eq!(after.card_title.as_deref(), Some("茶港金卡"));
    assert_eq!(after.init_level, before.init_level);
    assert_eq!(
        after.modify_time.as_deref(),
        Some("2026-01-02T08:00:00+08:00")
    );
    assert_eq!(after.benefits, before.benefits);
    let fields = changed(&core);
    assert!(
        fields.contains(&"card_title") && !fields.contains(&"init_level"),
        "{fields:?}"
    );
}

#[test]
fn older_members_act_if_the_settings_say_so() {
    let rules = settings::Brand {
        accept_legacy_fields: true,
        ..rules()
    };
    let change = Card {
        init_level: Some("黄金".into()),
        ..Card::default()
    };
    let card = core()
        .update_template(&context(&rules), CARD, change)
        .unwrap();
    assert_eq!(card.init_level.as_deref(), Some("黄金"));
}

#[test]
fn both_names_of_the_change_time_are_shown_unless_the_settings_say_otherwise() {
    let both = core().get_template(&context(&rules()), CARD).unwrap();
    assert!(both.modify_time.is_some());
    assert_eq!(both.update_time, both.modify_time);
    let one = settings::Brand {
        answer_update_time: false,
        ..rules()
    };
    let one = core().get_template(&context(&one), CARD).unwrap();
    assert_eq!((one.update_time, one.modify_time), (None, both.modify_time));
}

#[test]
fn invalidation_is_final() {
    let mut core = core();
    let rules = rules();
    let card = core.invalidate_template(&context(&rules), CARD).unwrap();
    assert_eq!(card.state, Some(CardState::CardInvalid));
    assert_eq!(
        core.invalidate_template(&context(&rules), CARD).unwrap(),
        card
    );
    assert_eq!(core.effects.len(), 1);
    let strict = settings::Brand {
        refuse_second_invalidation: true,
        update_invalid_templates: false,
        ..rules
    };
    let context_ = context(&strict);
    assert_eq!(
        rule(core.invalidate_template(&context_, CARD)),
        Rule::TemplateInvalid
    );
    let change = core.update_template(&context_, CARD, Card::default());
    assert_eq!(rule(change), Rule::TemplateInvalid);
}

#[test]
fn another_brands_template_is_unknown() {
    let rules = rules();
    let other = Context {
        brand: "2008",
        ..context(&rules)
    };
    assert_eq!(
        rule(core().get_template(&other, CARD)),
        Rule::TemplateUnknown
    );
    assert_eq!(
        rule(core().usable_template(&other, CARD)),
        Rule::TemplateUnusable
    );
}

#[test]
fn lists_filter_by_state_and_keep_their_order() {
    let mut core = core();
    let rules = rules();
    let context = context(&rules);
    let second = core.create_template(&context, card("n-1")).unwrap().card_id;
    core.invalidate_template(&context, CARD).unwrap();
    let list = |state: Option<CardState>| {
        let answer = core
            .list_templates(&context, state.as_ref(), 0, 20)
            .unwrap();
        assert_eq!(answer.strict_violations(), []);
        let ids: Vec<_> = answer
            .data
            .unwrap_or_default()
            .into_iter()
            .map(|card| card.card_id)
            .collect();
        assert_eq!(answer.total_count, i64::try_from(ids.len()).ok());
        ids
    };
    assert_eq!(list(None), [Some(CARD.to_owned()), second.clone()]);
    assert_eq!(list(Some(CardState::CardEffective)), [second]);
    assert_eq!(list(Some(CardState::CardInvalid)), [Some(CARD.to_owned())]);
}
