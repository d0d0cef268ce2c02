//! What the documents must not forget.

use std::fs;

use crate::repository::{expect_none, packages, root};

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

#[test]
fn readme_owns_the_test_command() {
    let text = fs::read_to_string(root().join("README.md"))
        .unwrap_or_else(|error| panic!("README.md is the front door: {error}"));
    assert!(
        text.contains("cargo test --workspace"),
        "README.md tells how to run the tests: `cargo test --workspace`, the command that .ci/run calls"
    );
}
