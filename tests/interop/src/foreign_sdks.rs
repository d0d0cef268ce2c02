//! SDKs that no one here wrote complete operations of every family against the sandbox.
//! They sign, verify, encrypt and decrypt by themselves, with the files that `kabao dev` leaves for foreign clients.

use std::process::Command;

use serde_json::{Value, json as value};

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

#[test]
#[ignore = "needs Java and Maven: run .ci/interop"]
fn weixin_java_mp_reads_and_changes_a_member() {
    let gateway = Gateway::start("java-mp");
    let classes = format!(
        "{}:{}/*",
        built("java-mp/classes").display(),
        built("java-mp/lib").display()
    );
    let seen = json(
        Command::new("java")
            .args(["-cp", &classes, "dev.kabao.interop.mp.Main"])
            .arg(gateway.sandbox_files())
            .arg(gateway.address("sandbox")),
    );
    let (before, after) = (&seen["before"], &seen["after"]);
    let bonus = before["bonus"]
        .as_i64()
        .expect("the demo member has points");
    assert_eq!(
        seen["update"],
        value!({ "errcode": "0", "bonus": bonus + 40, "balance": 2900.0 }),
        "{seen}"
    );
    assert_eq!(
        (&after["bonus"], &after["balance"]),
        (&value!(bonus + 40), &value!(2900.0)),
        "{seen}"
    );
    // A reader that expects every member of every entry finds them.
    let custom = before["custom"]
        .as_array()
        .expect("the demo member filled in a form");
    for field in custom {
        assert!(
            field["name"].is_string()
                && field["value"].is_string()
                && field["value_list"].is_array(),
            "{field}"
        );
    }
    assert_eq!(custom.len(), 2, "{before}");
    for ticket in ["ticket", "empty_code_ticket"] {
        assert!(
            seen[ticket].as_str().is_some_and(|text| !text.is_empty()),
            "{seen}"
        );
    }
    assert_eq!(seen["refusal"], 40056, "{seen}");
}

#[test]
#[ignore = "needs Java and Maven: run .ci/interop"]
fn weixin_java_pay_takes_an_answer_without_a_body() {
    let gateway = Gateway::start("java-pay");
    let run = "10000007";
    let classes = format!(
        "{}:{}/*",
        built("java-mp/classes").display(),
        built("java-mp/lib").display()
    );
    let seen = json(
        Command::new("java")
            .args(["-cp", &classes, "dev.kabao.interop.mp.Pay"])
            .arg(gateway.sandbox_files())
            .args([gateway.address("sandbox"), run]),
    );
    assert_ne!(seen["before"]["level"], "黄金会员", "{seen}");
    assert_eq!(seen["after"]["level"], "黄金会员", "{seen}");
    assert_eq!(effects_of_request(&gateway, &format!("java-pay{run}")), 1);
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

    // Python's client shows no headers.
    if prefix != "python" {
        let described = &merchant["no_content"];
        for (name, expected) in [
            ("content-type", "application/json; charset=utf-8"),
            ("content-length", "0"),
            ("content-language", "zh-CN"),
        ] {
            assert_eq!(described[name], expected, "{described}");
        }
    }

    let certificates = &seen["certificates"];
    assert_ne!(certificates["serials"], value!([]), "{certificates}");
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
