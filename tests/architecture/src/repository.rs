//! What the rules look at: the packages of the workspace and the files of the repository.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// One package of the workspace, as `cargo metadata` sees it.
pub(crate) struct Package {
    pub(crate) name: String,
    /// The folder that holds the manifest, relative to the root, with `/`.
    pub(crate) directory: String,
    pub(crate) dependencies: Vec<Dependency>,
}

/// One line of a dependency section.
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Normal,
    Dev,
    Build,
}

impl Package {
    /// Names of the dependencies that are part of the built crate.
    pub(crate) fn normal(&self) -> impl Iterator<Item = &str> {
        self.dependencies
            .iter()
            .filter(|dependency| dependency.kind == Kind::Normal)
            .map(|dependency| dependency.name.as_str())
    }

    pub(crate) fn manifest(&self) -> PathBuf {
        root().join(&self.directory).join("Cargo.toml")
    }
}

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .nth(2)
        .expect("this package lives two folders below the root")
        .to_path_buf()
}

/// Every package of the workspace, by name.
pub(crate) fn packages() -> Vec<Package> {
    let metadata = cargo(&[
        "metadata",
        "--format-version=1",
        "--no-deps",
        "--offline",
        "--locked",
    ]);
    let metadata: Value = serde_json::from_str(&metadata).expect("cargo metadata prints JSON");
    let mut packages: Vec<Package> = array(&metadata, "packages")
        .iter()
        .map(|package| {
            let manifest = PathBuf::from(text(package, "manifest_path"));
            let folder = manifest.parent().expect("a manifest is in a folder");
            Package {
                name: text(package, "name"),
                directory: relative(folder),
                dependencies: array(package, "dependencies")
                    .iter()
                    .map(|dependency| Dependency {
                        name: text(dependency, "name"),
                        kind: match dependency["kind"].as_str() {
                            None => Kind::Normal,
                            Some("dev") => Kind::Dev,
                            Some(_) => Kind::Build,
                        },
                    })
                    .collect(),
            }
        })
        .collect();
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(packages.len() > 5, "cargo metadata found too few packages");
    packages
}

/// Names of everything that is linked into `package` on this platform.
pub(crate) fn linked_into(package: &str) -> BTreeSet<String> {
    cargo(&[
        "tree",
        "--package",
        package,
        "--edges=normal,no-proc-macro",
        "--prefix=none",
        "--format={p}",
        "--offline",
        "--locked",
    ])
    .lines()
    .filter_map(|line| line.split_whitespace().next())
    .map(str::to_owned)
    .collect()
}

/// Every file of the repository, without build output and installed packages.
pub(crate) fn files() -> Vec<PathBuf> {
    const SKIPPED: [&str; 6] = [
        ".git",
        ".kabao",
        ".venv",
        "__pycache__",
        "node_modules",
        "target",
    ];
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the repository can be listed") {
            let entry = entry.expect("an entry can be read");
            let kind = entry.file_type().expect("an entry has a type");
            let name = entry.file_name();
            if SKIPPED.iter().any(|skipped| name == *skipped) {
                // `.git` is a file in a linked work tree.
                continue;
            }
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    assert!(found.len() > 20, "the walk found too few files");
    found
}

/// The path of a file as people write it: relative to the root, with `/`.
pub(crate) fn relative(path: &Path) -> String {
    let path = path.strip_prefix(root()).unwrap_or(path);
    path.to_string_lossy().replace('\\', "/")
}

/// Fails with one line per broken rule.
#[track_caller]
pub(crate) fn expect_none(rule: &str, violations: &[String]) {
    assert!(
        violations.is_empty(),
        "{rule}\n  - {}\n",
        violations.join("\n  - ")
    );
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(root())
        .output()
        .expect("cargo starts");
    assert!(
        output.status.success(),
        "cargo {}: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("cargo prints UTF-8")
}

fn array<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value[member].as_array().expect("a list")
}

fn text(value: &Value, member: &str) -> String {
    value[member].as_str().expect("a string").to_owned()
}
