//! Tests of the life cycle of cards.

use kabao_models::official_account::card::{
    BaseInfoChange, CustomField, DateInfo, MemberCardChange, NewBaseInfo, NewMemberCard, NewSku,
};
use kabao_models::official_account::{CardStatus, CardType, DateInfoType};

use super::*;
use crate::official_account::template_rules::DEPOSIT;
use crate::official_account::testing::{
    ADVERTISED_CARD, APPID, CARD, CODE, NOW, OTHER_APPID, World, new_card,
};

fn create(world: &mut World, change: impl FnOnce(&mut NewMemberCard)) -> Result<String, i64> {
    let mut card = new_card();
    change(card.member_card.as_mut().unwrap());
    world
        .run(|core, context| core.create_template(context, &card))
        .map_err(|refused| refused.errcode())
}

fn refused_base(change: impl FnOnce(&mut NewBaseInfo)) -> Option<i64> {
    create(&mut World::new(), |card| {
        change(card.base_info.as_mut().unwrap())
    })
    .err()
}

fn status(world: &mut World, card_id: &str) -> CardStatus {
    let card = world
        .run(|core, context| core.get_template(context, card_id))
        .unwrap();
    card.member_card.unwrap().base_info.unwrap().status.unwrap()
}

fn with_prerogative(text: &str) -> MemberCardChange {
    MemberCardChange {
        prerogative: Some(text.into()),
        ..MemberCardChange::default()
    }
}

#[test]
fn a_new_card_waits_for_its_review() {
    let mut world = World::new();
    let card_id = create(&mut world, |_| ()).unwrap();
    assert!(card_id.starts_with('p') && card_id.len() == 28, "{card_id}");
    assert_eq!(
        status(&mut world, &card_id),
        CardStatus::CardStatusNotVerify
    );
    world
        .run(|core, context| core.review_template(context, &card_id, Review::Refuse))
        .unwrap();
    assert_eq!(
        status(&mut world, &card_id),
        CardStatus::CardStatusVerifyFail
    );
    let again = world.run(|core, context| core.review_template(context, &card_id, Review::Approve));
    assert_eq!(
        again,
        Err(Refused::CardStatus),
        "a failed card needs a correction first"
    );
    let corrected = world
        .run(|core, context| core.update_template(context, &card_id, &with_prerogative("九折")));
    assert_eq!(corrected, Ok(true));
    world
        .run(|core, context| core.review_template(context, &card_id, Review::Approve))
        .unwrap();
    world
        .run(|core, context| core.dispatch_template(context, &card_id))
        .unwrap();
    assert_eq!(status(&mut world, &card_id), CardStatus::CardStatusDispatch);
    world.rules.approve_at_once = true;
    let at_once = create(&mut world, |_| ()).unwrap();
    assert_eq!(status(&mut world, &at_once), CardStatus::CardStatusVerifyOk);
}

#[test]
fn each_wrong_definition_has_its_code() {
    let dates = |r#type, begin, end| {
        Some(DateInfo {
            r#type: Some(r#type),
            begin_timestamp: begin,
            end_timestamp: end,
            ..DateInfo::default()
        })
    };
    let range = || DateInfoType::DateTypeFixTimeRange;
    assert_eq!(
        refused_base(|base| base.date_info = dates(range(), Some(NOW), None)),
        Some(41011)
    );
    assert_eq!(
        refused_base(|base| base.date_info = dates(range(), Some(NOW + 9), Some(NOW + 8))),
        Some(40100)
    );
    assert_eq!(
        refused_base(|base| base.date_info = dates(range(), Some(1), Some(NOW))),
        Some(40079)
    );
    assert_eq!(
        refused_base(|base| base.date_info = dates(DateInfoType::DateTypeFixTerm, None, None)),
        Some(41011)
    );
    let sku = |quantity| {
        Some(NewSku {
            quantity: Some(quantity),
            ..NewSku::default()
        })
    };
    assert_eq!(refused_base(|base| base.sku = sku(-1)), Some(40122));
    assert_eq!(
        refused_base(|base| base.get_custom_code_mode = Some(DEPOSIT.into())),
        Some(47001)
    );
    let deposit_with_stock = refused_base(|base| {
        base.use_custom_code = Some(true);
        base.get_custom_code_mode = Some(DEPOSIT.into());
    });
    assert_eq!(deposit_with_stock, Some(40122));
    for (required, expected) in [(true, Err(52000)), (false, Ok(()))] {
        let mut world = World::new();
        world.rules.require_cdn_pictures = required;
        let created = create(&mut world, |card| {
            let base = card.base_info.as_mut().unwrap();
            base.logo_url = Some("https://example.com/logo.png".into());
        });
        assert_eq!(created.map(|_| ()), expected);
    }
    let slots = create(&mut World::new(), |card| {
        card.custom_field1 = Some(CustomField {
            name: Some("券".into()),
            ..CustomField::default()
        });
        card.custom_field2 = Some(CustomField {
            name: Some("券".into()),
            ..CustomField::default()
        });
    });
    assert_eq!(slots, Err(40124));
    let nameless = create(&mut World::new(), |card| {
        card.custom_field1 = Some(CustomField::default());
    });
    assert_eq!(nameless, Err(41011));
    let coupon = NewCard {
        card_type: Some(CardType::Groupon),
        ..new_card()
    };
    assert_eq!(
        World::new().run(|core, context| core.create_template(context, &coupon)),
        Err(Refused::CardType)
    );
}

