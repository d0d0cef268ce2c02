use kabao_models::Answer as _;
use kabao_models::merchant::cards::{BalanceInformation, DateInformation};
use kabao_models::merchant::{DateInformationType, UserCardStatus};

use super::super::template_rules::tests::creation;
use super::super::testing::{CARD, CODE, MERCHANT, context, core, rules};
use super::*;
use crate::clock::plus_days;
use crate::settings;

#[test]
fn a_new_template_waits_for_its_review() {
    let mut core = core();
    let rules = rules();
    let context = context(&rules);
    let card = core.create_template(&context, &creation("n-1")).unwrap();
    assert!(
        card.strict_violations().is_empty(),
        "{:?}",
        card.strict_violations()
    );
    assert_eq!(card.status, Some(CardTemplateStatus::NotApprove));
    assert_eq!(
        (card.total_quantity, card.remain_quantity),
        (Some(DEFAULT_STOCK), Some(DEFAULT_STOCK))
    );
    let card_id = card.card_id.unwrap();
    assert_eq!(card_id.len(), 28);
    assert_eq!(core.effects.len(), 1);
    core.review_template(&context, &card_id, true).unwrap();
    assert_eq!(
        core.get_template(&context, &card_id).unwrap().status,
        Some(CardTemplateStatus::Approved)
    );
}

#[test]
fn a_setting_approves_templates_at_once() {
    let mut core = core();
    let rules = settings::Merchant {
        approve_at_once: true,
        ..rules()
    };
    let card = core
        .create_template(&context(&rules), &creation("n-1"))
        .unwrap();
    assert_eq!(card.status, Some(CardTemplateStatus::Approved));
}

#[test]
fn stock_counts_for_allocated_codes_only() {
    for (mode, stock) in [
        (CodeMode::SystemAllocate, Some(7)),
        (CodeMode::MerchantDeposit, Some(0)),
        (CodeMode::RealTime, None),
    ] {
        let create = CreateCard {
            code_mode: Some(mode.clone()),
            total_quantity: Some(7),
            ..creation("n-1")
        };
        let card = core().create_template(&context(&rules()), &create).unwrap();
        assert_eq!(
            (card.total_quantity, card.remain_quantity),
            (stock, stock),
            "{mode:?}"
        );
    }
}

#[test]
fn lists_show_the_callers_templates_by_brand_and_appid() {
    let mut core = core();
    let rules = rules();
    let context = context(&rules);
    let card = core.create_template(&context, &creation("n-1")).unwrap();
    let all = core
        .list_templates(&context, &ListCards::new(0, 20))
        .unwrap();
    assert_eq!((all.items.len(), all.total), (2, 2));
    assert_eq!(all.items[0].card_id.as_deref(), Some(CARD));
    let by_appid = ListCards {
        appid: card.appid,
        ..ListCards::new(0, 20)
    };
    assert_eq!(
        core.list_templates(&context, &by_appid).unwrap().items[0].card_id,
        card.card_id
    );
    let nobody = Context {
        merchant: "1900000999",
        ..context
    };
    assert_eq!(
        core.list_templates(&nobody, &ListCards::new(0, 20))
            .unwrap()
            .total,
        0
    );
}

#[test]
fn a_modification_changes_what_it_has_and_says_when() {
    let mut core = core();
    let change = UpdateCard {
        title: Some("茶港金卡".into()),
        code_mode: Some(CodeMode::SystemAllocate),
        total_quantity: Some(50),
        ..UpdateCard::new(CARD)
    };
    core.update_template(&context(&rules()), &change).unwrap();
    let card = core.get_template(&context(&rules()), CARD).unwrap();
    assert_eq!(card.title.as_deref(), Some("茶港金卡"));
    assert_eq!(
        (card.total_quantity, card.remain_quantity),
        (Some(50), Some(49))
    );
    assert_eq!(
        card.update_time.as_deref(),
        Some("2026-01-01T08:00:00.000+08:00")
    );
    assert_eq!(card.status, Some(CardTemplateStatus::Approved));
    let fields: Vec<_> = core.effects[0]
        .changes
        .iter()
        .map(|change| change.field.as_str())
        .collect();
    assert!(
        fields.contains(&"title") && !fields.contains(&"code_mode"),
        "{fields:?}"
    );
}

#[test]
fn a_lowered_stock_does_not_forget_what_was_issued() {
    let mut core = core();
    for (total, remain) in [(0, 0), (1, 0), (3, 2)] {
        let change = UpdateCard {
            total_quantity: Some(total),
            ..UpdateCard::new(CARD)
        };
        core.update_template(&context(&rules()), &change).unwrap();
        let card = core.get_template(&context(&rules()), CARD).unwrap();
        assert_eq!(
            (card.total_quantity, card.remain_quantity),
            (Some(total), Some(remain))
        );
    }
}

