//! Every reason that a method can give stands in the comment of its RPC, and no other.
//!
//! What an operation can give follows from the catalogue; the walks check that whatever WeChat's refusals lead to is
//! among it. What a portable method can give follows from the operations that it calls and from its own checks.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use kabao_models::refusal::reasons;

/// What any method of the gateway can give without a word of WeChat.
const EVERYWHERE: [&str; 9] = [
    "CANCELLED",
    "DEADLINE_EXCEEDED",
    "INTERNAL",
    "MESSAGE_TOO_LARGE",
    "METHOD_NOT_FOUND",
    "OVERLOADED",
    "PANIC",
    "PERMISSION_DENIED",
    "UNAUTHENTICATED",
];

fn protos() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto/kabao")
}

/// The reasons in the comment of an RPC.
fn published(proto: &str, rpc: &str) -> BTreeSet<String> {
    let (before, _) = proto
        .split_once(&format!("\n  rpc {rpc}("))
        .unwrap_or_else(|| panic!("no RPC {rpc}"));
    let comment: Vec<&str> = before
        .lines()
        .rev()
        .map_while(|line| line.strip_prefix("  //"))
        .collect();
    let text: Vec<&str> = comment.into_iter().rev().map(str::trim).collect();
    let text = text.join(" ");
    let (_, reasons) = text
        .rsplit_once("Reasons: ")
        .unwrap_or_else(|| panic!("{rpc} has no reasons"));
    let (reasons, _) = reasons.split_once('.').unwrap();
    reasons.split(", ").map(str::to_owned).collect()
}

#[test]
fn the_comment_of_every_operation_has_its_reasons() {
    let mut count = 0;
    for operation in kabao_models::operations() {
        let family = operation.family.as_str().replace('_', "");
        let catalogue = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../crates/models/catalogue")
            .join(format!("{}.json", operation.family));
        let catalogue: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(catalogue).unwrap()).unwrap();
        let entry = catalogue["operations"]
            .as_array()
            .unwrap()
            .iter()
            .find(|entry| entry["id"] == operation.id)
            .unwrap();
        if entry["served"] != true {
            continue;
        }
        let file = format!("{family}/v1/{}.proto", entry["resource"].as_str().unwrap());
        let proto = fs::read_to_string(protos().join(file)).unwrap();
        let found = published(&proto, entry["rpc"].as_str().unwrap());
        let expected: BTreeSet<String> = reasons(operation.id)
            .iter()
            .map(|reason| (*reason).to_owned())
            .collect();
        assert_eq!(found, expected, "{}", operation.id);
        count += 1;
    }
    println!("{count} RPCs publish their reasons");
}

#[test]
fn the_comment_of_every_portable_method_has_its_reasons() {
    let mut seen = BTreeSet::new();
    for service in [
        "member_service",
        "template_service",
        "account_service",
        "change_service",
    ] {
        let proto = fs::read_to_string(protos().join(format!("v1/{service}.proto"))).unwrap();
        let rpcs = proto.lines().filter_map(|line| {
            let rest = line.strip_prefix("  rpc ")?;
            rest.split_once('(').map(|(name, _)| name)
        });
        for rpc in rpcs {
            let (_, operations, own) = PORTABLE
                .iter()
                .find(|(name, _, _)| *name == rpc)
                .unwrap_or_else(|| panic!("{rpc} is not in the table"));
            let expected: BTreeSet<String> = operations
                .iter()
                .inspect(|id| assert!(!reasons(id).is_empty(), "no operation {id}"))
                .flat_map(|id| reasons(id))
                .chain(*own)
                .chain(&EVERYWHERE)
                .map(|reason| (*reason).to_owned())
                .collect();
            assert_eq!(published(&proto, rpc), expected, "{rpc}");
            seen.insert(rpc.to_owned());
        }
    }
    assert_eq!(seen.len(), PORTABLE.len());
}

#[test]
fn every_published_reason_is_in_the_registry_and_is_given_by_something() {
    use kabao_proto::kabao::v1::ErrorReason;
    let mut given: BTreeSet<&str> = EVERYWHERE.into();
    for operation in kabao_models::operations() {
        given.extend(reasons(operation.id));
    }
    for (_, _, own) in PORTABLE {
        given.extend(*own);
    }
    for reason in &given {
        let name = format!("ERROR_REASON_{reason}");
        assert!(ErrorReason::from_str_name(&name).is_some(), "{reason}");
    }
    let published = (1..1000).filter_map(|number| ErrorReason::try_from(number).ok());
    let idle: Vec<_> = published
        .map(|reason| reason.as_str_name().trim_start_matches("ERROR_REASON_"))
        .filter(|reason| !given.contains(reason))
        .collect();
    assert!(idle.is_empty(), "{idle:?}");
}

