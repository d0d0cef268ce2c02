//! What `/card/update` may change, and what of it goes to review.

use kabao_models::official_account::DateInfoType;
use kabao_models::official_account::card::{BaseInfo, BaseInfoChange, DateInfo, DateInfoChange, MemberCard, MemberCardChange};

use super::Refused;
use crate::overlay::{members, overlay};
use crate::settings::{OfficialAccount as Rules, ReviewTable};

/// Members that exist on a card and cannot be changed; sending one makes the update fail.
const FIXED: [&str; 6] =
    ["brand_name", "sku", "use_custom_code", "get_custom_code_mode", "bind_openid", "source"];
/// Members of `member_card` whose change goes to review.
const REVIEWED: [&str; 4] = ["bonus_cleared", "bonus_rules", "balance_rules", "prerogative"];
/// Members of `base_info` whose change goes to review, by the general table.
const REVIEWED_BASE: [&str; 4] = ["logo_url", "notice", "description", "color"];
/// The same by the table of one SDK.
const REVIEWED_BASE_SDK: [&str; 3] = ["title", "description", "color"];
/// How many of points, balance and custom fields a card can show.
const SLOTS: usize = 3;

/// A changed card and whether it goes to review.
pub(super) struct Changed {
    pub(super) card: MemberCard,
    pub(super) send_check: bool,
}

/// Lays a change over a card.
pub(super) fn apply(card: &MemberCard, change: &MemberCardChange, rules: &Rules) -> Result<Changed, Refused> {
    let empty = BaseInfoChange::default();
    let base_change = change.base_info.as_ref().unwrap_or(&empty);
    if FIXED.iter().any(|name| base_change.extra.get(name).is_some() || change.extra.get(name).is_some()) {
        return Err(Refused::BodyInvalid);
    }
    check_pictures(change, base_change, rules)?;
    check_switches(card, change, rules)?;
    let mut after = overlay(card, change, &["base_info"]).ok_or(Refused::Busy)?;
    if let Some(base) = after.base_info.as_mut() {
        let before = card.base_info.clone().unwrap_or_default();
        base.date_info = changed_dates(&before, base_change.date_info.as_ref())?;
        // A single 0 clears the stores.
        if base.location_id_list.as_deref() == Some(&[0]) {
            base.location_id_list = Some(Vec::new());
        }
    }
    // One way of activation at a time: the automatic one switches the others off.
    if change.auto_activate == Some(true) {
        after.wx_activate = after.wx_activate.map(|_| false);
        after.activate_url = None;
    }
    if slots(&after) > SLOTS {
        return Err(Refused::TooManySlots);
    }
    Ok(Changed { send_check: goes_to_review(change, base_change, rules), card: after })
}

fn goes_to_review(change: &MemberCardChange, base: &BaseInfoChange, rules: &Rules) -> bool {
    let reviewed_base: &[&str] = match rules.review_table {
        ReviewTable::General => &REVIEWED_BASE,
        ReviewTable::Sdk => &REVIEWED_BASE_SDK,
    };
    members(change).iter().any(|name| REVIEWED.contains(&name.as_str()))
        || members(base).iter().any(|name| reviewed_base.contains(&name.as_str()))
}

fn check_pictures(change: &MemberCardChange, base: &BaseInfoChange, rules: &Rules) -> Result<(), Refused> {
    let on_cdn = |url: &&String| {
        let host = url.split_once("://").map_or("", |(_, rest)| rest.split(['/', ':']).next().unwrap_or_default());
        host.ends_with(".qpic.cn") || host.ends_with(".qlogo.cn")
    };
    let pictures = [&change.background_pic_url, &base.logo_url];
    if rules.require_cdn_pictures && !pictures.into_iter().flatten().all(|url| on_cdn(&url)) {
        return Err(Refused::PictureNotOnCdn);
    }
    Ok(())
}

/// Points and stored value can be switched on and not off.
fn check_switches(card: &MemberCard, change: &MemberCardChange, rules: &Rules) -> Result<(), Refused> {
    let off = |before: Option<bool>, after: Option<bool>| before == Some(true) && after == Some(false);
    if off(card.supply_bonus, change.supply_bonus) || off(card.supply_balance, change.supply_balance) {
        return Err(Refused::BodyInvalid);
    }
    if change.supply_balance == Some(true) && !rules.stored_value_permission {
        return Err(Refused::NoStoredValue);
    }
    Ok(())
}

/// A calendar range may only grow, and its end only move later; other kinds are fixed.
fn changed_dates(base: &BaseInfo, change: Option<&DateInfoChange>) -> Result<Option<DateInfo>, Refused> {
    let Some(change) = change else { return Ok(base.date_info.clone()) };
    let range = Some(DateInfoType::DateTypeFixTimeRange);
    let Some(before) = base.date_info.as_ref().filter(|before| before.r#type == range) else {
        return Err(Refused::TimeInvalid);
    };
    if change.r#type.is_some() && change.r#type != range {
        return Err(Refused::TimeInvalid);
    }
    let begin = change.begin_timestamp.or(before.begin_timestamp);
    let end = change.end_timestamp.or(before.end_timestamp);
    if begin > before.begin_timestamp || end < before.end_timestamp || begin >= end {
        return Err(Refused::TimeRange);
    }
    Ok(Some(DateInfo { begin_timestamp: begin, end_timestamp: end, ..before.clone() }))
}

