use kabao_models::Answer as _;
use kabao_models::merchant::user_cards::{SetUserCardUnavailable, UpdateUserCard};

use super::super::testing::{CARD, context, core, rules};
use super::*;
use crate::settings;

pub(in crate::merchant) fn claim_of(openid: &str) -> Claim {
    Claim {
        card_id: CARD.into(),
        user: User::of(openid),
        activated: true,
        ..Claim::default()
    }
}

/// Claims a card of the demo template and returns its code.
pub(in crate::merchant) fn claimed(core: &mut Core, openid: &str, activated: bool) -> String {
    let rules = rules();
    let card = core
        .claim(
            &context(&rules),
            &Claim {
                activated,
                ..claim_of(openid)
            },
        )
        .unwrap();
    core.effects.clear();
    card.code.unwrap().into_exposed()
}

#[test]
fn a_user_gets_one_card_and_can_take_a_deleted_one_back() {
    let mut core = core();
    let rules = rules();
    let context = context(&rules);
    let card = core.claim(&context, &claim_of("oNew")).unwrap();
    assert!(
        card.strict_violations().is_empty(),
        "{:?}",
        card.strict_violations()
    );
    let code = card.code.clone().unwrap().into_exposed();
    assert_eq!((code.len(), card.level.as_deref()), (12, Some("白银会员")));
    assert_eq!((card.balance, card.bonus_value), (Some(0), Some(100)));
    assert_eq!(
        core.claim(&context, &claim_of("oNew")),
        Err(Rule::AlreadyReceived.into())
    );
    core.delete_member(&context, CARD, &code).unwrap();
    let change = UpdateUserCard {
        level: Some("黄金".into()),
        ..UpdateUserCard::new(CARD, code.as_str(), "n1")
    };
    assert_eq!(
        core.update_member(&context, &change),
        Err(Rule::UserCardDeleted.into())
    );
    core.claim(&context, &claim_of("oNew")).unwrap();
    core.update_member(&context, &change).unwrap();
    assert_eq!(
        core.restore_member(&context, CARD, &code),
        Err(Rule::NotDeleted.into())
    );
}

#[test]
fn a_deleted_card_comes_back_as_it_was() {
    let mut core = core();
    let rules = rules();
    let code = claimed(&mut core, "oNew", false);
    core.delete_member(&context(&rules), CARD, &code).unwrap();
    let card = core.restore_member(&context(&rules), CARD, &code).unwrap();
    assert_eq!(card.user_card_status, Some(UserCardStatus::NotActivate));
}

#[test]
fn stock_falls_with_every_card_and_then_is_out() {
    let mut core = core();
    core.templates.get_mut(CARD).unwrap().card.remain_quantity = Some(1);
    claimed(&mut core, "o1", true);
    assert_eq!(core.templates[CARD].card.remain_quantity, Some(0));
    let rules = rules();
    assert_eq!(
        core.claim(&context(&rules), &claim_of("o2")),
        Err(Rule::OutOfStock.into())
    );
    assert!(core.effects.is_empty());
}

#[test]
fn a_card_that_ended_is_received_again_only_if_the_settings_say_so() {
    let mut core = core();
    let strict = rules();
    let code = claimed(&mut core, "oNew", true);
    let end = SetUserCardUnavailable::new(CARD, code.as_str());
    core.set_unavailable(&context(&strict), &end).unwrap();
    let refused = core.claim(&context(&strict), &claim_of("oNew"));
    assert_eq!(refused, Err(Rule::AlreadyReceived.into()));
    let lenient = settings::Merchant {
        receive_again_after_end: true,
        ..rules()
    };
    let card = core.claim(&context(&lenient), &claim_of("oNew")).unwrap();
    assert_ne!(card.code.unwrap().expose(), code);
}

#[test]
fn only_approved_templates_are_received() {
    let mut core = core();
    let strict = rules();
    core.review_template(&context(&strict), CARD, false)
        .unwrap();
    let refused = core.claim(&context(&strict), &claim_of("oNew"));
    assert_eq!(refused, Err(Rule::CardNotApproved.into()));
    let lenient = settings::Merchant {
        distribute_unapproved: true,
        ..rules()
    };
    core.claim(&context(&lenient), &claim_of("oNew")).unwrap();
    core.delete_template(&context(&strict), CARD).unwrap();
    let refused = core.claim(&context(&lenient), &claim_of("oOther"));
    assert_eq!(refused, Err(Rule::CardDeleted.into()));
}