#[test]
fn what_cannot_change_is_refused() {
    let rules = rules();
    let no_path = BalanceInformation {
        balance_appid: Some("wx1".into()),
        ..BalanceInformation::default()
    };
    for (change, expected) in [
        (
            UpdateCard {
                code_mode: Some(CodeMode::RealTime),
                ..UpdateCard::new(CARD)
            },
            Rule::CodeModeFixed,
        ),
        (
            UpdateCard {
                balance_information: Some(no_path),
                ..UpdateCard::new(CARD)
            },
            Rule::BalancePathEmpty,
        ),
        (UpdateCard::new("nobody"), Rule::CardIdInvalid),
    ] {
        let refused = core().update_template(&context(&rules), &change);
        assert_eq!(refused, Err(expected.into()));
    }
    let mut core = core();
    let other = Context {
        merchant: "1900000999",
        ..context(&rules)
    };
    assert_eq!(
        core.update_template(&other, &UpdateCard::new(CARD)),
        Err(Rule::NotOwner.into())
    );
    assert!(core.effects.is_empty());
    assert_ne!(MERCHANT, other.merchant);
}

#[test]
fn the_settings_decide_whether_the_other_code_modes_are_swapped() {
    let closed = settings::Merchant {
        code_modes_swap: false,
        ..rules()
    };
    for (rules, expected) in [
        (rules(), Ok(())),
        (closed, Err(Rule::CodeModesSwapped.into())),
    ] {
        let mut core = core();
        core.templates.get_mut(CARD).unwrap().card.code_mode = Some(CodeMode::RealTime);
        let swap = |mode| UpdateCard {
            code_mode: Some(mode),
            ..UpdateCard::new(CARD)
        };
        let context = context(&rules);
        core.update_template(&context, &swap(CodeMode::RealTime))
            .unwrap();
        let swapped = core.update_template(&context, &swap(CodeMode::MerchantDeposit));
        assert_eq!(swapped, expected);
    }
}

#[test]
fn the_settings_decide_what_a_modification_without_a_stock_does_to_it() {
    let resetting = settings::Merchant {
        update_resets_stock: true,
        ..rules()
    };
    let before = core().templates[CARD].card.total_quantity;
    assert_ne!(before, Some(DEFAULT_STOCK));
    for (rules, expected) in [(rules(), before), (resetting, Some(DEFAULT_STOCK))] {
        let mut core = core();
        core.update_template(&context(&rules), &UpdateCard::new(CARD))
            .unwrap();
        assert_eq!(core.templates[CARD].card.total_quantity, expected);
    }
}

#[test]
fn members_that_no_official_page_shows_can_be_left_out() {
    let rules = settings::Merchant {
        answer_unofficial_members: false,
        ..rules()
    };
    let mut core = core();
    let card = &mut core.templates.get_mut(CARD).unwrap().card;
    card.guide = Some(Default::default());
    card.service_modules = Some(Vec::new());
    let card = core.get_template(&context(&rules), CARD).unwrap();
    assert!(card.bonus.is_none() && card.guide.is_none() && card.service_modules.is_none());
    assert!(card.title.is_some());
    let key = (CARD.to_owned(), CODE.to_owned());
    let member = &mut core.members.get_mut(&key).unwrap().card;
    member.fapiao_jump_word = Some("开发票".into());
    let member = core.get_member(&context(&rules), CARD, CODE).unwrap();
    assert!(member.fapiao_jump_word.is_none() && member.bonus_value.is_some());
}

#[test]
fn deletion_is_final_unless_the_settings_say_otherwise() {
    let mut core = core();
    let strict = rules();
    core.delete_template(&context(&strict), CARD).unwrap();
    let card = core.get_template(&context(&strict), CARD).unwrap();
    assert_eq!(card.status, Some(CardTemplateStatus::Deleted));
    assert_eq!(
        core.delete_template(&context(&strict), CARD),
        Err(Rule::CardDeleted.into())
    );
    let lenient = settings::Merchant {
        modify_deleted_templates: true,
        ..rules()
    };
    core.delete_template(&context(&lenient), CARD).unwrap();
}

#[test]
fn a_changed_validity_reaches_present_cards_only_by_setting() {
    let change = UpdateCard {
        date_information: Some(DateInformation {
            r#type: Some(DateInformationType::FixTerm),
            available_day_after_receive: Some(1),
            ..DateInformation::default()
        }),
        ..UpdateCard::new(CARD)
    };
    for follows in [false, true] {
        let mut core = core();
        let rules = settings::Merchant {
            validity_follows_template: follows,
            ..rules()
        };
        let context = context(&rules);
        core.update_template(&context, &change).unwrap();
        let late = Context {
            now: plus_days(context.now, 2),
            ..context
        };
        let card = core.get_member(&late, CARD, CODE).unwrap();
        let expired = card.user_card_status == Some(UserCardStatus::Expire);
        assert_eq!(
            (expired, core.effects.len()),
            (follows, 1 + usize::from(follows))
        );
    }
}
