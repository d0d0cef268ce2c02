//! The table against the errors that the catalogue documents.

use std::collections::BTreeSet;

use kabao_models::Family;

use super::*;

/// Who produces a documented error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// A rule of the core.
    Core(Rule),
    /// The shell: limits of the catalogue, authentication, permission, faults.
    Shell,
}

use Source::{Core, Shell};

/// Every documented error of the family, and who produces it.
const DOCUMENTED: &[(&str, Source)] = &[
    ("A parameter is wrong; the message says which one", Shell),
    ("The HTTP request does not follow the APIv3 rules", Shell),
    ("Signature verification failed", Shell),
    (
        "System fault; try again later with the same parameters",
        Shell,
    ),
    (
        "The merchant number has no permission for this product; the permission must be requested",
        Shell,
    ),
    // The upload is shared with the brand family and has its words.
    ("A parameter is missing or malformed", Shell),
    ("The HTTP request breaks the general APIv3 rules", Shell),
    ("The request signature does not verify", Shell),
    (
        "Internal upstream failure; retry later with the same parameters",
        Shell,
    ),
    // With the setting `upload_signature_is_blocked`.
    ("The signature does not match", Shell),
    ("The image file is empty", Core(Rule::ImageEmpty)),
    ("The image is not JPG, BMP or PNG", Core(Rule::ImageType)),
    ("meta does not match the file", Core(Rule::ImageMismatch)),
    // Templates.
    (
        "The AppID is not that of a service account (apps, mini programs and subscription accounts are refused)",
        Core(Rule::NotServiceAccount),
    ),
    (
        "The path of the stored-value mini program is empty",
        Core(Rule::BalancePathEmpty),
    ),
    (
        "The path of the bonus-points link is empty",
        Core(Rule::BonusPathEmpty),
    ),
    ("card_id is not valid", Core(Rule::CardIdInvalid)),
    (
        "The calling merchant number is not the merchant number that created the card",
        Core(Rule::NotOwner),
    ),
    (
        "The card is still an old public-platform card and must be upgraded first",
        Core(Rule::NotUpgraded),
    ),
    (
        "code_mode cannot be changed: it is SYSTEM_ALLOCATE",
        Core(Rule::CodeModeFixed),
    ),
    (
        "code_mode cannot be changed to SYSTEM_ALLOCATE",
        Core(Rule::CodeModeNotSystem),
    ),
    // Links.
    (
        "The QR code link could not be generated; retry with the same parameters",
        Core(Rule::QrLinkFailed),
    ),
    (
        "Distribution by QR code does not support cards in REAL_TIME code mode",
        Core(Rule::QrcodeRealTime),
    ),
    // Imports.
    (
        "The member already received this card",
        Core(Rule::AlreadyReceived),
    ),
    (
        "The card is in REAL_TIME code mode and no code was given",
        Core(Rule::CodeMissing),
    ),
    (
        "The member made no WeChat Pay payment with this merchant within one year and cannot be imported",
        Core(Rule::NoPayment),
    ),
    // After-payment points.
    (
        "The card has no bonus-points benefit; open it with the template rights operation first",
        Core(Rule::NoBonusSection),
    ),
    (
        "The merchant number (direct or sub-merchant) is not valid",
        Core(Rule::MerchantNumberInvalid),
    ),
    (
        "The merchant number is not bound to the brand of the card",
        Core(Rule::MerchantNotBound),
    ),
    ("The code does not exist", Core(Rule::CodeNotExist)),
    (
        "The user card is not valid: the user deleted it; it must be restored first",
        Core(Rule::UserCardDeleted),
    ),
    // Service items.
    (
        "The service item was already added to the card; use the modify operation",
        Core(Rule::ServiceAlreadyAdded),
    ),
    (
        "The service item ID does not exist",
        Core(Rule::ServiceUnknown),
    ),
    (
        "The brand has no permission to use this service item",
        Core(Rule::ServiceNotGranted),
    ),
    (
        "The parameters of the service setting are wrong",
        Core(Rule::ServiceSettingWrong),
    ),
    (
        "The service item was not added to the card, so no user data can be set",
        Core(Rule::ServiceNotAdded),
    ),
    (
        "The state is not part of the template of the service item",
        Core(Rule::ServiceStateUnknown),
    ),
    (
        "Some field values of the message template are empty",
        Core(Rule::ServiceMessageEmpty),
    ),
    (
        "The message template ID is wrong",
        Core(Rule::ServiceMessageUnknown),
    ),
    (
        "A content field is not part of the template of the service item",
        Core(Rule::ServiceFieldUnknown),
    ),
    // Activities.
    (
        "The activity creator is not authorized to give coupons of this merchant-coupon stock",
        Core(Rule::StockNotAuthorized),
    ),
    (
        "A merchant number that exposes the activity is not bound to the brand of the card",
        Core(Rule::ExposingNotBound),
    ),
    (
        "The activity creator is not bound to the brand of the card",
        Core(Rule::CreatorNotBound),
    ),
    (
        "Cards in REAL_TIME code mode are not supported",
        Core(Rule::ActivityRealTime),
    ),
];

#[test]
fn every_documented_error_has_its_rule_with_status_and_code() {
    let mut used = BTreeSet::new();
    for operation in kabao_models::operations().filter(|known| known.family == Family::Merchant) {
        for error in operation.errors() {
            let known = DOCUMENTED
                .iter()
                .find(|(meaning, _)| *meaning == error.meaning);
            let Some((meaning, source)) = known else {
                panic!("{}: nobody produces {:?}", operation.id, error.meaning);
            };
            if let Core(rule) = source {
                let expected = (error.http, error.code);
                assert_eq!(rule.answer(), expected, "{}: {meaning}", operation.id);
            }
            used.insert(*meaning);
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
fn few_rules_have_another_code_than_invalid_request() {
    for (rule, expected) in [
        (Rule::CardIdInvalid, (400, "INVALID_REQUEST")),
        (Rule::QrLinkFailed, (500, "SYSTEM_ERROR")),
        (Rule::ServiceSettingWrong, (400, "PARAM_ERROR")),
    ] {
        let refusal = Refusal::from(Refused::from(rule));
        assert_eq!((refusal.status, &*refusal.code), expected, "{rule:?}");
    }
}

#[test]
fn a_value_is_named_by_its_pointer() {
    let refusal = Refusal::from(Refused::value(
        "balance_information/balance",
        "must not be negative",
        -1,
    ));
    let detail = refusal.detail.unwrap();
    assert_eq!(detail["field"], "/balance_information/balance");
    assert_eq!(detail["value"], -1);
}