fn slots(card: &MemberCard) -> usize {
    [
        card.supply_bonus == Some(true),
        card.supply_balance == Some(true),
        card.custom_field1.is_some(),
        card.custom_field2.is_some(),
        card.custom_field3.is_some(),
    ]
    .into_iter()
    .filter(|shown| *shown)
    .count()
}

#[cfg(test)]
mod tests {
    use kabao_models::official_account::card::CustomField;

    use super::*;

    fn card() -> MemberCard {
        MemberCard {
            supply_bonus: Some(true),
            base_info: Some(BaseInfo {
                date_info: Some(DateInfo {
                    r#type: Some(DateInfoType::DateTypeFixTimeRange),
                    begin_timestamp: Some(1_000),
                    end_timestamp: Some(2_000),
                    ..DateInfo::default()
                }),
                location_id_list: Some(vec![1, 2]),
                ..BaseInfo::default()
            }),
            ..MemberCard::default()
        }
    }

    fn base(change: BaseInfoChange) -> MemberCardChange {
        MemberCardChange { base_info: Some(change), ..MemberCardChange::default() }
    }

    fn dates(begin: i64, end: i64) -> MemberCardChange {
        base(BaseInfoChange {
            date_info: Some(DateInfoChange {
                r#type: Some(DateInfoType::DateTypeFixTimeRange),
                begin_timestamp: Some(begin),
                end_timestamp: Some(end),
                ..DateInfoChange::default()
            }),
            ..BaseInfoChange::default()
        })
    }

    #[test]
    fn a_range_only_grows() {
        for (begin, end, expected) in [
            (1_000, 2_500, Ok(())),
            (900, 2_000, Ok(())),
            (1_100, 2_500, Err(Refused::TimeRange)),
            (1_000, 1_900, Err(Refused::TimeRange)),
        ] {
            let result = apply(&card(), &dates(begin, end), &Rules::default()).map(|_| ());
            assert_eq!(result, expected, "{begin}..{end}");
        }
        let mut permanent = card();
        permanent.base_info.as_mut().unwrap().date_info.as_mut().unwrap().r#type = Some(DateInfoType::DateTypePermanent);
        assert!(matches!(apply(&permanent, &dates(1, 9_000), &Rules::default()), Err(Refused::TimeInvalid)));
    }

    #[test]
    fn fixed_members_make_the_update_fail() {
        let mut change = BaseInfoChange::default();
        change.extra.insert_json("brand_name", "\"x\"".into()).unwrap();
        assert!(matches!(apply(&card(), &base(change), &Rules::default()), Err(Refused::BodyInvalid)));
        let off = MemberCardChange { supply_bonus: Some(false), ..MemberCardChange::default() };
        assert!(matches!(apply(&card(), &off, &Rules::default()), Err(Refused::BodyInvalid)));
    }

    #[test]
    fn three_value_slots_are_the_most() {
        let field = || Some(CustomField { name: Some("券".into()), ..CustomField::default() });
        let two = MemberCardChange { custom_field1: field(), custom_field2: field(), ..MemberCardChange::default() };
        assert!(apply(&card(), &two, &Rules::default()).is_ok());
        let four = MemberCardChange { custom_field3: field(), ..two };
        assert!(matches!(apply(&card(), &four, &Rules::default()), Err(Refused::TooManySlots)));
    }

    #[test]
    fn the_tables_disagree_about_the_logo_and_the_title() {
        let logo = base(BaseInfoChange { logo_url: Some("https://mmbiz.qpic.cn/x/0".into()), ..BaseInfoChange::default() });
        let title = base(BaseInfoChange { title: Some("卡".into()), ..BaseInfoChange::default() });
        let sdk = Rules { review_table: ReviewTable::Sdk, ..Rules::default() };
        for (change, rules, expected) in [
            (&logo, &Rules::default(), true),
            (&title, &Rules::default(), false),
            (&logo, &sdk, false),
            (&title, &sdk, true),
        ] {
            assert_eq!(apply(&card(), change, rules).unwrap().send_check, expected);
        }
    }

    #[test]
    fn pictures_come_from_the_cdn_and_zero_clears_the_stores() {
        let change = base(BaseInfoChange {
            logo_url: Some("https://example.com/qpic.cn/logo.png".into()),
            location_id_list: Some(vec![0]),
            ..BaseInfoChange::default()
        });
        assert!(matches!(apply(&card(), &change, &Rules::default()), Err(Refused::PictureNotOnCdn)));
        let lenient = Rules { require_cdn_pictures: false, ..Rules::default() };
        let changed = apply(&card(), &change, &lenient).unwrap().card;
        assert_eq!(changed.base_info.unwrap().location_id_list, Some(Vec::new()));
    }

    #[test]
    fn stored_value_needs_a_permission() {
        let change = MemberCardChange { supply_balance: Some(true), ..MemberCardChange::default() };
        let without = Rules { stored_value_permission: false, ..Rules::default() };
        assert!(matches!(apply(&card(), &change, &without), Err(Refused::NoStoredValue)));
    }
}
