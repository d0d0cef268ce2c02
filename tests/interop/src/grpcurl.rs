//! An operator with grpcurl and nothing else: reflection tells what there is, and the README's commands answer.

use std::fs;
use std::path::Path;
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

#[test]
#[ignore = "needs grpcurl: run .ci/interop"]
fn the_commands_of_the_readme_answer_unchanged() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = fs::read_to_string(&readme).expect("README.md can be read");
    let commands = commands(&readme, "grpcurl");
    assert!(
        commands.len() > 3,
        "README.md has first calls with grpcurl: {commands:?}"
    );

    let gateway = Gateway::start("readme");
    for command in commands {
        // The one difference: this gateway is not on its default port.
        let here = command
            .replace("localhost:50051", gateway.address("grpc"))
            .replace("127.0.0.1:50051", gateway.address("grpc"));
        assert_ne!(here, command, "names no gateway: {command}");
        succeed(Command::new("sh").args(["-c", &here]));
    }
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

/// Commands of a program in the fenced blocks of a Markdown text; a quoted argument or a backslash continues a line.
fn commands(markdown: &str, program: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut fenced = false;
    let mut current: Option<String> = None;
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            found.extend(current.take());
            continue;
        }
        if !fenced {
            continue;
        }
        let text = line.strip_prefix("$ ").unwrap_or(line);
        match &mut current {
            Some(command) => {
                command.push('\n');
                command.push_str(text);
            }
            None if text.starts_with(program) => current = Some(text.to_owned()),
            None => continue,
        }
        let goes_on = current.as_deref().is_some_and(|command| {
            command.ends_with('\\') || command.matches('\'').count() % 2 == 1
        });
        if !goes_on {
            found.extend(current.take());
        }
    }
    found
}

#[test]
fn commands_are_found_in_fences_over_several_lines() {
    let markdown =
        "grpcurl no\n```sh\n$ grpcurl one\necho no\ngrpcurl -d '{\n  \"a\": 1}' \\\n  two\n```\n";
    assert_eq!(
        commands(markdown, "grpcurl"),
        ["grpcurl one", "grpcurl -d '{\n  \"a\": 1}' \\\n  two"]
    );
}
