use kabao_models::official_account::card::DateInfo;

use super::*;
use crate::official_account::testing::{APPID, CARD, CODE, NOW, World};

const TICKET: &str = "E0o2-at6NcC2OsJiQTlwlEXAMPLEcardticket_01";

fn ext(card_id: &str, nonce: &str) -> CardExt {
    let timestamp = NOW.to_string();
    CardExt {
        signature: card_signature(&[TICKET, &timestamp, card_id, nonce]),
        timestamp,
        nonce_str: Some(nonce.to_owned()),
        ..CardExt::default()
    }
}

fn claim(world: &mut World, card_id: &str, openid: &str, ext: &CardExt) -> Result<String, i64> {
    let claim = Claim {
        card_id: card_id.to_owned(),
        openid: openid.to_owned(),
        ..Claim::default()
    };
    world
        .run(|core, context| {
            let claim = core.signed_claim(context, &[TICKET.to_owned()], claim, ext)?;
            core.claim(context, &claim)
        })
        .map(|claimed| claimed.code)
        .map_err(|refused| refused.errcode())
}

#[test]
fn a_signed_claim_works_once_and_a_wrong_one_never() {
    let mut world = World::new();
    let card_id = world.approved(|_| ());
    let good = ext(&card_id, "Qx7f2LmB9a");
    let wrong = CardExt {
        signature: good.signature.to_uppercase(),
        ..good.clone()
    };
    let other = CardExt {
        nonce_str: Some("other".to_owned()),
        ..good.clone()
    };
    let no_time = CardExt {
        timestamp: String::new(),
        ..good.clone()
    };
    for bad in [&wrong, &other, &no_time, &CardExt::default()] {
        assert_eq!(claim(&mut world, &card_id, "oOne", bad), Err(40080));
    }
    assert!(claim(&mut world, &card_id, "oOne", &good).is_ok());
    assert_eq!(
        claim(&mut world, &card_id, "oTwo", &good),
        Err(40080),
        "a replay"
    );
    world.rules.card_ext_replay = Permit::Accept;
    assert!(claim(&mut world, &card_id, "oTwo", &good).is_ok());
}

#[test]
fn a_claim_that_fails_does_not_use_up_its_nonce() {
    let mut world = World::new();
    let card_id = world.approved(|_| ());
    world.claim(&card_id, "oOne");
    let good = ext(&card_id, "Qx7f2LmB9a");
    assert_eq!(claim(&mut world, &card_id, "oOne", &good), Err(45033));
    assert!(claim(&mut world, &card_id, "oTwo", &good).is_ok());
}

#[test]
fn an_old_signature_is_refused_where_the_setting_says_so() {
    let mut world = World::new();
    let card_id = world.approved(|_| ());
    world.now += 301;
    world.rules.card_ext_max_age_seconds = Some(300);
    let good = ext(&card_id, "Qx7f2LmB9a");
    assert_eq!(claim(&mut world, &card_id, "oOne", &good), Err(40080));
    world.rules.card_ext_max_age_seconds = None;
    assert!(claim(&mut world, &card_id, "oOne", &good).is_ok());
}

#[test]
fn code_and_openid_are_signed_and_stand_there_where_the_card_needs_them_only() {
    let mut world = World::new();
    let card_id = world.approved_base(|base| {
        base.use_custom_code = Some(true);
        base.bind_openid = Some(true);
        base.date_info = Some(DateInfo {
            r#type: Some(DateInfoType::DateTypeFixTerm),
            fixed_term: Some(10),
            fixed_begin_term: Some(0),
            ..DateInfo::default()
        });
    });
    let timestamp = NOW.to_string();
    let values = [TICKET, &timestamp, &card_id, "M0000001", "oOne", "n"];
    let good = CardExt {
        code: Some("M0000001".to_owned()),
        openid: Some("oOne".to_owned()),
        nonce_str: Some("n".to_owned()),
        fixed_begintimestamp: Some(NOW + 60),
        outer_str: Some("counter-7".to_owned()),
        outer_id: Some(7),
        signature: card_signature(&values),
        timestamp: timestamp.clone(),
    };
    let bare = ext(&card_id, "m");
    assert_eq!(claim(&mut world, &card_id, "oOne", &bare), Err(40080));
    assert_eq!(claim(&mut world, &card_id, "oTwo", &good), Err(40003));
    assert_eq!(
        claim(&mut world, &card_id, "oOne", &good).as_deref(),
        Ok("M0000001")
    );
    let state = world
        .run(|core, context| {
            core.code(
                context,
                "M0000001",
                Some(&card_id),
                super::super::Check::Consume,
            )
        })
        .unwrap();
    assert_eq!(
        (state.begin_time, state.end_time),
        (Some(NOW + 60), Some(NOW + 60 + 10 * 86_400))
    );
    assert_eq!(
        (state.card.outer_str.as_deref(), state.card.outer_id),
        (Some("counter-7"), Some(7))
    );
    let platform = world.approved(|_| ());
    let needless = CardExt {
        code: Some("M0000002".to_owned()),
        signature: card_signature(&[TICKET, &timestamp, &platform, "M0000002", "k"]),
        nonce_str: Some("k".to_owned()),
        timestamp,
        ..CardExt::default()
    };
    assert_eq!(claim(&mut world, &platform, "oOne", &needless), Err(40080));
}

#[test]
fn a_choice_shows_the_users_cards_that_it_names() {
    let mut world = World::new();
    let other = world.approved_base(|base| base.location_id_list = Some(vec![101]));
    world.claim(&other, "oOne");
    let third = world.approved(|_| ());
    world.claim(&third, "oOne");
    let choose = |world: &mut World, shop: &str, kind: &str, card_id: &str, ticket: &str| {
        let timestamp = NOW.to_string();
        let choice = Choice {
            openid: "oOne".to_owned(),
            shop_id: shop.to_owned(),
            card_type: kind.to_owned(),
            card_id: card_id.to_owned(),
            card_sign: card_signature(&[ticket, APPID, shop, kind, card_id, &timestamp, "n"]),
            timestamp,
            nonce_str: "n".to_owned(),
            sign_type: "SHA1".to_owned(),
        };
        world
            .run(|core, context| core.choose(context, &[TICKET.to_owned()], &choice))
            .map(|cards| {
                cards
                    .into_iter()
                    .map(|card| card.card_id)
                    .collect::<Vec<_>>()
            })
            .map_err(|refused| refused.errcode())
    };
    assert_eq!(choose(&mut world, "", "", "", TICKET).unwrap().len(), 2);
    let one = Ok(vec![other.clone()]);
    assert_eq!(choose(&mut world, "", "MEMBER_CARD", &other, TICKET), one);
    assert_eq!(choose(&mut world, "101", "", "", TICKET), one);
    assert_eq!(choose(&mut world, "", "CASH", "", TICKET), Ok(Vec::new()));
    assert_eq!(choose(&mut world, "", "", "", "another"), Err(40080));
    assert!(
        world
            .run(|core, context| core.code(context, CODE, Some(CARD), super::super::Check::Consume))
            .is_ok()
    );
}
