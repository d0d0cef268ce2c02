//! SDKs for WeChat Pay that no one here wrote complete merchant and brand operations against the sandbox.
//! They sign, verify, encrypt and decrypt by themselves, with the files that `kabao dev` leaves for foreign clients.

use std::process::Command;

use serde_json::Value;

use crate::gateway::Gateway;
use crate::ledger::{effects_of_request, effects_with};
use crate::program::{built, json};

#[test]
#[ignore = "needs Node.js and npm: run .ci/interop"]
fn wechatpay_axios_plugin_completes_merchant_and_brand_operations() {
    let gateway = Gateway::start("node");
    let run = "10000001";
    let seen = json(
        Command::new("node")
            .arg(built("node/main.js"))
            .arg(gateway.sandbox_files())
            .args([gateway.address("sandbox"), run]),
    );
    check(&gateway, &seen, run, "N", "node");
}

#[test]
#[ignore = "needs Python with venv: run .ci/interop"]
fn wechatpayv3_completes_merchant_and_brand_operations() {
    let gateway = Gateway::start("python");
    let run = "10000002";
    let seen = json(
        Command::new(built("python/venv/bin/python"))
            .arg(built("python/main.py"))
            .arg(gateway.sandbox_files())
            .args([gateway.address("sandbox"), run]),
    );
    check(&gateway, &seen, run, "P", "python");
}

#[test]
#[ignore = "needs Go: run .ci/interop"]
fn wechatpay_go_completes_merchant_and_brand_operations() {
    let gateway = Gateway::start("go-sdk");
    let run = "10000005";
    let seen = json(
        Command::new(built("go-sdk/interop"))
            .arg(gateway.sandbox_files())
            .args([gateway.address("sandbox"), run]),
    );
    check(&gateway, &seen, run, "G", "go-sdk");
}

#[test]
#[ignore = "needs Java and Maven: run .ci/interop"]
fn wechatpay_java_completes_merchant_and_brand_operations() {
    let gateway = Gateway::start("java-sdk");
    let run = "10000006";
    let classes = format!(
        "{}:{}/*",
        built("java-sdk/classes").display(),
        built("java-sdk/lib").display()
    );
    let seen = json(
        Command::new("java")
            .args(["-cp", &classes, "dev.kabao.interop.sdk.Main"])
            .arg(gateway.sandbox_files())
            .args([gateway.address("sandbox"), run]),
    );
    check(&gateway, &seen, run, "J", "java-sdk");
}

/// The rules for all programs, which print the same members.
#[track_caller]
fn check(gateway: &Gateway, seen: &Value, run: &str, letter: &str, prefix: &str) {
    let merchant = &seen["merchant"];
    let before = merchant["before"]["balance"]
        .as_i64()
        .expect("the demo member has a balance");
    assert_eq!(merchant["after"]["balance"], before + 100, "{merchant}");
    assert_eq!(merchant["after"]["level"], "黄金会员", "{merchant}");
    assert_eq!(
        merchant["after"]["membership_number"],
        format!("{letter}{run}"),
        "{merchant}"
    );
    assert_eq!(
        effects_of_request(gateway, &format!("{prefix}{run}")),
        1,
        "one request number, sent twice, is one effect"
    );

    let certificates = &seen["certificates"];
    assert_ne!(
        certificates["serials"],
        serde_json::json!([]),
        "{certificates}"
    );
    assert_eq!(certificates["member"], merchant["after"], "{certificates}");

    let refusal = &seen["refusal"];
    assert!(
        refusal["status"]
            .as_i64()
            .is_some_and(|status| (400..500).contains(&status)),
        "{refusal}"
    );
    assert!(
        ["NOT_FOUND", "INVALID_REQUEST"]
            .map(Value::from)
            .contains(&refusal["code"]),
        "{refusal}"
    );

    let picture = seen["upload"]["media_url"]
        .as_str()
        .expect("the answer to an upload is an address");
    assert_eq!(effects_with(gateway, picture), 1, "{picture}");

    let brand = &seen["brand"];
    assert_eq!(
        brand["after"]["benefits"],
        format!("{prefix}{run}"),
        "{brand}"
    );
    assert_ne!(
        brand["before"]["benefits"], brand["after"]["benefits"],
        "{brand}"
    );
    assert_eq!(brand["member"]["level"], "Gold", "{brand}");
    assert_eq!(brand["member"]["phone_number"], brand["phone"], "{brand}");
    let phone = brand["phone"].as_str().expect("the number as it was sent");
    assert_eq!(effects_with(gateway, phone), 1, "{brand}");
    assert_eq!(brand["invalidated"]["state"], "CARD_INVALID", "{brand}");
}