/// A portable method, the operations that it calls, and what its own checks add.
type Portable = (
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

const PORTABLE: &[Portable] = &[
    (
        "GetMember",
        &[
            "merchant.user_cards.get",
            "brand.user_cards.get",
            "brand_direct.user_cards.get",
            "official_account.member.userinfo_get",
        ],
        &[],
    ),
    (
        "UpdateMember",
        &[
            "merchant.user_cards.update",
            "merchant.user_cards.get",
            "brand.user_cards.update",
            "brand_direct.user_cards.update",
            "official_account.member.update_user",
            "official_account.member.userinfo_get",
        ],
        &["FIELD_MASK_INVALID", "NOT_SUPPORTED_BY_FAMILY"],
    ),
    (
        "ListMembers",
        &[
            "merchant.user_cards.list",
            "merchant.user_cards.get",
            "brand.user_cards.list",
            "brand_direct.user_cards.list",
            "official_account.user.get_card_list",
            "official_account.card.get",
            "official_account.member.userinfo_get",
        ],
        &["PAGE_TOKEN_INVALID"],
    ),
    ("BatchGetMembers", &[], &["FIELD_INVALID"]),
    (
        "AdjustBalance",
        &[
            "merchant.user_cards.get",
            "merchant.user_cards.update",
            "official_account.member.userinfo_get",
            "official_account.member.update_user",
        ],
        &["NOT_SUPPORTED_BY_FAMILY", "PRECONDITION_FAILED"],
    ),
    (
        "AdjustPoints",
        &[
            "merchant.user_cards.get",
            "merchant.user_card_rights.update",
            "brand.user_points.sync",
            "brand_direct.user_points.sync",
            "official_account.member.userinfo_get",
            "official_account.member.update_user",
        ],
        &["NOT_SUPPORTED_BY_FAMILY", "PRECONDITION_FAILED"],
    ),
    (
        "ActivateMember",
        &[
            "merchant.user_cards.activate",
            "merchant.user_cards.get",
            "brand.user_cards.confirm",
            "brand_direct.user_cards.confirm",
            "official_account.member.activate",
            "official_account.member.userinfo_get",
        ],
        &["NOT_SUPPORTED_BY_FAMILY"],
    ),
    (
        "InvalidateMember",
        &[
            "merchant.user_cards.set_unavailable",
            "merchant.user_cards.get",
            "brand.user_cards.invalidate",
            "brand_direct.user_cards.invalidate",
            "official_account.code.unavailable",
            "official_account.member.userinfo_get",
        ],
        &["NOT_SUPPORTED_BY_FAMILY"],
    ),
    (
        "ImportMember",
        &[
            "merchant.user_cards.import_by_openid",
            "merchant.user_cards.import_by_phone",
            "merchant.user_cards.get",
            "brand.user_cards.import_by_openid",
            "brand.user_cards.import_by_phone",
            "brand_direct.user_cards.import_by_openid",
        ],
        &["NOT_SUPPORTED_BY_FAMILY"],
    ),
    ("BatchAdjustPoints", &[], BATCH),
    (
        "BatchUpdateMembers",
        &[],
        &[
            "ACCOUNT_NOT_FOUND",
            "FIELD_INVALID",
            "FIELD_MASK_INVALID",
            "IN_PROGRESS",
            "NAME_INVALID",
            "REQUEST_ID_INVALID",
            "REQUEST_ID_REUSED",
            "STORE",
        ],
    ),
    ("BatchImportMembers", &[], BATCH),
    (
        "GetTemplate",
        &[
            "merchant.cards.get",
            "brand.cards.get",
            "brand_direct.cards.get",
            "official_account.card.get",
        ],
        &[],
    ),
    (
        "ListTemplates",
        &[
            "merchant.cards.list",
            "brand.cards.list",
            "brand_direct.cards.list",
            "official_account.card.batch_get",
            "official_account.card.get",
        ],
        &["PAGE_TOKEN_INVALID"],
    ),
    (
        "CreateTemplate",
        &[
            "merchant.cards.create",
            "brand.cards.create",
            "brand_direct.cards.create",
            "official_account.card.create",
            "official_account.card.get",
        ],
        &["NOT_SUPPORTED_BY_FAMILY"],
    ),
    (
        "UpdateTemplate",
        &[
            "merchant.cards.update",
            "merchant.cards.get",
            "brand.cards.update",
            "brand_direct.cards.update",
            "official_account.card.update",
            "official_account.card.get",
        ],
        &["FIELD_MASK_INVALID", "NOT_SUPPORTED_BY_FAMILY"],
    ),
    (
        "DeleteTemplate",
        &[
            "merchant.cards.delete",
            "brand.cards.invalidate",
            "brand_direct.cards.invalidate",
            "official_account.card.delete",
        ],
        &[],
    ),
    (
        "ListAccounts",
        &[],
        &["FIELD_INVALID", "PAGE_TOKEN_INVALID"],
    ),
    ("GetAccount", &[], &["ACCOUNT_NOT_FOUND", "NAME_INVALID"]),
    (
        "CheckAccount",
        &[
            "merchant.cards.list",
            "brand.cards.list",
            "brand_direct.cards.list",
            "official_account.card.batch_get",
        ],
        &[],
    ),
    ("GetChange", &[], OF_A_CHANGE),
    (
        "ListChanges",
        &[],
        &[
            "ACCOUNT_NOT_FOUND",
            "FIELD_INVALID",
            "NAME_INVALID",
            "PAGE_TOKEN_INVALID",
            "PRECONDITION_FAILED",
            "STORE",
        ],
    ),
    (
        "ResolveChange",
        &[],
        &[
            "ACCOUNT_NOT_FOUND",
            "CHANGE_ENDED",
            "CHANGE_NOT_FOUND",
            "FIELD_INVALID",
            "NAME_INVALID",
            "PRECONDITION_FAILED",
            "STORE",
        ],
    ),
    ("WatchChange", &[], OF_A_CHANGE),
];

/// What a batch as a whole can give; the rest stands in its results.
const BATCH: &[&str] = &[
    "ACCOUNT_NOT_FOUND",
    "FIELD_INVALID",
    "IN_PROGRESS",
    "NAME_INVALID",
    "REQUEST_ID_INVALID",
    "REQUEST_ID_REUSED",
    "STORE",
];

/// What asking for one change can give.
const OF_A_CHANGE: &[&str] = &[
    "ACCOUNT_NOT_FOUND",
    "CHANGE_NOT_FOUND",
    "NAME_INVALID",
    "PRECONDITION_FAILED",
    "STORE",
];
