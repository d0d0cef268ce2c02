//! What files look like.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::repository::{expect_none, files, packages, relative, root};

/// No hand-written file is longer.
const LONGEST: usize = 600;
/// Nine of ten hand-written files are at most this long.
const LONG: usize = 420;

/// Everything that may lie at the top level.
const TOP_LEVEL: [&str; 16] = [
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    "clippy.toml",
    "crates",
    "deny.toml",
    // Reference pages, generated from the catalogue.
    "docs",
    "proto",
    "services",
    "tests",
    // Build output, ignored by git.
    "target",
];

/// Tool configuration that has no dotted name.
const TOOL_FILES: [&str; 2] = ["rust-toolchain.toml", "rustfmt.toml"];

#[test]
fn modules_are_named_after_themselves_not_mod_rs() {
    let violations: Vec<String> = rust_files()
        .iter()
        .filter(|path| path.file_name().is_some_and(|name| name == "mod.rs"))
        .map(|path| relative(path))
        .collect();
    expect_none("write foo.rs beside foo/, not foo/mod.rs:", &violations);
}

#[test]
fn no_hand_written_file_is_longer_than_600_lines() {
    let violations: Vec<String> = hand_written()
        .into_iter()
        .filter(|(_, lines)| *lines > LONGEST)
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect();
    expect_none(
        "split these by noun (generated files say `@generated` at their top):",
        &violations,
    );
}

#[test]
fn nine_of_ten_hand_written_files_are_short() {
    let all = hand_written();
    let mut long: Vec<String> = all
        .iter()
        .filter(|(_, lines)| *lines > LONG)
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect();
    if long.len() * 10 <= all.len() {
        long.clear();
    }
    expect_none(
        &format!(
            "more than a tenth of {} files have over {LONG} lines:",
            all.len()
        ),
        &long,
    );
}

#[test]
fn no_file_mentions_a_path_of_somebodys_machine() {
    // Put together here, so that this file does not break its own rule.
    let homes = ["root", "work", "Users"].map(|folder| format!("/{folder}/"));
    let mut violations = Vec::new();
    for path in files() {
        let Ok(text) = fs::read_to_string(&path) else {
            continue; // not text
        };
        for (number, line) in text.lines().enumerate() {
            if homes.iter().any(|home| names_absolute_path(line, home)) {
                violations.push(format!(
                    "{}:{}: {}",
                    relative(&path),
                    number + 1,
                    line.trim()
                ));
            }
        }
    }
    expect_none("paths that exist on one machine only:", &violations);
}

#[test]
fn the_top_level_holds_only_what_has_a_reason() {
    let violations: Vec<String> = fs::read_dir(root())
        .expect("the root can be listed")
        .map(|entry| entry.expect("an entry can be read").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.'))
        .filter(|name| !TOP_LEVEL.contains(&name.as_str()) && !TOOL_FILES.contains(&name.as_str()))
        .collect();
    expect_none(
        "a new top-level entry is added to TOP_LEVEL (tests/architecture/src/sources.rs) on purpose:",
        &violations,
    );
}

#[test]
fn test_code_lives_in_packages_not_in_loose_files() {
    let members: BTreeSet<String> = packages()
        .into_iter()
        .map(|package| package.directory)
        .collect();
    let violations: Vec<String> = rust_files()
        .iter()
        .map(|path| relative(path))
        .filter(|path| {
            let folder: Vec<&str> = path.splitn(3, '/').take(2).collect();
            !members.contains(&folder.join("/"))
        })
        .collect();
    expect_none("Rust files outside every package:", &violations);
}

fn rust_files() -> Vec<PathBuf> {
    files()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// Hand-written Rust files with their number of lines.
fn hand_written() -> Vec<(String, usize)> {
    rust_files()
        .iter()
        .map(|path| (path, fs::read_to_string(path).expect("Rust is UTF-8")))
        .filter(|(_, text)| !is_generated(text))
        .map(|(path, text)| (relative(path), text.lines().count()))
        .collect()
}

fn is_generated(text: &str) -> bool {
    text.lines().take(5).any(|line| line.contains("@generated"))
}

/// Whether `line` holds `home` as the beginning of a path, not as a part of a longer one or of a URL.
fn names_absolute_path(line: &str, home: &str) -> bool {
    line.match_indices(home).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        !before.is_some_and(|c| c.is_alphanumeric() || "._-}/$".contains(c))
    })
}

#[test]
fn the_path_rule_knows_a_path_from_a_url() {
    let home = "/home/";
    for line in ["cd /home/me", "\"/home/me\"", "PATH=/home/me"] {
        assert!(names_absolute_path(line, home), "{line}");
    }
    for line in [
        "https://example.com/home/",
        "certs/home/ca.pem",
        "${X}/home/",
    ] {
        assert!(!names_absolute_path(line, home), "{line}");
    }
    assert_eq!(relative(Path::new("crates/api")), "crates/api");
}
