//! What every manifest of the workspace says.

use std::fs;

use toml::{Table, Value};

use crate::repository::{Kind, Package, expect_none, packages, relative};

/// Keys that a package takes over from `[workspace.package]`.
const SHARED_KEYS: [&str; 5] = ["version", "edition", "rust-version", "license", "publish"];

#[test]
fn every_crate_obeys_the_workspace_lints() {
    check(
        "a manifest says `[lints] workspace = true`:",
        |manifest| match inherits(manifest.get("lints")) {
            true => Vec::new(),
            false => vec!["[lints]".to_owned()],
        },
    );
}

#[test]
fn every_crate_takes_its_package_keys_from_the_workspace() {
    check("a manifest says `KEY.workspace = true` for:", |manifest| {
        let package = manifest.get("package");
        SHARED_KEYS
            .iter()
            .filter(|key| !inherits(package.and_then(|package| package.get(**key))))
            .map(|key| format!("package.{key}"))
            .collect()
    });
}

#[test]
fn every_crate_describes_itself_in_a_sentence() {
    check(
        "a manifest has a `description` that ends in a full stop:",
        |manifest| {
            let description = manifest
                .get("package")
                .and_then(|package| package.get("description"))
                .and_then(Value::as_str)
                .unwrap_or_default();
            match description.ends_with('.') {
                true => Vec::new(),
                false => vec![format!("description = {description:?}")],
            }
        },
    );
}

#[test]
fn versions_stand_once_in_the_workspace_manifest() {
    check(
        "a dependency says `workspace = true`; its version stands in the root manifest:",
        |manifest| {
            ["dependencies", "dev-dependencies", "build-dependencies"]
                .iter()
                .filter_map(|section| Some((section, manifest.get(*section)?.as_table()?)))
                .flat_map(|(section, entries)| {
                    entries
                        .iter()
                        .filter(|(_, entry)| !inherits(Some(entry)))
                        .map(move |(name, _)| format!("[{section}] {name}"))
                })
                .collect()
        },
    );
}

#[test]
fn no_crate_runs_a_build_script() {
    let violations: Vec<String> = packages()
        .iter()
        .filter(|package| {
            package.manifest().with_file_name("build.rs").exists()
                || package
                    .dependencies
                    .iter()
                    .any(|dependency| dependency.kind == Kind::Build)
        })
        .map(|package| package.directory.clone())
        .collect();
    expect_none(
        "generated code is checked in and drift-tested, not built (crates/codegen):",
        &violations,
    );
}

#[test]
fn folders_carry_no_prefix_and_packages_do() {
    let mut violations = Vec::new();
    for package in packages() {
        let Some((layer, folder)) = package.directory.split_once('/') else {
            violations.push(format!("{} lies at the top level", package.directory));
            continue;
        };
        if folder.starts_with("kabao") || folder.contains('/') {
            violations.push(format!(
                "{}: a folder is named after its layer alone",
                package.directory
            ));
        }
        let expected = match (layer, folder) {
            ("services", "gateway") => "kabao".to_owned(),
            ("services", folder) => format!("kabao-{folder}-server"),
            (_, folder) => format!("kabao-{folder}"),
        };
        if package.name != expected {
            violations.push(format!(
                "{} is called {}, expected {expected}",
                package.directory, package.name
            ));
        }
    }
    expect_none("names of folders and packages:", &violations);
}

/// Applies one rule to every manifest; `broken` lists what does not obey.
#[track_caller]
fn check(rule: &str, broken: impl Fn(&Table) -> Vec<String>) {
    let violations: Vec<String> = packages()
        .iter()
        .flat_map(|package| {
            broken(&read(package))
                .into_iter()
                .map(|what| format!("{}: {what}", relative(&package.manifest())))
        })
        .collect();
    expect_none(rule, &violations);
}

fn read(package: &Package) -> Table {
    let path = package.manifest();
    let text = fs::read_to_string(&path).expect("cargo has just read it");
    text.parse().expect("cargo has just parsed it")
}

fn inherits(entry: Option<&Value>) -> bool {
    entry
        .and_then(|entry| entry.get("workspace"))
        .and_then(Value::as_bool)
        .unwrap_or(false)
}
