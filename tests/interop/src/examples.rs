//! The examples of `kabao-client` as their reader runs them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::gateway::Gateway;
use crate::program::succeed_within;

/// Compiling them is slow on a busy machine.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// Each example, and what its reader is to see.
const EXAMPLES: [(&str, &[&str]); 11] = [
    (
        "first_lines",
        &["before: level", "after: level Some(\"黄金会员\")"],
    ),
    (
        "change_template",
        &[
            "title after: Some(\"茶港金卡\")",
            "without openid: FIELD_INVALID",
            "with openid: level Some(\"Gold\")",
        ],
    ),
    (
        "spend_points",
        &[
            "earned 100:",
            "once more: REQUEST_NUMBER_USED",
            "spent 30:",
            "too much: PRECONDITION_FAILED",
        ],
    ),
    (
        "list_cards",
        &[
            "accounts/demo-merchant/templates/",
            "[personal, 12 characters]: level",
        ],
    ),
    (
        "create_and_activate",
        &["PendingReview", "activated: Active"],
    ),
    (
        "upload_image",
        &[
            "merchant: at most",
            "brand: at most",
            "official_account: at most",
            "filename must end in",
        ],
    ),
    ("read_many", &["Active", "MEMBER_NOT_FOUND"]),
    (
        "handle_errors",
        &[
            // In WeChat's own words.
            "MEMBER_NOT_FOUND: WeChat knows no such member (INVALID_REQUEST): code不存在",
            "FIELD_INVALID: level",
            "FIELD_INVALID: membership_number",
            "OUTCOME_UNKNOWN: the request was sent",
            "it was there already, REQUEST_NUMBER_USED",
        ],
    ),
    (
        "several_accounts",
        &[
            "demo-merchant, merchant:",
            "demo-brand, brand:",
            "demo-official-account, official_account:",
            "ACCOUNT_NOT_FOUND: account nobody",
        ],
    ),
    ("family_call", &["after: balance", "铂金会员"]),
    (
        "notifications",
        &[
            "a new card: Some(\"pbLatjvWOibDc5\"), level Some(\"钻石会员\")",
            "user_card_create_public_key: 204",
            "refused, UPSTREAM_UNVERIFIED:",
            "tampered_body: 401",
        ],
    ),
];

fn root() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn every_example_is_run_and_stands_on_the_front_page() {
    let folder = root().join("crates/client/examples");
    let files: BTreeSet<_> = fs::read_dir(folder)
        .expect("there are examples")
        .map(|entry| entry.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| {
            path.file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    let run = EXAMPLES.map(|(name, _)| name.to_owned());
    assert_eq!(files, BTreeSet::from(run));
    for front in ["crates/client/src/lib.rs", "README.md"] {
        let text = fs::read_to_string(root().join(front)).expect("a front page");
        for (name, _) in EXAMPLES {
            assert!(
                text.contains(&format!("`{name}`")) || text.contains(&format!(" {name} ")),
                "{front}: {name}"
            );
        }
    }
}

#[test]
#[ignore = "needs `kabao`: run .ci/interop"]
fn every_example_does_what_it_says_twice() {
    let gateway = Gateway::start("examples");
    for (name, expected) in EXAMPLES.iter().chain(&EXAMPLES) {
        let printed = succeed_within(
            PATIENCE,
            Command::new("cargo")
                .args([
                    "run",
                    "--locked",
                    "--quiet",
                    "-p",
                    "kabao-client",
                    "--example",
                    name,
                ])
                .arg("--")
                .arg("--dir")
                .arg(gateway.dir())
                .current_dir(root()),
        );
        for part in *expected {
            assert!(printed.contains(part), "{name} lacks {part:?}:\n{printed}");
        }
    }
}
