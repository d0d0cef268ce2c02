//! `docs/sandbox-control.md` lists everything that the control API has, and is what the source says.
//!
//! `KABAO_WRITE_PAGES=1 cargo test -p kabao-sandbox --lib control::page` writes it anew.

use std::fmt::Write as _;
use std::path::Path;

use super::endpoints::ENDPOINTS;
use super::families;
use crate::described::Parameter;
use crate::fault::Fault;

const INTRODUCTION: &str = "# Control API of the sandbox

Plain HTTP with JSON on a port of its own, without authentication: keep it on loopback. It acts for users and
WeChat's staff, and shows what the sandbox holds and did. Errors are `{\"error\": ..., \"field\": ...}`. A query
parameter or member that an endpoint does not know, and a body that nobody would read, are errors.

Written from the source by a test; `KABAO_WRITE_PAGES=1 cargo test -p kabao-sandbox --lib control::page`
writes it anew.
";

fn page() -> String {
    let mut out = INTRODUCTION.to_owned();
    out.push_str("\n## Endpoints\n");
    for endpoint in &ENDPOINTS {
        section(
            &mut out,
            &format!("{} {}", endpoint.method, endpoint.path),
            endpoint.about,
        );
        table(&mut out, "query parameter", endpoint.query);
        table(&mut out, "member", endpoint.takes);
    }
    for family in families::ALL {
        let control = families::of(family);
        let _ = write!(
            out,
            "\n## Actions of the {family} family\n\n`POST /actions/{{account}}/{{action}}`; the ledger has them as \
             `control.{}.{{action}}`.\n",
            control.word()
        );
        for action in control.actions() {
            section(&mut out, action.name, action.about);
            table(&mut out, "member", action.takes);
        }
        let _ = write!(
            out,
            "\n## State of the {family} family\n\n`{family}` of `GET /state`.\n\n| member | |\n| --- | --- |\n"
        );
        for (name, about) in control.parts() {
            let _ = writeln!(out, "| `{name}` | {} |", text(about));
        }
    }
    out.push_str("\n## Faults\n\nThe `fault` of `POST /faults`, by its `kind`.\n");
    for variant in Fault::VARIANTS {
        section(&mut out, variant.word, variant.about);
        table(&mut out, "member", variant.members);
    }
    out
}

fn section(out: &mut String, head: &str, about: &str) {
    assert!(!about.trim().is_empty(), "{head} is not described");
    let _ = write!(out, "\n### `{head}`\n\n{}\n", text(about));
}

fn table(out: &mut String, what: &str, parameters: &[Parameter]) {
    if parameters.is_empty() {
        return;
    }
    let _ = write!(out, "\n| {what} | value | |\n| --- | --- | --- |\n");
    rows(out, "", parameters);
}

fn rows(out: &mut String, prefix: &str, parameters: &[Parameter]) {
    for parameter in parameters {
        let name = format!("{prefix}{}", parameter.name);
        assert!(
            !parameter.about.trim().is_empty(),
            "{name} is not described"
        );
        let kind = parameter.kind;
        let kind = if kind.contains('|') {
            let words: Vec<_> = kind.split('|').map(|word| format!("`{word}`")).collect();
            words.join(", ")
        } else {
            kind.to_owned()
        };
        let optional = if parameter.optional { ", optional" } else { "" };
        let _ = writeln!(
            out,
            "| `{name}` | {kind}{optional} | {} |",
            text(parameter.about)
        );
        rows(out, &format!("{name}."), parameter.members);
    }
}

/// A comment as it stands in a table.
fn text(about: &str) -> String {
    about
        .trim()
        .replace('|', "\\|")
        .replace("[`", "`")
        .replace("`]", "`")
}

#[test]
fn the_page_of_the_control_api_is_what_the_source_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/sandbox-control.md");
    let expected = page();
    if std::env::var_os("KABAO_WRITE_PAGES").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "docs/sandbox-control.md is out of date; run KABAO_WRITE_PAGES=1 cargo test -p kabao-sandbox --lib control::page"
    );
}

#[test]
fn the_help_has_what_the_page_has() {
    let help = super::control_help();
    let actions = families::ALL
        .map(families::of)
        .map(|control| control.actions());
    for action in actions.into_iter().flatten() {
        assert!(
            help.contains(&format!("\n  {} ", action.name)),
            "{}",
            action.name
        );
    }
    for row in [
        "  GET /requests                       Lists every exchange: its outcome",
        "    bodies?                           true or false: Whether heads and bodies",
        "  PATCH /accounts/ACCOUNT             Changes permission and key phase.",
        "    key_phase?                        certificates|migrating|stopped|public_key: Which",
        "    user                              object: Who opens it.",
        "      openid                          text: Who.",
        "  drop_connection ",
    ] {
        assert!(help.contains(row), "{row} is not in\n{help}");
    }
    assert!(
        help.lines().all(|line| line.chars().count() <= 118),
        "{help}"
    );
}
