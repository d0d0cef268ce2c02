//! An operator with grpcurl and nothing else: reflection tells what there is.

use std::process::Command;

use serde_json::Value;

use crate::gateway::Gateway;
use crate::program::{json, succeed};

#[test]
#[ignore = "needs grpcurl: run .ci/interop"]
fn reflection_lists_and_describes_what_is_served() {
    let gateway = Gateway::start("grpcurl");
    let listed = grpcurl(&gateway, &["list"]);
    let services: Vec<&str> = listed.lines().collect();
    for expected in [
        "grpc.health.v1.Health",
        "kabao.brand.v1.CardService",
        "kabao.merchant.v1.UserCardService",
        "kabao.v1.MemberService",
        "kabao.v1.TemplateService",
    ] {
        assert!(
            services.contains(&expected),
            "{expected} is not in {services:?}"
        );
    }
    for service in &services {
        let description = grpcurl(&gateway, &["describe", service]);
        assert!(description.contains("rpc "), "{service}: {description}");
    }
    let request = grpcurl(&gateway, &["describe", "kabao.v1.GetMemberRequest"]);
    assert!(
        request.contains("field_behavior"),
        "options survive: {request}"
    );
}

#[test]
#[ignore = "needs grpcurl: run .ci/interop"]
fn a_change_made_with_grpcurl_is_read_back() {
    let gateway = Gateway::start("grpcurl-call");
    let name = "accounts/demo-merchant/templates/pbLatjvWOibDc5-TBnbUk1pD12o0/members/478515832665";
    let changed = call(
        &gateway,
        "kabao.v1.MemberService/UpdateMember",
        &format!(
            r#"{{"member": {{"name": "{name}", "level": "铂金"}}, "update_mask": {{"paths": ["level"]}}, "request_id": "grpcurl-1"}}"#
        ),
    );
    let read = call(
        &gateway,
        "kabao.v1.MemberService/GetMember",
        &format!(r#"{{"name": "{name}"}}"#),
    );
    assert_eq!(read["level"], "铂金", "{read}");
    assert_eq!(read, changed);
}

#[track_caller]
fn grpcurl(gateway: &Gateway, arguments: &[&str]) -> String {
    succeed(
        Command::new("grpcurl")
            .args(["-plaintext", "-max-time", "20", gateway.address("grpc")])
            .args(arguments),
    )
}

#[track_caller]
fn call(gateway: &Gateway, method: &str, request: &str) -> Value {
    json(
        Command::new("grpcurl")
            .args(["-plaintext", "-max-time", "20", "-d", request])
            .args([gateway.address("grpc"), method]),
    )
}
