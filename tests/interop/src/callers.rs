//! Go and Java services, with stubs from `proto/`, read and change members and templates of every family,
//! and tell the life of a card of each.

use std::process::Command;

use serde_json::Value;

use crate::gateway::Gateway;
use crate::ledger::effects_with;
use crate::lives;
use crate::program::{built, json};

/// gRPC's number for NOT_FOUND.
const NOT_FOUND: u32 = 5;

#[test]
#[ignore = "needs Go: run .ci/interop"]
fn a_go_service_reads_and_changes_every_family() {
    let gateway = Gateway::start("go");
    let run = "10000003";
    let seen = json(
        Command::new(built("go/interop"))
            .args([gateway.address("grpc"), gateway.address("control")])
            .arg(run),
    );
    check(&gateway, &seen, run, "go");
}

#[test]
#[ignore = "needs Java and Maven: run .ci/interop"]
fn a_java_service_reads_and_changes_every_family() {
    let gateway = Gateway::start("java");
    let run = "10000004";
    let classes = format!(
        "{}:{}/*",
        built("java/classes").display(),
        built("java/lib").display()
    );
    let seen = json(
        Command::new("java")
            .args(["-cp", &classes, "dev.kabao.interop.Main"])
            .args([gateway.address("grpc"), gateway.address("control")])
            .arg(run),
    );
    check(&gateway, &seen, run, "java");
}

/// The rules for both programs, which print the same members.
#[track_caller]
fn check(gateway: &Gateway, seen: &Value, run: &str, prefix: &str) {
    assert_eq!(seen["health"], "SERVING");
    lives::check(gateway, &seen["lives"], prefix, run);
    for family in ["merchant", "brand", "official_account"] {
        template(&seen["portable"][family]["template"], run);
        member(gateway, family, &seen["portable"][family]["member"], run);
    }
    let mark = format!("{prefix}{run}");
    balance(gateway, &seen["balance"], &mark);

    let benefits = &seen["benefits"];
    assert_eq!(benefits["changed"]["benefits"], mark, "{benefits}");
    assert_eq!(benefits["after"], benefits["changed"]);

    let bonus = &seen["bonus"];
    assert_eq!(
        number(&bonus["after"]["bonus"]),
        number(&bonus["before"]["bonus"]) + 30
    );

    let refusal = &seen["refusal"];
    assert_eq!(refusal["code"], NOT_FOUND, "{refusal}");
    assert_eq!(refusal["reason"], "ACCOUNT_NOT_FOUND", "{refusal}");
    assert_eq!(refusal["domain"], "kabao", "{refusal}");
    assert!(
        refusal["request_id"]
            .as_str()
            .is_some_and(|id| !id.is_empty()),
        "{refusal}"
    );
}

#[track_caller]
fn template(template: &Value, run: &str) {
    let phone = format!("020-{run}");
    assert_ne!(template["before"]["servicePhone"], phone, "{template}");
    assert_eq!(template["changed"]["servicePhone"], phone, "{template}");
    assert_eq!(template["after"], template["changed"], "{template}");
    assert_eq!(
        template["after"]["title"], template["before"]["title"],
        "{template}"
    );
}

#[track_caller]
fn member(gateway: &Gateway, family: &str, member: &Value, run: &str) {
    assert_eq!(member["after"], member["changed"], "{member}");
    if family == "official_account" {
        // WeChat does not return the picture; the sandbox knows.
        let picture = format!("https://mmbiz.qlogo.cn/mmbiz/{run}/0");
        assert_eq!(effects_with(gateway, &picture), 1, "{member}");
    } else {
        let level = format!("L{}", run.get(4..).expect("eight digits"));
        assert_ne!(member["before"]["level"], level, "{member}");
        assert_eq!(member["after"]["level"], level, "{member}");
    }
}

/// WeChat's own merchant example: a level, a number and a balance in one request.
#[track_caller]
fn balance(gateway: &Gateway, balance: &Value, request_number: &str) {
    assert_eq!(
        number(&balance["after"]["balance"]),
        number(&balance["before"]["balance"]) + 100
    );
    assert_eq!(balance["after"]["level"], "黄金会员", "{balance}");
    assert_eq!(
        balance["after"]["membershipNumber"], request_number,
        "{balance}"
    );
    assert_eq!(
        effects_with(gateway, &format!("balance-{request_number}")),
        1,
        "one request number, sent twice, is one effect"
    );
}

/// A 64-bit integer: the canonical JSON form writes it as a string, and leaves out an unset one.
#[track_caller]
pub(crate) fn number(value: &Value) -> i64 {
    match value {
        Value::Null => 0,
        Value::String(digits) => digits.parse().expect("digits"),
        other => panic!("not a 64-bit integer: {other}"),
    }
}
