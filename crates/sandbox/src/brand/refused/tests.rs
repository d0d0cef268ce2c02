//! The table against the errors that the catalogue documents.

use std::collections::BTreeSet;

use kabao_models::Family;

use super::*;

/// Who produces a documented error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// A rule of the core.
    Core(Rule),
    /// The shell: limits of the catalogue, authentication, faults.
    Shell,
    /// Nobody: why is said in the table.
    Nobody,
}

use Source::{Core, Nobody, Shell};

/// Every documented error of the family, and who produces it.
const DOCUMENTED: &[(&str, Source)] = &[
    ("A parameter is missing or malformed", Shell),
    ("The HTTP request breaks the general APIv3 rules", Shell),
    ("The request signature does not verify", Shell),
    (
        "Internal upstream failure; retry later with the same parameters",
        Shell,
    ),
    (
        "need_display_level is true but init_level is missing",
        Core(Rule::LevelMissing),
    ),
    (
        "need_display_level is false but init_level is present",
        Core(Rule::LevelUnwanted),
    ),
    (
        "code_type is JUMP_MINI_PROGRAM but code_jump_information is missing",
        Core(Rule::CodeJumpMissing),
    ),
    (
        "code_type is not JUMP_MINI_PROGRAM but code_jump_information is present",
        Core(Rule::CodeJumpUnwanted),
    ),
    (
        "The template code_type is not JUMP_MINI_PROGRAM, so its code_jump_information cannot be changed",
        Core(Rule::CodeJumpFixed),
    ),
    (
        "balance_information sent for a template that is not BALANCE",
        Core(Rule::BalanceUnwanted),
    ),
    (
        "purchase_information sent for a template that is not PURCHASE",
        Core(Rule::PurchaseUnwanted),
    ),
    // The limits of the catalogue refuse it first, with the same code.
    (
        "purchase_information.price is not greater than 0",
        Core(Rule::PriceNotPositive),
    ),
    ("out_request_no was used before", Core(Rule::NumberUsed)),
    (
        "appid is invalid or not bound to the brand",
        Core(Rule::AppidUnbound),
    ),
    (
        "member_information.jump_appid is invalid or not bound to the brand",
        Core(Rule::AppidUnbound),
    ),
    (
        "code_jump_information.jump_appid is invalid or not bound to the brand",
        Core(Rule::AppidUnbound),
    ),
    (
        "points_information.jump_appid is invalid or not bound to the brand",
        Core(Rule::AppidUnbound),
    ),
    (
        "balance_information.jump_appid is invalid or not bound to the brand",
        Core(Rule::AppidUnbound),
    ),
    (
        "purchase_information.jump_appid is invalid or not bound to the brand",
        Core(Rule::AppidUnbound),
    ),
    (
        "member_information lacks jump_appid or jump_path",
        Core(Rule::JumpIncomplete),
    ),
    (
        "code_jump_information lacks jump_appid or jump_path",
        Core(Rule::JumpIncomplete),
    ),
    (
        "points_information lacks jump_appid or jump_path",
        Core(Rule::JumpIncomplete),
    ),
    (
        "balance_information lacks jump_appid or jump_path",
        Core(Rule::JumpIncomplete),
    ),
    (
        "purchase_information lacks jump_appid or jump_path",
        Core(Rule::JumpIncomplete),
    ),
    (
        "Text or image fails the content review",
        Core(Rule::ContentRefused),
    ),
    (
        "The brand already has two templates of this card_type",
        Core(Rule::TooManyTemplates),
    ),
    (
        "card_title is longer than 10 characters",
        Core(Rule::TitleTooLong),
    ),
    (
        "card_title holds characters other than Chinese, Latin letters, digits and punctuation",
        Core(Rule::TitleCharacters),
    ),
    (
        "card_type PURCHASE or BALANCE is not open yet",
        Core(Rule::CardTypeClosed),
    ),
    (
        "common_field_list holds the same field twice",
        Core(Rule::CommonFieldTwice),
    ),
    (
        "custom_field_list holds the same field twice",
        Core(Rule::CustomFieldTwice),
    ),
    (
        "custom_field_list has more than one entry, or its value list is not 1 to 10 long, or a value exceeds 8 characters",
        Core(Rule::CustomFieldShape),
    ),
    (
        "A value in custom_field_list is not a legal string",
        Core(Rule::OptionIllegal),
    ),
    (
        "The membership feature is not enabled for the brand",
        Core(Rule::FeatureClosed),
    ),
    (
        "No template with this card_id exists for the brand",
        Core(Rule::TemplateUnknown),
    ),
    (
        "valid_date_information.type differs from the validity type of the template",
        Core(Rule::ValidityType),
    ),
    (
        "FIX_TIME_RANGE template: begin and end time are mandatory and available_day_after_receive is forbidden",
        Core(Rule::RangeIncomplete),
    ),
    (
        "FIX_TIME_RANGE sent together with available_day_after_receive",
        Core(Rule::RangeWithDays),
    ),
    (
        "available_begin_time is later than available_end_time",
        Core(Rule::BeginAfterEnd),
    ),
    (
        "FIX_TERM template: available_day_after_receive is mandatory and begin/end time are forbidden",
        Core(Rule::TermIncomplete),
    ),
    (
        "available_day_after_receive is not greater than 0",
        Core(Rule::DaysNotPositive),
    ),
    (
        "available_day_after_receive exceeds 10958 (30 years)",
        Core(Rule::DaysTooMany),
    ),
    (
        "PERMANENT sent together with available_day_after_receive",
        Core(Rule::PermanentWithDays),
    ),
    (
        "PERMANENT sent together with available_begin_time",
        Core(Rule::PermanentWithBegin),
    ),
    (
        "PERMANENT sent together with available_end_time",
        Core(Rule::PermanentWithEnd),
    ),
    (
        "openid does not belong to an AppID of the brand",
        Core(Rule::OpenidForeign),
    ),
    ("openid is invalid", Core(Rule::OpenidInvalid)),
    ("openid is wrong", Core(Rule::OpenidWrong)),
    (
        "No user card matches brand, template, openid and code",
        Core(Rule::UserCardUnknown),
    ),
    (
        "The user card is not EFFECTIVE; only activated cards can be operated on",
        Core(Rule::NotEffective),
    ),
    (
        "The user card is neither UNACTIVATED nor EFFECTIVE, so it cannot be invalidated",
        Core(Rule::NotInvalidable),
    ),
    (
        "A common field is sent that the template does not define",
        Core(Rule::CommonFieldUndefined),
    ),
    (
        "A custom field is sent that the template does not define",
        Core(Rule::CustomFieldUndefined),
    ),
    (
        "Birthday is not in yyyy-MM-DD form",
        Core(Rule::BirthdayForm),
    ),
    ("Email address is malformed", Core(Rule::EmailForm)),
    (
        "Gender is not one of the two allowed words",
        Core(Rule::GenderWord),
    ),
    (
        "user_card_code holds characters other than digits, Latin letters and half-width punctuation",
        Shell,
    ),
    (
        "pickup_time is missing although the validity type requires it (worded for the fixed time range)",
        Core(Rule::PickupTimeMissing),
    ),
    (
        "The card to be imported would already be expired",
        Core(Rule::ImportExpired),
    ),
    (
        "The user already has an UNACTIVATED card under the template; confirm that one instead",
        Core(Rule::PendingCard),
    ),
    (
        "The user already has an EFFECTIVE card under the template; invalidate it before importing again",
        Core(Rule::EffectiveCard),
    ),
    (
        "The user deleted this card, so it cannot be imported again",
        Core(Rule::DeletedByUser),
    ),
    (
        "user_card_code is already used under this template",
        Core(Rule::CodeTaken),
    ),
    (
        "The template is not usable (wrong card_id or already invalidated)",
        Core(Rule::TemplateUnusable),
    ),
    (
        "The user has no UNACTIVATED card under this template",
        Core(Rule::NoPendingCard),
    ),
    (
        "code_mode is SYSTEM_ALLOCATE, so a code other than the allocated one is refused",
        Core(Rule::CodeNotAllocated),
    ),
    (
        "The feature is not open to this caller yet",
        Core(Rule::CallerClosed),
    ),
    (
        "The validity period of the template has ended",
        Core(Rule::TemplateExpired),
    ),
    (
        "The user already holds a valid card of this template",
        Core(Rule::HoldsCard),
    ),
    (
        "The brand may not use this feed template",
        Core(Rule::FeedNotGranted),
    ),
    (
        "No membership matches this user and code",
        Core(Rule::NotMember),
    ),
    ("cell is malformed", Core(Rule::CellMalformed)),
    (
        "A feed with this out_request_no exists already",
        Core(Rule::FeedExists),
    ),
    (
        "No points-for-coupon record with this record_id",
        Core(Rule::RecordUnknown),
    ),
    (
        "The template is not effective",
        Core(Rule::TemplateNotEffective),
    ),
    (
        "The template already has an activity in force",
        Core(Rule::ActivityInForce),
    ),
    (
        "No activity with this activity_id",
        Core(Rule::ActivityUnknown),
    ),
    (
        "The activity belongs to another brand",
        Core(Rule::ActivityForeign),
    ),
    ("The image file is empty", Core(Rule::ImageEmpty)),
    ("The image is not JPG, BMP or PNG", Core(Rule::ImageType)),
    ("meta does not match the file", Core(Rule::ImageMismatch)),
    // With the setting `upload_signature_is_blocked`.
    ("The signature does not match", Shell),
];

