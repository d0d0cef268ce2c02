//! Tests of queries and changes of members.

use kabao_models::official_account::DateInfoType;
use kabao_models::official_account::card::DateInfo;

use super::*;
use crate::official_account::testing::{CARD, CODE, NOW, World};

fn change() -> UpdateUser {
    UpdateUser::new(CODE, CARD)
}

fn bonus(world: &mut World, change: &UpdateUser) -> Result<i64, Refused> {
    world
        .run(|core, context| core.update_member(context, change))
        .map(|totals| totals.bonus)
}

#[test]
fn an_absolute_value_wins_over_a_difference() {
    let mut world = World::new();
    let both = UpdateUser {
        bonus: Some(3_000),
        add_bonus: Some(30),
        ..change()
    };
    assert_eq!(bonus(&mut world, &both), Ok(3_000));
    assert_eq!(bonus(&mut world, &both), Ok(3_000));
    let add = UpdateUser {
        add_bonus: Some(-100),
        ..change()
    };
    assert_eq!(bonus(&mut world, &add), Ok(2_900));
    assert_eq!(bonus(&mut world, &add), Ok(2_800));
}

#[test]
fn an_unknown_code_and_a_deleted_card_are_told_apart() {
    let mut world = World::new();
    let unknown = UpdateUser {
        bonus: Some(1),
        ..UpdateUser::new("000000000000", CARD)
    };
    assert_eq!(bonus(&mut world, &unknown), Err(Refused::Code));
    world
        .run(|core, context| core.delete_member(context, CARD, CODE))
        .unwrap();
    assert_eq!(
        bonus(
            &mut world,
            &UpdateUser {
                bonus: Some(1),
                ..change()
            }
        ),
        Err(Refused::UserCardStatus)
    );
    let shown = world
        .run(|core, context| core.get_member(context, CARD, CODE))
        .unwrap();
    assert_eq!(
        (shown.user_card_status, shown.has_active),
        (Some(UserCardStatus::Delete), Some(true))
    );
}

#[test]
fn an_overflow_is_refused_and_negative_totals_by_setting() {
    let mut world = World::new();
    bonus(
        &mut world,
        &UpdateUser {
            bonus: Some(1),
            ..change()
        },
    )
    .unwrap();
    assert!(
        bonus(
            &mut world,
            &UpdateUser {
                add_bonus: Some(i64::MAX),
                ..change()
            }
        )
        .is_err()
    );
    let negative = UpdateUser {
        bonus: Some(-5),
        ..change()
    };
    world.rules.refuse_negative_totals = true;
    assert!(bonus(&mut world, &negative).is_err());
    world.rules.refuse_negative_totals = false;
    assert_eq!(bonus(&mut world, &negative), Ok(-5));
}

#[test]
fn stored_value_and_pictures_need_their_permissions() {
    let mut world = World::new();
    let picture = UpdateUser {
        background_pic_url: Some("https://example.com/a.png".into()),
        ..change()
    };
    assert!(bonus(&mut world, &picture).is_ok());
    world.rules.require_cdn_pictures = true;
    assert_eq!(bonus(&mut world, &picture), Err(Refused::Picture));
    world.rules.stored_value_permission = false;
    let balance = UpdateUser {
        add_balance: Some(100),
        ..change()
    };
    assert_eq!(bonus(&mut world, &balance), Err(Refused::StoredValue));
}

#[test]
fn a_member_number_in_the_body_counts_unless_switched_off() {
    let mut world = World::new();
    let mut number = change();
    number
        .extra
        .insert_json("membership_number", "\"M0000002\"".into())
        .unwrap();
    world.rules.update_membership_number = false;
    bonus(&mut world, &number).unwrap();
    let shown = |world: &mut World| {
        let info = world
            .run(|core, context| core.get_member(context, CARD, CODE))
            .unwrap();
        info.membership_number.map(|number| number.into_exposed())
    };
    assert_ne!(shown(&mut world).as_deref(), Some("M0000002"));
    world.rules.update_membership_number = true;
    bonus(&mut world, &number).unwrap();
    assert_eq!(shown(&mut world).as_deref(), Some("M0000002"));
}

#[test]
fn settings_decide_about_hidden_balances_and_unusable_cards() {
    let mut world = World::new();
    let card_id = world.approved(|card| card.supply_balance = Some(false));
    let code = world.claim(&card_id, "oNew");
    let balance = UpdateUser {
        balance: Some(100),
        ..UpdateUser::new(code.as_str(), card_id.as_str())
    };
    assert!(bonus(&mut world, &balance).is_ok());
    world.rules.balance_without_slot = false;
    assert_eq!(bonus(&mut world, &balance), Err(Refused::StoredValue));
    let listed = |world: &mut World| {
        world
            .run(|core, context| core.list_members(context, "oNew", None))
            .map(|cards| cards.len())
    };
    assert_eq!(listed(&mut world), Ok(1));
    world
        .run(|core, context| core.delete_member(context, &card_id, &code))
        .unwrap();
    assert_eq!(listed(&mut world), Ok(0));
    world.rules.list_unusable_cards = true;
    assert_eq!(listed(&mut world), Ok(1));
}

#[test]
fn the_setting_decides_whether_expired_cards_change() {
    let mut world = World::new();
    let card_id = world.approved_base(|base| {
        base.date_info = Some(DateInfo {
            r#type: Some(DateInfoType::DateTypeFixTimeRange),
            begin_timestamp: Some(NOW),
            end_timestamp: Some(NOW + 60),
            ..DateInfo::default()
        });
    });
    let code = world.claim(&card_id, "oNew");
    let change = UpdateUser {
        bonus: Some(1),
        ..UpdateUser::new(code.as_str(), card_id.as_str())
    };
    world.now += 60;
    let shown = world.run(|core, context| core.get_member(context, &card_id, &code));
    assert_eq!(
        shown.unwrap().user_card_status,
        Some(UserCardStatus::Expire)
    );
    assert!(bonus(&mut world, &change).is_ok());
    world.rules.update_expired_cards = false;
    assert_eq!(bonus(&mut world, &change), Err(Refused::UserCardStatus));
}