#[test]
fn permissions_and_texts_come_from_the_settings() {
    let mut world = World::new();
    world.rules.custom_code_permission = false;
    let custom = create(&mut world, |card| {
        card.base_info.as_mut().unwrap().use_custom_code = Some(true)
    });
    assert_eq!(custom, Err(43009));
    world.rules.stored_value_permission = false;
    assert_eq!(create(&mut world, |_| ()), Err(43010));
    world.rules.stored_value_permission = true;
    world.rules.refused_texts = vec!["九五折".into()];
    assert_eq!(create(&mut world, |_| ()), Err(40151));
}

#[test]
fn a_deleted_card_takes_no_change_and_its_members_stay() {
    let mut world = World::new();
    world
        .run(|core, context| core.delete_template(context, CARD))
        .unwrap();
    assert_eq!(status(&mut world, CARD), CardStatus::CardStatusDelete);
    assert_eq!(
        world.run(|core, context| core.delete_template(context, CARD)),
        Err(Refused::CardStatus)
    );
    let change = with_prerogative("九折");
    assert_eq!(
        world.run(|core, context| core.update_template(context, CARD, &change)),
        Err(Refused::CardStatus)
    );
    assert_eq!(
        world.run(|core, context| core.modify_stock(context, CARD, 1, 0)),
        Err(Refused::CardStatus)
    );
    assert!(
        world
            .run(|core, context| core.get_member(context, CARD, CODE))
            .is_ok()
    );
    let mut older = World::new();
    older.rules.deleted_status = "CARD_STATUS_USER_DELETE".into();
    older
        .run(|core, context| core.delete_template(context, CARD))
        .unwrap();
    assert_eq!(status(&mut older, CARD), CardStatus::CardStatusUserDelete);
    for spelling in [
        CardStatus::CardStatusDelete,
        CardStatus::CardStatusUserDelete,
    ] {
        let listed =
            older.run(|core, context| core.list_templates(context, Some(&[spelling]), 0, 10));
        assert_eq!(listed.unwrap().total, 1);
    }
}

#[test]
fn lists_are_pages_of_the_callers_cards() {
    let mut world = World::new();
    let waiting = create(&mut world, |_| ()).unwrap();
    let approved = world.approved(|_| ());
    let mut list = |statuses: Option<&[CardStatus]>, offset, count| {
        world
            .run(|core, context| core.list_templates(context, statuses, offset, count))
            .map(|page| (page.items, page.total))
            .unwrap()
    };
    assert_eq!(
        list(None, 0, 50),
        (
            vec![
                CARD.to_owned(),
                ADVERTISED_CARD.to_owned(),
                waiting.clone(),
                approved
            ],
            4
        )
    );
    assert_eq!(list(None, 2, 1), (vec![waiting.clone()], 4));
    assert_eq!(
        list(Some(&[CardStatus::CardStatusNotVerify]), 0, 50),
        (vec![waiting], 1)
    );
    let foreign = world.run(|core, context| {
        let other = Context {
            appid: OTHER_APPID,
            ..*context
        };
        (
            core.list_templates(&other, None, 0, 50).unwrap().total,
            core.get_template(&other, CARD).err(),
        )
    });
    assert_eq!(foreign, (0, Some(Refused::CardForeign)));
    assert_eq!(world.core.owner(CARD), Some(APPID));
}

#[test]
fn a_held_change_shows_after_its_approval_and_a_refused_one_never() {
    let title = |world: &mut World| {
        let card = world
            .run(|core, context| core.get_template(context, CARD))
            .unwrap()
            .member_card
            .unwrap();
        (
            card.prerogative.unwrap(),
            card.base_info.unwrap().service_phone.unwrap(),
        )
    };
    let phone = MemberCardChange {
        base_info: Some(BaseInfoChange {
            service_phone: Some("10086".into()),
            ..BaseInfoChange::default()
        }),
        ..MemberCardChange::default()
    };
    for (review, expected) in [
        (Review::Approve, ("九折", "10086")),
        (Review::Refuse, ("会员享九五折。", "020-88888888")),
    ] {
        let mut world = World::new();
        world.rules.hold_reviewed_changes = true;
        let sent = world
            .run(|core, context| core.update_template(context, CARD, &with_prerogative("九折")));
        assert_eq!(sent, Ok(true));
        assert_eq!(
            world.run(|core, context| core.update_template(context, CARD, &phone)),
            Ok(false)
        );
        assert_eq!(title(&mut world).0, "会员享九五折。");
        world
            .run(|core, context| core.review_template(context, CARD, review))
            .unwrap();
        assert_eq!(
            title(&mut world),
            (expected.0.to_owned(), expected.1.to_owned())
        );
    }
}
