//! Request numbers that come again.

use kabao_models::brand::membership_activities::CreateMembershipActivity;
use kabao_models::brand::{direct_user_points, user_feeds, user_points};

use super::*;
use crate::brand::activity::tests::request as activity;
use crate::settings::RepeatedNumber::{self, Apply, Refuse, Replay};

fn points(balance: i64) -> user_points::SyncUserPoints {
    user_points::SyncUserPoints::new("n-1", BRAND, CARD, OPENID, CODE, balance)
}

/// Sends a request, the same again and another one under its number, and checks what is refused and
/// that a replay has the answer of the first.
fn repeat<E>(mut client: Client, first: E, other: E, expected: [Option<Rule>; 2])
where
    E: Serve<Core = Core>,
{
    let answer = client.send(first.clone()).unwrap();
    let effects = client.core.effects.len();
    let again = client.send(first);
    if let Ok(again) = &again
        && client.core.effects.len() == effects
    {
        assert_eq!(*again, answer);
    }
    let other = client.send(other);
    let rules = [again, other].map(|result| result.err().map(|refused| refused.rule));
    assert_eq!(rules, expected, "{}", E::OPERATION.id);
}

#[test]
fn the_settings_decide_about_numbers_of_points_and_activities() {
    let used = Some(Rule::NumberUsed);
    let client = |rule: RepeatedNumber| {
        let mut client = Client::new();
        client.settings.brand.repeated_points_number = rule;
        client.settings.brand.repeated_activity_number = rule;
        client
    };
    for (rule, expected) in [
        (Replay, [None, used]),
        (Refuse, [used, used]),
        (Apply, [None, None]),
    ] {
        repeat(client(rule), points(400), points(500), expected);
    }
    let named = |number: &str, title: &str| CreateMembershipActivity {
        brand_id: brand(),
        title: Some(title.into()),
        ..activity(number)
    };
    for (rule, expected) in [
        (Replay, [None, used]),
        (Refuse, [used, used]),
        // A template has one activity at a time only by another rule.
        (Apply, [None, None]),
    ] {
        repeat(
            client(rule),
            named("n-1", "入会有礼"),
            named("n-1", "别的"),
            expected,
        );
    }
}

#[test]
fn numbers_of_templates_and_feeds_are_never_reused() {
    let create = |title: &str| {
        let card = Card {
            brand_id: brand(),
            card_title: Some(title.into()),
            ..card("n-1")
        };
        overlay::<cards::CreateCard, _>(&Default::default(), &card, &[]).unwrap()
    };
    let used = [Some(Rule::NumberUsed); 2];
    repeat(
        Client::new(),
        create("茶港会员卡"),
        create("茶港金卡"),
        used,
    );
    let feed = |cell: &str| user_feeds::CreateUserFeed {
        brand_id: brand(),
        card_id: named(CARD),
        user_card_code: openid(CODE),
        openid: openid(OPENID),
        out_request_no: named("n-1"),
        cell: named(cell),
        ..Default::default()
    };
    repeat(
        Client::new(),
        feed("1_400"),
        feed("1_500"),
        [Some(Rule::FeedExists); 2],
    );
}

#[test]
fn a_brand_counts_the_same_numbers_whoever_calls() {
    let mut client = Client::new();
    let answer = client.send(points(400)).unwrap();
    let direct = direct_user_points::SyncDirectUserPoints::new("n-1", CARD, OPENID, CODE, 400);
    assert_eq!(client.send(direct.clone()).unwrap(), answer);
    assert_eq!(client.core.effects.len(), 1);
    let other = direct_user_points::SyncDirectUserPoints {
        point_balance: Some(500),
        ..direct
    };
    assert_eq!(rule(client.send(other)), Rule::NumberUsed);
}

#[test]
fn nobody_hears_what_another_brand_was_answered() {
    let mut client = Client::new();
    client.send(points(400)).unwrap();
    let other = AccountConfig::brand("other", "1900000999", "2008");
    client.account = Arc::new(Account::new(other, None).unwrap());
    for balance in [400, 500] {
        assert_eq!(rule(client.send(points(balance))), Rule::BrandUnauthorized);
    }
    assert_eq!(client.core.effects.len(), 1);
}

#[test]
fn a_refused_request_does_not_use_up_its_number() {
    let mut client = Client::new();
    client.settings.brand.refuse_negative_points = true;
    assert_eq!(rule(client.send(points(-1))), Rule::PointsNegative);
    client.send(points(400)).unwrap();
}
