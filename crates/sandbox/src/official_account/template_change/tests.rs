//! Tests of what an update may change.

use kabao_models::official_account::card::CustomField;

use super::*;
use crate::official_account::testing::NOW;
use crate::settings::OfficialAccount;

fn card() -> MemberCard {
    MemberCard {
        supply_bonus: Some(true),
        ..MemberCard::default()
    }
}

fn base() -> BaseInfo {
    BaseInfo {
        date_info: Some(DateInfo {
            r#type: Some(DateInfoType::DateTypeFixTimeRange),
            begin_timestamp: Some(NOW),
            end_timestamp: Some(NOW + 2_000),
            ..DateInfo::default()
        }),
        location_id_list: Some(vec![1, 2]),
        ..BaseInfo::default()
    }
}

fn try_change(change: MemberCardChange, rules: &OfficialAccount) -> Result<Changed, Refused> {
    let context = Context {
        appid: "wx",
        now: NOW,
        rules,
        remarks: None,
    };
    apply(&context, &card(), &base(), &change)
}

fn refusal(change: MemberCardChange, rules: &OfficialAccount) -> Option<Refused> {
    try_change(change, rules).err()
}

fn in_base(change: BaseInfoChange) -> MemberCardChange {
    MemberCardChange {
        base_info: Some(change),
        ..MemberCardChange::default()
    }
}

fn dates(r#type: DateInfoType, begin: i64, end: i64) -> MemberCardChange {
    in_base(BaseInfoChange {
        date_info: Some(DateInfoChange {
            r#type: Some(r#type),
            begin_timestamp: Some(begin),
            end_timestamp: Some(end),
            ..DateInfoChange::default()
        }),
        ..BaseInfoChange::default()
    })
}

#[test]
fn a_range_only_grows() {
    let range = DateInfoType::DateTypeFixTimeRange;
    for (change, expected) in [
        (dates(range.clone(), NOW, NOW + 2_500), None),
        (dates(range.clone(), NOW - 100, NOW + 2_000), None),
        (
            dates(range.clone(), NOW + 1, NOW + 2_500),
            Some(Refused::TimeRange),
        ),
        (
            dates(range.clone(), NOW, NOW + 1_999),
            Some(Refused::TimeRange),
        ),
        (dates(range, NOW, 2_200_000_000), Some(Refused::Time)),
        (
            dates(DateInfoType::DateTypePermanent, NOW, NOW + 2_500),
            Some(Refused::Time),
        ),
    ] {
        assert_eq!(
            refusal(change.clone(), &OfficialAccount::default()),
            expected,
            "{change:?}"
        );
    }
}

#[test]
fn fixed_members_make_the_update_fail() {
    for (name, json) in [
        ("brand_name", "\"x\""),
        ("sku", "{\"quantity\":1}"),
        ("bind_openid", "true"),
    ] {
        let mut change = BaseInfoChange::default();
        change.extra.insert_json(name, json.into()).unwrap();
        assert_eq!(
            refusal(in_base(change), &OfficialAccount::default()),
            Some(Refused::ActionInfo),
            "{name}"
        );
    }
    let off = MemberCardChange {
        supply_bonus: Some(false),
        ..MemberCardChange::default()
    };
    assert_eq!(
        refusal(off, &OfficialAccount::default()),
        Some(Refused::ActionInfo)
    );
}

#[test]
fn a_member_that_nobody_knows_changes_nothing() {
    let mut change = BaseInfoChange::default();
    change
        .extra
        .insert_json("colour", "\"red\"".into())
        .unwrap();
    let changed = try_change(in_base(change), &OfficialAccount::default()).unwrap();
    assert!(changed.base == base() && !changed.send_check);
}

#[test]
fn three_value_slots_are_the_most() {
    let field = || {
        Some(CustomField {
            name: Some("券".into()),
            ..CustomField::default()
        })
    };
    let two = MemberCardChange {
        custom_field1: field(),
        custom_field2: field(),
        ..MemberCardChange::default()
    };
    assert_eq!(refusal(two.clone(), &OfficialAccount::default()), None);
    let four = MemberCardChange {
        custom_field3: field(),
        ..two
    };
    assert_eq!(
        refusal(four, &OfficialAccount::default()),
        Some(Refused::Slots)
    );
}

#[test]
fn the_tables_disagree_about_the_logo_and_the_title() {
    let logo = in_base(BaseInfoChange {
        logo_url: Some("https://mmbiz.qpic.cn/x/0".into()),
        ..BaseInfoChange::default()
    });
    let title = in_base(BaseInfoChange {
        title: Some("卡".into()),
        ..BaseInfoChange::default()
    });
    let sdk = OfficialAccount {
        review_table: ReviewTable::Sdk,
        ..OfficialAccount::default()
    };
    for (change, rules, expected) in [
        (&logo, &OfficialAccount::default(), true),
        (&title, &OfficialAccount::default(), false),
        (&logo, &sdk, false),
        (&title, &sdk, true),
    ] {
        assert_eq!(
            try_change(change.clone(), rules).unwrap().send_check,
            expected
        );
    }
}

#[test]
fn pictures_texts_and_stored_value_are_checked_and_zero_clears_the_stores() {
    let logo = in_base(BaseInfoChange {
        logo_url: Some("https://example.com/qpic.cn/logo.png".into()),
        location_id_list: Some(vec![0]),
        ..BaseInfoChange::default()
    });
    let strict = OfficialAccount {
        require_cdn_pictures: true,
        ..OfficialAccount::default()
    };
    assert_eq!(refusal(logo.clone(), &strict), Some(Refused::Picture));
    assert_eq!(
        try_change(logo, &OfficialAccount::default())
            .unwrap()
            .base
            .location_id_list,
        Some(Vec::new())
    );
    let balance = MemberCardChange {
        supply_balance: Some(true),
        ..MemberCardChange::default()
    };
    let without = OfficialAccount {
        stored_value_permission: false,
        ..OfficialAccount::default()
    };
    assert_eq!(refusal(balance, &without), Some(Refused::StoredValue));
    let spam = MemberCardChange {
        prerogative: Some("买一送一百".into()),
        ..MemberCardChange::default()
    };
    let filter = OfficialAccount {
        refused_texts: vec!["送一百".into()],
        ..OfficialAccount::default()
    };
    assert_eq!(refusal(spam, &filter), Some(Refused::Spam));
}