/// Errors that a page lists and no rule produces there, by operation.
const NOWHERE: &[(&str, &str)] = &[
    // Without an UNACTIVATED card the same page documents 404, whatever other cards there are.
    (
        "brand.user_cards.confirm",
        "The user card is not EFFECTIVE; only activated cards can be operated on",
    ),
];

fn source(operation: &str, meaning: &str) -> Option<Source> {
    if NOWHERE.contains(&(operation, meaning)) {
        return Some(Nobody);
    }
    // One meaning has another status where an activity is created.
    if operation == "brand.membership_activities.create"
        && meaning == "No template with this card_id exists for the brand"
    {
        return Some(Core(Rule::ActivityTemplateUnknown));
    }
    DOCUMENTED
        .iter()
        .find(|(known, _)| *known == meaning)
        .map(|(_, source)| *source)
}

#[test]
fn every_documented_error_has_its_rule_with_status_and_code() {
    let mut used = BTreeSet::new();
    for operation in kabao_models::operations().filter(|known| known.family == Family::Brand) {
        for error in operation.errors() {
            let Some(source) = source(operation.id, error.meaning) else {
                panic!("{}: nobody produces {:?}", operation.id, error.meaning);
            };
            if let Core(rule) = source {
                let row = rule.row();
                let place = (operation.id, error.meaning);
                assert_eq!(
                    (row.status, row.code),
                    (error.http, error.code),
                    "{place:?}"
                );
            }
            used.insert(error.meaning);
        }
    }
    for (meaning, _) in DOCUMENTED {
        assert!(
            used.contains(meaning),
            "nothing documents {meaning:?} any more"
        );
    }
}

#[test]
fn a_refusal_names_the_member_and_says_its_row() {
    let member = "points_information/jump_appid";
    let refused = Refused::at(Rule::AppidUnbound, member, "wx1f2e3d4c5b6a7980");
    assert!(!format!("{refused:?}").contains("wx1f"));
    let refusal = Refusal::from(refused);
    assert_eq!(
        (refusal.status, refusal.code.as_ref()),
        (400, "PARAM_ERROR")
    );
    let detail = refusal.detail.unwrap();
    assert_eq!(detail["field"], "/points_information/jump_appid");
    assert_eq!(detail["location"], "body");
    assert_eq!(detail["value"], "wx1f2e3d4c5b6a7980");
    let detail = Refusal::from(Refused::query(Rule::OffsetNegative, "offset", -1))
        .detail
        .unwrap();
    assert_eq!(
        (&detail["field"], &detail["location"]),
        (&"offset".into(), &"query".into())
    );
}

#[test]
fn rules_without_a_member_have_no_detail() {
    let refusal = Refusal::from(Refused::from(Rule::TemplateUnknown));
    assert_eq!((refusal.status, refusal.code.as_ref()), (404, "NOT_FOUND"));
    assert!(refusal.detail.is_none());
}
