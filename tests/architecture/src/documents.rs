//! What the documents must not forget.

use std::fs;

use crate::repository::{expect_none, files, packages, root};

/// What a stranger looks for at the top level.
const FRONT: [&str; 5] = [
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "SECURITY.md",
];

#[test]
fn links_between_the_documents_lead_somewhere() {
    let mut broken = Vec::new();
    for name in FRONT {
        let text = fs::read_to_string(root().join(name))
            .unwrap_or_else(|error| panic!("{name} belongs to every repository: {error}"));
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            if path.starts_with("https://") {
                continue;
            }
            let file = root().join(path);
            let has_heading = || {
                fs::read_to_string(&file).is_ok_and(|text| {
                    text.lines()
                        .filter(|line| line.starts_with('#'))
                        .any(|line| slug(line) == heading)
                })
            };
            if !file.exists() || !(heading.is_empty() || has_heading()) {
                broken.push(format!("{name}: {link}"));
            }
        }
    }
    expect_none("links that lead nowhere:", &broken);
}

#[test]
fn the_licence_is_the_one_that_the_manifests_name() {
    let licence = fs::read_to_string(root().join("LICENSE")).unwrap_or_default();
    assert!(
        licence.contains("Apache License\n                           Version 2.0"),
        "Cargo.toml says Apache-2.0"
    );
    assert!(licence.contains("END OF TERMS AND CONDITIONS"), "in full");
}

/// A heading as GitHub writes it in links.
fn slug(heading: &str) -> String {
    heading
        .trim_start_matches(['#', ' '])
        .chars()
        .filter(|character| character.is_alphanumeric() || [' ', '-'].contains(character))
        .map(|character| match character {
            ' ' => '-',
            other => other.to_ascii_lowercase(),
        })
        .collect()
}

#[test]
fn architecture_md_names_every_crate() {
    let path = root().join("ARCHITECTURE.md");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!("ARCHITECTURE.md is the map of this repository: {error}");
    });
    let missing: Vec<String> = packages()
        .iter()
        .filter(|package| !text.contains(&package.directory))
        .map(|package| format!("{} ({})", package.directory, package.name))
        .collect();
    expect_none("ARCHITECTURE.md does not mention:", &missing);
}

/// The security page says by which test each defence is held: a name of a test, or a place where there are several.
#[test]
fn the_tests_that_the_security_page_names_are_there() {
    let page = fs::read_to_string(root().join("docs/security.md"))
        .unwrap_or_else(|error| panic!("docs/security.md is what README.md refers to: {error}"));
    let sources: Vec<String> = files()
        .iter()
        .filter(|file| file.extension().is_some_and(|kind| kind == "rs"))
        .filter_map(|file| fs::read_to_string(file).ok())
        .collect();
    let is_test = |name: &str| {
        let plain = name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        plain && name.matches('_').count() > 2
    };
    let mut named = 0;
    let mut missing = Vec::new();
    for name in page.split('`').skip(1).step_by(2) {
        let is_there = if is_test(name) {
            let declared = format!("fn {name}(");
            sources.iter().any(|source| source.contains(&declared))
        } else if name.starts_with("crates/")
            || name.starts_with("services/")
            || name.starts_with("tests/")
        {
            root().join(name).exists()
        } else {
            continue;
        };
        named += 1;
        if !is_there {
            missing.push(name.to_owned());
        }
    }
    assert!(named > 30, "only {named} names were found");
    expect_none("docs/security.md names what is not there:", &missing);
}

#[test]
fn readme_owns_the_test_command() {
    let text = fs::read_to_string(root().join("README.md"))
        .unwrap_or_else(|error| panic!("README.md is the front door: {error}"));
    assert!(
        text.contains("cargo test --workspace"),
        "README.md tells how to run the tests: `cargo test --workspace`, the command that .ci/run calls"
    );
}
